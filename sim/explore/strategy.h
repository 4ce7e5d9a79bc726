// Strategies: choosers that draw a schedule from a seed.
//
// A strategy is a scheduler (who runs next; one a file) and rates for the other kinds of choice.
// Everything is drawn from the seed of the run; each kind has a stream of its own, hash(seed,
// kind), so that a question more of one kind does not shift the answers of another.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "aiosim/choice.h"
#include "explore/rates.h"

namespace aiosim {

/// Who runs next. No call allocates once the threads of the run have been seen.
class Scheduler {
 public:
  virtual ~Scheduler() = default;
  /// A new seed: draws the parameters of the next run. `length` is about how many scheduling
  /// questions a run asks.
  virtual void draw(Random& random, std::uint64_t length) = 0;
  /// The run starts, perhaps again: the same answers from the same seed.
  virtual void begin(std::uint64_t seed) = 0;
  virtual std::uint32_t pick(const Question& question) = 0;
  /// Question::pending is wanted.
  virtual bool watches() const { return false; }
  virtual std::string describe() const = 0;
};

/// How many threads schedulers tell apart; no world has more.
inline constexpr std::uint32_t most_threads = 32;

class Profile;

class Strategy final : public Chooser {
 public:
  struct Share {
    std::unique_ptr<Scheduler> scheduler;
    std::uint32_t weight = 1;  // of the runs
  };
  Strategy(std::string name, std::vector<Share> shares, std::unique_ptr<Scheduler> walk,
           std::unique_ptr<Profile> profile, const RateSets& rates);
  ~Strategy() override;

  /// Draws scheduler, parameters and rates of the next run from `run_seed` alone (and from what the
  /// survey told).
  void start(std::uint64_t run_seed);
  /// The same for the first run of a program, with a random walk for scheduler: length and profile
  /// of the others are taken from that run.
  void start_survey(std::uint64_t run_seed);
  /// About how many scheduling questions a run asks: PCT spreads its change points over them.
  void set_length(std::uint64_t questions) { length_ = questions; }
  /// What the program's threads do: SURW draws its target from it. Empty until set.
  void set_profile(Profile profile);
  /// Strategy, parameters and seed in one line.
  std::string describe() const;

  void begin() override;
  std::uint32_t choose(const Question& question) override;
  Watch watches() const override {
    return scheduler_->watches() ? Watch::pending : Watch::nothing;
  }

  /// Scheduling questions asked since begin().
  std::uint64_t questions() const { return questions_; }

 private:
  void start(std::uint64_t run_seed, Random& random);

  std::string name_;
  std::vector<Share> shares_;
  std::unique_ptr<Scheduler> walk_;  // of surveys
  Scheduler* scheduler_;
  std::unique_ptr<Profile> profile_;
  Rates rates_;
  std::uint64_t seed_ = 0;
  std::uint64_t length_ = 200;
  std::uint64_t questions_ = 0;
};

struct StrategyName {
  std::string_view name;
  std::string_view sentence;  // what it does, for `aiosim list`
};

/// All strategies, the default first.
std::span<const StrategyName> strategies();

/// Throws BadInput if there is none of that name.
std::unique_ptr<Strategy> make_strategy(std::string_view name);

}  // namespace aiosim
