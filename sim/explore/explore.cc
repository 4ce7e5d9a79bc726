// The search: programs x schedules until a run fails, then that run settled, minimised and kept.
#include "explore/explore.h"

#include <memory>
#include <optional>
#include <utility>

#include "explore/host.h"
#include "explore/meter.h"
#include "explore/profile.h"
#include "explore/programs.h"
#include "explore/replay.h"
#include "explore/strategy.h"
#include "explore/trial.h"

namespace aiosim {
namespace {

class Search {
 public:
  Search(const Property& property, const Backend& backend, const ExploreOptions& options)
      : property_(property), backend_(backend), options_(options), meter_(options) {}

  ExploreResult in_worlds();
  ExploreResult on_host();

 private:
  void start_program(std::uint64_t run);
  RunResult survey(std::uint64_t run);
  RunResult next_run(std::uint64_t run);
  std::string differs_when_repeated(const RunResult& first, std::uint64_t subset);
  void keep(RunResult failed, std::uint64_t run);
  ExploreResult finish();

  RunOptions run_options() const {
    RunOptions run;
    run.memory = options_.memory;
    run.max_points = options_.max_points;
    return run;
  }
  std::uint64_t end() const { return options_.first_run + options_.runs; }

  const Property& property_;
  const Backend& backend_;
  const ExploreOptions& options_;
  Meter meter_;
  ExploreResult result_;
  std::unique_ptr<Strategy> strategy_;
  Program program_;
  std::unique_ptr<Trial> trial_;  // of program_
};

void Search::start_program(std::uint64_t run) {
  program_ = program_of(property_, options_, run / runs_per_program);
  trial_.reset();  // one at a time
  trial_ = std::make_unique<Trial>(property_, backend_, program_, run_options());
}

// The first run of a program, a random walk: PCT's k and SURW's counts for the others come from it.
RunResult Search::survey(std::uint64_t run) {
  strategy_->start_survey(derive(options_.root_seed, Purpose::run, run));
  Profile profile;
  Profiler profiler(*strategy_, profile);
  RunResult result = trial_->run(profiler, subset_of(options_, run));
  profile.keep_shared();
  strategy_->set_length(strategy_->questions());
  strategy_->set_profile(std::move(profile));
  return result;
}

RunResult Search::next_run(std::uint64_t run) {
  const std::uint64_t first = run - run % runs_per_program;
  if (!trial_ || run == first) start_program(run);
  if (run == first) return survey(run);
  if (run == options_.first_run) survey(first);  // was, or will be, judged by somebody else
  strategy_->start(derive(options_.root_seed, Purpose::run, run));
  return trial_->run(*strategy_, subset_of(options_, run));
}

std::string Search::differs_when_repeated(const RunResult& first, std::uint64_t subset) {
  Replayer same(first.choices);
  const RunResult second = trial_->run(same, subset);
  if (second.trace_hash == first.trace_hash) return "";
  const RunResult drawn = trial_->run(*strategy_, subset, true);
  return first_difference(drawn, trial_->run(same, subset, true));
}

ExploreResult Search::in_worlds() {
  strategy_ = make_strategy(options_.strategy);
  const ArmedPlan armed(options_.plan);
  for (std::uint64_t run = options_.first_run; run < end() && meter_.go_on(); ++run) {
    RunResult result = next_run(run);
    meter_.count_run(result.behaviour, result.points);
    if (options_.twice) {
      const std::string difference = differs_when_repeated(result, subset_of(options_, run));
      if (!difference.empty()) {
        result.verdict = {VerdictKind::not_deterministic, "",
                          "the same choices gave another run\n" + difference};
      }
    }
    if (result.verdict.passed()) continue;
    keep(std::move(result), run);
    break;
  }
  return finish();
}

void Search::keep(RunResult failed, std::uint64_t run) {
  result_.runs_to_find = meter_.runs();
  result_.seconds_to_find = meter_.seconds();
  SeedFile seed = seed_for(property_, backend_, options_, program_, run);
  seed.found_by = strategy_->describe();
  seed.verdict = std::move(failed.verdict);
  seed.choices = std::move(failed.choices);
  seed.trace_hash = failed.trace_hash;
  if (seed.verdict.kind != VerdictKind::not_deterministic) {
    const std::string difference = settle(seed, *trial_);
    if (!difference.empty()) {
      seed.verdict = {VerdictKind::not_deterministic, "",
                      "found " + std::string(name(seed.verdict.kind)) + ", but:\n" + difference};
    }
  }
  seed.happens = what_happens(seed.verdict);
  if (options_.minimise && seed.verdict.kind != VerdictKind::not_deterministic) {
    seed = aiosim::minimise(seed, property_, backend_, 200, [this] { return meter_.report(); });
  }
  result_.verdict = seed.verdict;
  result_.failure = std::move(seed);
}

ExploreResult Search::on_host() {
  for (std::uint64_t run = options_.first_run; run < end() && meter_.look();) {
    const std::uint64_t block = run / runs_per_program;
    const Program program = program_of(property_, options_, block);
    HostBatch batch;
    batch.first_run = run;
    batch.end_run = std::min(end(), (block + 1) * runs_per_program);
    const auto go_on = [this](bool run_done) {
      if (run_done) meter_.count_host_run();
      return meter_.look();
    };
    const std::optional<HostFailure> failure =
        run_on_host(property_, backend_, program, options_, batch, go_on);
    run = batch.end_run;
    if (!failure) continue;
    result_.runs_to_find = meter_.runs();
    result_.seconds_to_find = meter_.seconds();
    SeedFile seed = seed_for(property_, backend_, options_, program, failure->run);
    seed.found_by = "host world: real threads, no schedule is known";
    seed.verdict = failure->verdict;
    seed.happens = what_happens(seed.verdict);
    result_.verdict = seed.verdict;
    result_.failure = std::move(seed);
    break;
  }
  return finish();
}

ExploreResult Search::finish() {
  result_.done = meter_.progress();
  result_.interrupted = meter_.interrupted();
  result_.behaviours = meter_.take_behaviours();
  return std::move(result_);
}

}  // namespace

ExploreResult explore(const Property& property, const Backend& backend,
                      const ExploreOptions& options) {
  Search search(property, backend, options);
  return options.host_world ? search.on_host() : search.in_worlds();
}

ReplayResult replay(const SeedFile& seed, const Property& property, const Backend& backend,
                    const ReplayOptions& options) {
  const ArmedPlan armed(plan_of(seed));
  Trial trial(property, backend, seed.program, options_of(seed));
  Replayer replayer(seed.choices);
  replayer.stop_at(options.stop_at);
  ReplayResult result;
  result.run = trial.run(replayer, ~0ULL, options.trace);
  if (options.strict) {
    if (const auto misfit = replayer.misfit(result.run)) throw BadInput(*misfit);
  }
  result.verdict = result.run.verdict;
  result.unmatched = replayer.unmatched();
  result.not_reached = replayer.is_to_stop();
  return result;
}

}  // namespace aiosim
