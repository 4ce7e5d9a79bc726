#include "explore/strategy.h"

#include <utility>

#include "aiosim/verdict.h"
#include "explore/pct.h"
#include "explore/random.h"

namespace aiosim {
namespace {

constexpr StrategyName names[] = {
    {"portfolio", "random or pct, drawn for each run"},
    {"random", "random walk; probability of a switch drawn for each run from 1, .5, .2, .05, .02"},
    {"pct", "priorities with d - 1 change points; d drawn for each run from 2, 3, 5, 10"},
    {"sparse", "few switches, few stale reads, few faults: schedules that are short to tell"},
};

// In runs of the sparse strategy little but the scheduler deviates from the dull answer.
constexpr RateSets sparse_rates() {
  RateSets sets = swarm_rates;
  for (RateSet& set : sets) set = {{0, 0, 20'000, 20'000, 50'000}};
  sets[static_cast<std::size_t>(Kind::fault)] = {{0, 20'000, 20'000, 100'000, 100'000}};
  sets[static_cast<std::size_t>(Kind::reads_from)] = {{0, 20'000, 50'000, 50'000, 200'000}};
  return sets;
}

}  // namespace

Strategy::Strategy(std::string name, std::vector<std::unique_ptr<Scheduler>> schedulers,
                   const RateSets& rates)
    : name_(std::move(name)),
      schedulers_(std::move(schedulers)),
      scheduler_(schedulers_.front().get()),
      rates_(rates) {
  start(0);
}

void Strategy::start(std::uint64_t run_seed) {
  seed_ = run_seed;
  Random random(mix64(run_seed));
  const auto count = static_cast<std::uint32_t>(schedulers_.size());
  scheduler_ = schedulers_[random.below(count)].get();
  scheduler_->draw(random, length_);
  rates_.draw(random);
  begin();
}

void Strategy::begin() {
  questions_ = 0;
  scheduler_->begin(kind_seed(seed_, Kind::sched));
  rates_.begin(seed_);
}

std::uint32_t Strategy::choose(const Question& question) {
  if (question.key.kind != Kind::sched) return rates_.pick(question);
  ++questions_;
  return scheduler_->pick(question);
}

std::string Strategy::describe() const {
  return name_ + ": " + scheduler_->describe() + rates_.describe() + ", run seed " +
         std::to_string(seed_);
}

std::span<const StrategyName> strategies() { return names; }

std::unique_ptr<Strategy> make_strategy(std::string_view name) {
  using Drawn = std::span<const std::uint32_t>;
  const bool sparse = name == "sparse";
  const bool both = name == "portfolio" || sparse;
  std::vector<std::unique_ptr<Scheduler>> schedulers;
  if (both || name == "random") {
    schedulers.push_back(std::make_unique<RandomWalk>(sparse ? Drawn(few_switches) : switches));
  }
  if (both || name == "pct") {
    schedulers.push_back(std::make_unique<Pct>(sparse ? Drawn(few_changes) : changes));
  }
  if (schedulers.empty()) {
    std::string expected;
    for (const StrategyName& one : names) expected += ' ' + std::string(one.name);
    throw BadInput("strategy: expected one of" + expected + ", found " + std::string(name));
  }
  return std::make_unique<Strategy>(std::string(name), std::move(schedulers),
                                    sparse ? sparse_rates() : swarm_rates);
}

}  // namespace aiosim
