#include "explore/exhaustive_explore.h"

#include <string>
#include <utility>

#include "explore/meter.h"
#include "explore/programs.h"
#include "explore/trial.h"

namespace aiosim {
namespace {

/// What the parts that random search shares want to know.
ExploreOptions shared_options(const ExhaustiveExploreOptions& options) {
  ExploreOptions shared;
  shared.strategy = "exhaustive";
  shared.root_seed = 0;
  shared.memory = options.memory;
  shared.plan = options.plan;
  shared.minimise = options.minimise;
  shared.max_points = options.max_points;
  shared.progress = options.progress;
  return shared;
}

class Search {
 public:
  Search(const Property& property, const Backend& backend, const Program& program,
         const ExhaustiveExploreOptions& options)
      : property_(property),
        backend_(backend),
        program_(program),
        options_(options),
        shared_(shared_options(options)),
        meter_(shared_),
        trial_(property, backend, program, run_options()) {}

  ExhaustiveExploreResult run();

 private:
  RunOptions run_options() const {
    RunOptions run = exhaustive_run_options(options_.memory);
    run.max_points = options_.max_points;
    return run;
  }
  void keep(const RunResult& failed);

  const Property& property_;
  const Backend& backend_;
  const Program& program_;
  const ExhaustiveExploreOptions& options_;
  const ExploreOptions shared_;
  Meter meter_;
  Trial trial_;
  ExhaustiveExploreResult result_;
};

ExhaustiveExploreResult Search::run() {
  const auto one = [this](Chooser& chooser) {
    RunResult run = trial_.run(chooser);
    if (run.cut) {
      meter_.count_host_run();  // no behaviour that was not seen
    } else {
      meter_.count_run(run.behaviour, run.points);
    }
    return run;
  };
  ExhaustiveOptions search = options_.search;
  search.progress = [this](const ExhaustiveProgress&) { return meter_.look(); };
  std::optional<RunResult> failed;
  result_.search = search_exhaustively(one, search, [&](const RunResult& run) {
    if (!run.verdict.passed()) failed = run;
    return run.verdict.passed();
  });
  if (failed) keep(*failed);
  result_.found.done = meter_.progress();
  result_.found.interrupted = meter_.interrupted();
  result_.found.behaviours = meter_.take_behaviours();
  return std::move(result_);
}

void Search::keep(const RunResult& failed) {
  ExploreResult& found = result_.found;
  found.runs_to_find = meter_.runs();
  found.seconds_to_find = meter_.seconds();
  SeedFile seed = seed_for(property_, backend_, shared_, program_, meter_.runs());
  seed.searched = true;
  seed.found_by = "exhaustive search, " + result_.search.text;
  seed.verdict = failed.verdict;
  seed.choices = failed.choices;
  seed.trace_hash = failed.trace_hash;
  const std::string difference = settle(seed, trial_);
  if (!difference.empty()) {
    seed.verdict = {VerdictKind::not_deterministic, "",
                    "found " + std::string(name(seed.verdict.kind)) + ", but:\n" + difference};
  }
  seed.happens = what_happens(seed.verdict);
  if (options_.minimise && seed.verdict.kind != VerdictKind::not_deterministic) {
    seed = minimise(seed, property_, backend_, 200, [this] { return meter_.report(); });
  }
  found.verdict = seed.verdict;
  found.failure = std::move(seed);
}

}  // namespace

ExhaustiveExploreResult explore_exhaustively(const Property& property, const Backend& backend,
                                             const Program& program,
                                             const ExhaustiveExploreOptions& options) {
  const ArmedPlan armed(options.plan);
  Search search(property, backend, program, options);
  return search.run();
}

}  // namespace aiosim
