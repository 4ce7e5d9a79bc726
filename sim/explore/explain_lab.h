// What the experiments of an explanation share: the program, the failure, seeds, the budget.
#pragma once

#include <cstdint>
#include <string>

#include "explore/derive.h"
#include "explore/explain.h"
#include "explore/explain_events.h"
#include "explore/strategy.h"
#include "explore/trial.h"

namespace aiosim {

class Lab {
 public:
  Lab(const SeedFile& of_seed, const Property& of_property, const Backend& of_backend,
      const ExplainOptions& with)
      : seed(of_seed), property(of_property), backend(of_backend), options(with) {}

  const SeedFile& seed;
  const Property& property;
  const Backend& backend;
  const ExplainOptions& options;

  Trial trial(const RunOptions& run) const { return {property, backend, seed.program, run}; }
  bool same_failure(const RunResult& run) const {
    return !run.cut && seed.verdict.same_failure(run.verdict);
  }

  /// Runs and accounts for it.
  RunResult run(Trial& trial, Chooser& chooser, bool trace = false) {
    RunResult result = trial.run(chooser, ~0ULL, trace);
    spent_ += result.points + run_cost;
    since_asked_ += result.points + run_cost;
    if (since_asked_ >= ask_after) {
      since_asked_ = 0;
      go_on();
    }
    return result;
  }
  bool go_on() {
    if (options.keep_going && !options.keep_going(doing)) interrupted_ = true;
    return !interrupted_;
  }
  bool interrupted() const { return interrupted_; }
  std::uint64_t spent() const { return spent_; }
  /// Also true when interrupted.
  bool over(std::uint64_t points) const { return interrupted_ || spent_ >= points; }

  /// The i-th schedule of a kind of experiment.
  static std::uint64_t seed_of(std::uint64_t experiment, std::uint64_t i) {
    return derive(experiment, Purpose::explain, i);
  }

  std::string doing;  // for the progress line

 private:
  static constexpr std::uint64_t run_cost = 200;
  static constexpr std::uint64_t ask_after = 100'000;

  std::uint64_t spent_ = 0;
  std::uint64_t since_asked_ = 0;
  bool interrupted_ = false;
};

/// The failing run with its trace, as the experiments need it.
struct FailingRun {
  RunResult result;
  std::vector<Transition> transitions;
  std::vector<ExplainedEvent> events;
  std::vector<std::size_t> event_of;  // by transition
};

PointOfNoReturn find_no_return(Lab& lab, const FailingRun& run);
Orderings find_orderings(Lab& lab, const FailingRun& run);
Guilt find_guilty(Lab& lab, const FailingRun& run, const Orderings& orderings);

}  // namespace aiosim
