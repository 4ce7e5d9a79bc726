// aiosim explore --strategy exhaustive: every schedule of one program.
#include <chrono>

#include "aiosim/seed.h"
#include "cli/explore_shared.h"
#include "cli/interrupt.h"
#include "cli/progress_line.h"
#include "cli/seed_store.h"
#include "cli/words.h"
#include "explore/exhaustive_explore.h"
#include "trace/symbolize.h"

namespace aiosim::cli {
namespace {

void check(const Options& options) {
  const auto refuse = [](const char* flag, const char* why) {
    throw BadInput(fmt::format("--strategy exhaustive: no {}: {}", flag, why));
  };
  if (options.jobs > 1) refuse("--jobs above 1", "it is one search, in one process");
  if (options.host_world) refuse("--world host", "real threads cannot be told what to do");
  if (options.twice) refuse("--twice", "each prefix of choices is run again anyway");
}

/// The program of the file, or the smallest that the property draws from the seed.
Program program_for(const Options& options, const Property& property, std::uint64_t root_seed) {
  if (options.program_file.empty()) return property.generate(root_seed, 1);
  const SeedFile seed = read_seed(options.program_file);
  if (seed.property != property.name()) {
    throw BadInput(fmt::format("{}: expected a program of {}, found one of {}",
                               options.program_file, property.name(), seed.property));
  }
  return seed.program;
}

class ExhaustiveCommand {
 public:
  ExhaustiveCommand(const Options& options, Catalog& catalog)
      : options_(options),
        catalog_(catalog),
        folder_(options.out.empty() ? "." : options.out),
        root_seed_(options.seed ? *options.seed : draw_seed()) {}

  int run();

 private:
  ExploreRow search(const Combination& combination);
  void keep(const Combination& combination, ExhaustiveExploreResult& result, ExploreRow& row);
  bool go_on(const Progress& progress);

  const Options& options_;
  Catalog& catalog_;
  std::string folder_;
  std::uint64_t root_seed_;
  ProgressLine line_;
  std::string doing_;
  std::chrono::steady_clock::time_point end_{};
};

bool ExhaustiveCommand::go_on(const Progress& progress) {
  if (line_.due()) {
    const double rate = static_cast<double>(progress.runs) / std::max(progress.seconds, 1e-3);
    line_.show(fmt::format("{} executions, {}/s, {} distinct  {}", with_commas(progress.runs),
                           with_commas(static_cast<std::uint64_t>(rate)),
                           with_commas(progress.distinct), doing_));
  }
  const bool late = options_.seconds && std::chrono::steady_clock::now() >= end_;
  return !interrupted() && !late;
}

void ExhaustiveCommand::keep(const Combination& combination, ExhaustiveExploreResult& result,
                             ExploreRow& row) {
  trace::Symbolizer symbolizer;
  Finding finding{std::move(*result.found.failure), result.found.runs_to_find,
                  result.found.seconds_to_find};
  SeedFile& seed = finding.seed;
  seed.happens = trace::with_places(seed.happens, symbolizer);
  seed.verdict.text = trace::with_places(seed.verdict.text, symbolizer);
  row.verdict = seed.verdict;
  row.runs_to_find = finding.runs_to_find;
  row.seed_file = write_new_seed(folder_, seed_name(seed), seed);
  row.replay = replay_command(options_.program, row.seed_file,
                              file_if_needed(*combination.backend, catalog_));
  say_finding(options_, catalog_, finding, row);
}

ExploreRow ExhaustiveCommand::search(const Combination& combination) {
  const Program program = program_for(options_, *combination.property, root_seed_);
  SeedFile shown;
  shown.program = program;
  say(options_, "{}, {} operations:\n{}", combination.text(), program.op_count(),
      program_text(shown));
  std::fflush(options_.json ? stderr : stdout);
  ExhaustiveExploreOptions settings;
  settings.search.reduction = options_.reduction;
  settings.search.preemptions = options_.preemptions;
  settings.search.stale_reads = options_.stale_reads;
  settings.search.faults = options_.strikes;
  settings.search.max_executions = options_.runs.value_or(0);
  settings.memory = options_.memory;
  settings.plan = combination.plan;
  settings.minimise = options_.minimise;
  settings.progress = [this](const Progress& progress) { return go_on(progress); };
  doing_ = combination.text();
  ExhaustiveExploreResult result =
      explore_exhaustively(*combination.property, *combination.backend, program, settings);
  line_.clear();
  ExploreRow row;
  row.property = combination.property->name();
  row.backend = combination.backend->name;
  row.faults = combination.plan.name;
  row.runs = result.found.done.runs;
  row.points = result.found.done.points;
  row.distinct = result.found.done.distinct;
  row.seconds = result.found.done.seconds;
  row.chance_new = result.found.done.chance_new;
  row.exhaustive =
      SearchedToTheEnd{result.search.end == ExhaustiveResult::End::complete,
                       result.search.done.executions, result.search.done.cut, result.search.text};
  if (result.found.failure) keep(combination, result, row);
  say(options_, "{}, {:.2f} s\n", result.search.text, row.seconds);
  return row;
}

int ExhaustiveCommand::run() {
  check(options_);
  const std::vector<Combination> combinations = combine(options_, catalog_);
  prepare_folder(folder_);
  if (options_.seconds) {
    end_ = std::chrono::steady_clock::now() +
           std::chrono::duration_cast<std::chrono::steady_clock::duration>(
               std::chrono::duration<double>(*options_.seconds));
  }
  ExploreReport report;
  report.strategy = options_.strategy;
  report.memory = options_.memory == MemoryMode::sc ? "sc" : "weak";
  report.world = "sim";
  report.seed = root_seed_;
  say(options_, "seed {}, strategy exhaustive, memory {}\n", root_seed_, report.memory);
  bool found = false;
  for (const Combination& combination : combinations) {
    report.rows.push_back(search(combination));
    found = found || !report.rows.back().verdict.passed();
    if (interrupted()) break;
  }
  report.interrupted = interrupted();
  say_rows(options_, report);
  print_json(options_, json(report));
  return found ? 1 : 0;
}

}  // namespace

int run_exhaustive(const Options& options, Catalog& catalog) {
  return ExhaustiveCommand(options, catalog).run();
}

}  // namespace aiosim::cli
