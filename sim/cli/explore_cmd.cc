// aiosim explore: look for a run in which a property is false.
#include <sys/random.h>

#include "cli/commands.h"
#include "cli/interrupt.h"
#include "cli/report.h"
#include "cli/search.h"
#include "cli/seed_store.h"
#include "cli/words.h"

namespace aiosim::cli {
namespace {

/// Short enough to be typed again.
std::uint64_t draw_seed() {
  std::uint32_t seed = 0;
  if (getrandom(&seed, sizeof seed, 0) != sizeof seed) throw BadInput("getrandom gave no seed");
  return seed;
}

/// Every combination that is offered; BadInput if there is none.
std::vector<Combination> combine(const Options& options, Catalog& catalog) {
  std::vector<Combination> combinations;
  std::string not_offered;
  const auto properties = catalog.properties(options.properties);
  const auto plans = catalog.plans(options.faults);
  for (const Property* property : properties) {
    for (const Backend* backend : catalog.backends(options.backends)) {
      if (!property->offered(*backend)) {
        not_offered = fmt::format("{} does not offer what {} needs", backend->name,
                                  property->name());
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

void say_start(const Options& options, const std::vector<Combination>& combinations,
               const SearchOptions& search) {
  const std::string limit =
      options.seconds ? fmt::format("for {} s", *options.seconds)
                      : fmt::format("{} runs each", with_commas(*search.runs));
  say(options, "seed {}, strategy {}, memory {}, world {}, {}, {} {}{}{}\n", search.root_seed,
      search.strategy, search.memory == MemoryMode::sc ? "sc" : "weak",
      search.host_world ? "host" : "sim", limit, search.jobs,
      search.jobs == 1 ? "process" : "processes", search.twice ? ", each run twice" : "",
      search.minimise ? "" : ", not minimised");
  for (const Combination& combination : combinations) say(options, "  {}\n", combination.text());
  std::fflush(options.json ? stderr : stdout);
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
  say(options, "explain:   {} explain {}\n", options.program, row.seed_file);
}

ExploreRow make_row(const Combination& combination, const Outcome& outcome) {
  ExploreRow row;
  row.property = combination.property->name();
  row.backend = combination.backend->name;
  row.faults = combination.plan.name;
  row.runs = outcome.done.runs;
  row.points = outcome.done.points;
  row.distinct = outcome.done.distinct;
  row.seconds = outcome.done.seconds;
  row.chance_new = outcome.done.chance_new;
  if (!outcome.troubles.empty()) row.trouble = outcome.troubles.front();
  return row;
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
        row.trouble.empty() ? name(row.verdict.kind) : "no result",
        row.verdict.rule.empty() ? "" : ", " + row.verdict.rule);
  }
  if (report.interrupted) say(options, "interrupted\n");
}

}  // namespace

int run_explore(const Options& options, Catalog& catalog) {
  catalog.check_strategy(options.strategy);
  const std::vector<Combination> combinations = combine(options, catalog);
  const std::string folder = options.out.empty() ? "." : options.out;
  prepare_folder(folder);

  SearchOptions settings = search_options(options, options.seed ? *options.seed : draw_seed());
  settings.share = true;
  if (options.seconds) {
    settings.seconds = *options.seconds * settings.jobs / static_cast<double>(combinations.size());
  } else if (!settings.runs) {
    settings.runs = 10'000;
  }
  say_start(options, combinations, settings);
  const SearchResult result = search(combinations, settings);

  ExploreReport report;
  report.strategy = settings.strategy;
  report.memory = settings.memory == MemoryMode::sc ? "sc" : "weak";
  report.world = settings.host_world ? "host" : "sim";
  report.seed = settings.root_seed;
  report.interrupted = result.interrupted;
  bool found = false;
  std::vector<std::string> troubles;
  for (std::size_t i = 0; i < combinations.size(); ++i) {
    const Outcome& outcome = result.outcomes[i];
    ExploreRow row = make_row(combinations[i], outcome);
    troubles.insert(troubles.end(), outcome.troubles.begin(), outcome.troubles.end());
    if (!outcome.findings.empty()) {
      const Finding& finding = outcome.findings.front();
      found = true;
      row.verdict = finding.seed.verdict;
      row.runs_to_find = finding.runs_to_find;
      row.seed_file = write_new_seed(folder, seed_name(finding.seed), finding.seed);
      row.replay = replay_command(options.program, row.seed_file,
                                  file_if_needed(*combinations[i].backend, catalog));
      say_finding(options, catalog, finding, row);
    }
    report.rows.push_back(std::move(row));
  }
  say_rows(options, report);
  print_json(options, json(report));
  print_troubles(troubles);
  return found ? 1 : troubles.empty() ? 0 : 2;
}

}  // namespace aiosim::cli
