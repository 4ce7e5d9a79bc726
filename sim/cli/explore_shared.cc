#include "cli/explore_shared.h"

#include <sys/random.h>

#include <algorithm>

#include "cli/words.h"

namespace aiosim::cli {

// Short enough to be typed again.
std::uint64_t draw_seed() {
  std::uint32_t seed = 0;
  if (getrandom(&seed, sizeof seed, 0) != sizeof seed) throw BadInput("getrandom gave no seed");
  return seed;
}

std::string lacked_words(const Property& property, const Backend& backend) {
  const std::vector<std::string> lacked = property.lacked(backend);
  return lacked.empty() ? "" : ": " + join(lacked, ", ");
}

std::vector<Combination> combine(const Options& options, Catalog& catalog) {
  std::vector<Combination> combinations;
  std::string not_offered;
  const auto properties = catalog.properties(options.properties);
  const auto plans = catalog.plans(options.faults);
  for (const Property* property : properties) {
    if (options.host_world && !property->on_host()) {
      not_offered = fmt::format("{} takes seconds of a real clock", property->name());
      if (!options.json) fmt::print(stderr, "not on the host: {}\n", not_offered);
      continue;
    }
    for (const Backend* backend : catalog.backends(options.backends)) {
      if (!property->offered(*backend)) {
        not_offered = fmt::format("{} does not offer what {} needs{}", backend->name,
                                  property->name(), lacked_words(*property, *backend));
        if (!options.json) fmt::print(stderr, "not offered: {}\n", not_offered);
        continue;
      }
      for (const fault::Plan& plan : plans) {
        combinations.push_back({property, backend, plan, std::nullopt});
      }
    }
  }
  if (combinations.empty()) throw BadInput("nothing to explore: " + not_offered);
  return combinations;
}

void say_finding(const Options& options, const Catalog& catalog, const Finding& finding,
                 const ExploreRow& row) {
  const SeedFile& seed = finding.seed;
  say(options, "\n{} on {}: {}\n", row.property, row.backend, describe(seed.verdict, catalog));
  if (!seed.happens.empty()) say(options, "{}\n", seed.happens);
  if (!seed.verdict.text.empty() && seed.verdict.text != seed.happens) {
    say(options, "{}\n", seed.verdict.text);
  }
  say(options, "found after {} runs, {:.2f} s (run number {})\n", with_commas(finding.runs_to_find),
      finding.seconds_to_find, seed.run_number);
  say(options, "program, {} operations:\n{}", seed.program.op_count(), program_text(seed));
  say(options, "choices, {}:\n{}", seed.choices.size(),
      seed.choices.empty() ? "  none: the dull run does it\n" : choices_text(seed));
  say(options, "seed file: {}\nreplay:    {}\n", row.seed_file, row.replay);
  std::string explain = row.replay;  // with the same file and backend
  explain.replace(explain.find(" replay "), 8, " explain ");
  say(options, "explain:   {}\n", explain);
}

void say_rows(const Options& options, const ExploreReport& report) {
  std::size_t width = 8;
  for (const ExploreRow& row : report.rows) {
    width = std::max(width, row.property.size() + row.backend.size() + row.faults.size() + 2);
  }
  say(options, "\n{:<{}}  {:>12}  {:>14}  {:>10}  {:>8}  verdict\n", "", width, "runs", "points",
      "distinct", "new");
  for (const ExploreRow& row : report.rows) {
    say(options, "{:<{}}  {:>12}  {:>14}  {:>10}  {:>8.2g}  {}{}\n",
        fmt::format("{} {} {}", row.property, row.backend, row.faults), width,
        with_commas(row.runs), with_commas(row.points), with_commas(row.distinct), row.chance_new,
        !row.trouble.empty() ? "no result" : row.runs == 0 ? "not run" : name(row.verdict.kind),
        row.verdict.rule.empty() ? "" : ", " + row.verdict.rule);
  }
  if (report.interrupted) say(options, "interrupted\n");
}

}  // namespace aiosim::cli
