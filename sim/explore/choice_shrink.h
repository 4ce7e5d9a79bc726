// Fewer choices, same failure: delta debugging over a sparse list.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "aiosim/choice.h"
#include "aiosim/verdict.h"
#include "explore/trial.h"

namespace aiosim {

/// What a minimising may cost, in scheduling points: the same on every machine.
class Budget {
 public:
  Budget(std::uint64_t points, const std::function<bool()>& keep_going)
      : left_(points), keep_going_(keep_going) {}

  void spend(const RunResult& run) {
    const std::uint64_t cost = run.points + run.unseen_points + run_cost;
    left_ = cost < left_ ? left_ - cost : 0;
    since_asked_ += cost;
    if (since_asked_ < ask_after || !keep_going_) return;
    since_asked_ = 0;
    if (!keep_going_()) stopped_ = true;
  }
  bool spent() const { return left_ == 0 || stopped_; }
  bool stopped() const { return stopped_; }
  std::uint64_t left() const { return left_; }

 private:
  static constexpr std::uint64_t run_cost = 200;  // starting a world
  static constexpr std::uint64_t ask_after = 100'000;

  std::uint64_t left_;
  std::uint64_t since_asked_ = 0;
  bool stopped_ = false;
  const std::function<bool()>& keep_going_;
};

class ChoiceShrink {
 public:
  /// `choices` must come to `wanted` when replayed with `trial`.
  ChoiceShrink(Trial& trial, const Verdict& wanted, std::vector<Choice> choices, Budget& budget)
      : trial_(trial), wanted_(wanted), choices_(std::move(choices)), budget_(budget) {}

  /// Removes choices and lowers values until nothing more can go, one at a time.
  const std::vector<Choice>& shrink();

 private:
  bool accept(const std::vector<Choice>& candidate);
  bool remove(const std::function<bool(const Choice&)>& of_interest);
  bool lower();

  Trial& trial_;
  const Verdict& wanted_;
  std::vector<Choice> choices_;
  Budget& budget_;
};

}  // namespace aiosim
