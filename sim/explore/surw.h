// SURW, selectively uniform random walk: one object is the target of a run; which thread does the
// next operation on it is drawn by how many of them each thread has left, so that each order of the
// target's operations is as likely. Operations on other objects go in any order.
#pragma once

#include <array>
#include <string>

#include "explore/profile.h"
#include "explore/strategy.h"

namespace aiosim {

/// Source: Zhao, Wolff, Mathur and Roychoudhury, Selectively uniform concurrency testing, ASPLOS
/// 2025; ENGINE.md 2.4.
class Surw final : public Scheduler {
 public:
  /// `profile`: of the program, set before draw().
  explicit Surw(const Profile& profile) : profile_(profile) {}

  void draw(Random& random, std::uint64_t length) override;
  void begin(std::uint64_t seed) override;
  std::uint32_t pick(const Question& question) override;
  bool watches() const override { return true; }
  std::string describe() const override;

 private:
  static constexpr std::uint32_t nobody = ~0u;

  void count_target();
  bool on_target(const Question& question, std::uint32_t answer) const;
  std::uint64_t weight(std::uint32_t thread, std::uint32_t seen) const;
  void draw_next(const Question& question);

  const Profile& profile_;
  ObjectId target_ = 0;  // 0: every operation counts
  std::array<std::uint32_t, most_threads> counts_{};      // of operations on the target, by thread
  std::array<std::uint32_t, most_threads> left_{};
  std::array<std::uint64_t, most_threads> priorities_{};  // 0: to be drawn
  std::uint32_t seen_ = 0;       // threads with a smaller number exist
  std::uint32_t next_ = nobody;  // who does the target's next operation
  Random stream_;
};

}  // namespace aiosim
