#include "explore/strategy.h"

#include <utility>

#include "aiosim/verdict.h"
#include "explore/pct.h"
#include "explore/pos.h"
#include "explore/profile.h"
#include "explore/random.h"
#include "explore/surw.h"

namespace aiosim {
namespace {

constexpr StrategyName names[] = {
    {"portfolio", "drawn for each run: surw 40 %, pct 20 %, pos 20 %, random 20 %"},
    {"random", "random walk; probability of a switch drawn for each run from 1, .5, .2, .05, .02"},
    {"pct", "priorities with d - 1 change points; d drawn for each run from 2, 3, 5, 10"},
    {"pos", "each next operation has a random priority; those that race with it draw anew"},
    {"surw", "even over the orders of operations on one object, drawn for each run"},
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

Strategy::Strategy(std::string name, std::vector<Share> shares, std::unique_ptr<Scheduler> walk,
                   std::unique_ptr<Profile> profile, const RateSets& rates)
    : name_(std::move(name)),
      shares_(std::move(shares)),
      walk_(std::move(walk)),
      scheduler_(shares_.front().scheduler.get()),
      profile_(std::move(profile)),
      rates_(rates) {
  start(0);
}

Strategy::~Strategy() = default;

void Strategy::set_profile(Profile profile) { *profile_ = std::move(profile); }

void Strategy::start(std::uint64_t run_seed) {
  Random random(mix64(run_seed));
  std::uint32_t all = 0;
  for (const Share& share : shares_) all += share.weight;
  std::uint32_t at = random.below(all);
  for (const Share& share : shares_) {
    scheduler_ = share.scheduler.get();
    if (at < share.weight) break;
    at -= share.weight;
  }
  start(run_seed, random);
}

void Strategy::start_survey(std::uint64_t run_seed) {
  Random random(mix64(run_seed));
  scheduler_ = walk_.get();
  start(run_seed, random);
}

void Strategy::start(std::uint64_t run_seed, Random& random) {
  seed_ = run_seed;
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
  const Drawn switch_rates = sparse ? Drawn(few_switches) : switches;
  std::vector<Strategy::Share> shares;
  auto profile = std::make_unique<Profile>();
  if (name == "portfolio" || name == "surw") {
    shares.push_back({std::make_unique<Surw>(*profile), 40});
  }
  if (both || name == "random") {
    shares.push_back({std::make_unique<RandomWalk>(switch_rates), 20});
  }
  if (both || name == "pct") {
    shares.push_back({std::make_unique<Pct>(sparse ? Drawn(few_changes) : changes), 20});
  }
  if (name == "portfolio" || name == "pos") shares.push_back({std::make_unique<Pos>(), 20});
  if (shares.empty()) {
    std::string expected;
    for (const StrategyName& one : names) expected += ' ' + std::string(one.name);
    throw BadInput("strategy: expected one of" + expected + ", found " + std::string(name));
  }
  return std::make_unique<Strategy>(std::string(name), std::move(shares),
                                    std::make_unique<RandomWalk>(switch_rates), std::move(profile),
                                    sparse ? sparse_rates() : swarm_rates);
}

}  // namespace aiosim
