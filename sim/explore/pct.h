// PCT(d): each thread has a random priority, the highest enabled one runs; at d - 1 random steps
// the running thread drops to the bottom. Finds a bug of depth d with probability at least
// 1 / (n k^(d-1)) for n threads and k steps.
#pragma once

#include <span>
#include <vector>

#include "explore/strategy.h"

namespace aiosim {

/// Values of d.
inline constexpr std::uint32_t changes[] = {2, 3, 5, 10};
inline constexpr std::uint32_t few_changes[] = {2, 3};

/// Source: ENGINE.md 2.2. Change points and threads that give way share one decreasing scale: with
/// two, a change point would raise a thread that gave way before.
class Pct final : public Scheduler {
 public:
  explicit Pct(std::span<const std::uint32_t> depths) : depths_(depths) {
    steps_.reserve(16);
    priorities_.reserve(64);
  }

  void draw(Random& random, std::uint64_t length) override;
  void begin(std::uint64_t seed) override;
  std::uint32_t pick(const Question& question) override;
  std::string describe() const override;

 private:
  std::uint64_t& priority(std::uint32_t thread);
  void drop(std::uint32_t thread) { priority(thread) = --floor_; }

  /// A run longer than this many times k goes on as a fair random walk: a starved thread would
  /// read as livelock.
  static constexpr std::uint64_t fair_after = 4;

  std::span<const std::uint32_t> depths_;
  std::uint32_t depth_ = 2;
  std::uint64_t length_ = 1;          // k
  std::vector<std::uint64_t> steps_;  // change points, ascending
  std::size_t next_change_ = 0;
  std::vector<std::uint64_t> priorities_;  // by thread, 0: not seen yet
  std::uint64_t floor_ = 0;
  std::uint64_t step_ = 0;
  std::uint64_t seed_ = 0;
  Random fair_;
};

}  // namespace aiosim
