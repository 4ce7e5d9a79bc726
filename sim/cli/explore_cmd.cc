// aiosim explore: look for a run in which a property is false.
#include "cli/commands.h"
#include "cli/explore_shared.h"
#include "cli/report.h"
#include "cli/search.h"
#include "cli/seed_store.h"
#include "cli/words.h"

namespace aiosim::cli {
namespace {

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

}  // namespace

int run_explore(const Options& options, Catalog& catalog) {
  if (options.strategy == "exhaustive") return run_exhaustive(options, catalog);
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
  // The first combination that found the same under another plan, or `index` itself.
  const auto found_before = [&](std::size_t index) {
    std::size_t i = 0;
    const auto same = [&](const Outcome& outcome) {
      return !outcome.findings.empty() &&
             same_under_another_plan(combinations[i], outcome.findings.front(),
                                     combinations[index],
                                     result.outcomes[index].findings.front());
    };
    while (i < index && !same(result.outcomes[i])) ++i;
    return i;
  };
  for (std::size_t i = 0; i < combinations.size(); ++i) {
    const Outcome& outcome = result.outcomes[i];
    ExploreRow row = make_row(combinations[i], outcome);
    troubles.insert(troubles.end(), outcome.troubles.begin(), outcome.troubles.end());
    if (!outcome.findings.empty()) {
      const Finding& finding = outcome.findings.front();
      found = true;
      row.verdict = finding.seed.verdict;
      row.runs_to_find = finding.runs_to_find;
      if (const auto known = found_before(i); known < i) {
        row.seed_file = report.rows[known].seed_file;
        row.replay = report.rows[known].replay;
        report.rows.push_back(std::move(row));
        continue;
      }
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
