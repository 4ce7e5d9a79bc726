// Counts, limits and the progress callback of a search.
#pragma once

#include <chrono>
#include <cstdint>
#include <utility>

#include "explore/behaviours.h"
#include "explore/explore.h"

namespace aiosim {

class Meter {
 public:
  explicit Meter(const ExploreOptions& options) : options_(options) {}

  void count_run(std::uint64_t behaviour, std::uint64_t points) {
    behaviours_.add(behaviour);
    count_host_run();
    points_ += points;
    unseen_work_ += points + run_cost;
  }
  void count_host_run() { ++runs_; }

  std::uint64_t runs() const { return runs_; }

  /// False if the search must end. Looks at the clock only after some work.
  bool go_on() {
    if (unseen_work_ < clock_after) return true;
    unseen_work_ = 0;
    return look();
  }

  /// The same, and always looks at the clock.
  bool look() {
    if (options_.seconds > 0 && seconds() >= options_.seconds) return false;
    interrupted_ = interrupted_ || !report();
    return !interrupted_;
  }

  /// Only asks the callback: for work that the time limit does not count (minimising).
  bool report() { return !options_.progress || options_.progress(progress()); }

  Progress progress() const {
    return {runs_, points_, seconds(), behaviours_.distinct(), behaviours_.chance_new()};
  }
  Behaviours take_behaviours() { return std::move(behaviours_); }
  double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }
  bool interrupted() const { return interrupted_; }

 private:
  // In scheduling points; a million take about 0.1 s.
  static constexpr std::uint64_t run_cost = 200;
  static constexpr std::uint64_t clock_after = 100'000;

  const ExploreOptions& options_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  Behaviours behaviours_;
  std::uint64_t runs_ = 0;
  std::uint64_t points_ = 0;
  std::uint64_t unseen_work_ = 0;
  bool interrupted_ = false;
};

}  // namespace aiosim
