// Random walk: keeps the running thread, and with a probability drawn per run switches.
#pragma once

#include <span>

#include "explore/strategy.h"

namespace aiosim {

/// Probabilities of a switch per million.
inline constexpr std::uint32_t switches[] = {1'000'000, 500'000, 200'000, 50'000, 20'000};
inline constexpr std::uint32_t few_switches[] = {50'000, 20'000};

/// Source: ENGINE.md 2.1.
class RandomWalk final : public Scheduler {
 public:
  explicit RandomWalk(std::span<const std::uint32_t> probabilities)
      : probabilities_(probabilities) {}

  void draw(Random& random, std::uint64_t length) override;
  void begin(std::uint64_t seed) override {
    stream_ = Random(seed);
    newest_ = 0;
  }
  std::uint32_t pick(const Question& question) override;
  std::string describe() const override;

 private:
  std::span<const std::uint32_t> probabilities_;
  std::uint32_t probability_ = 0;
  std::uint32_t start_ = 0;   // per million: a new thread runs at once
  std::uint32_t newest_ = 0;  // the highest number of a thread that was seen
  Random stream_;
};

/// The answer that keeps the asking thread running, or question.answers if none does.
inline std::uint32_t answer_of_asker(const Question& question) {
  for (std::uint32_t i = 0; i < question.threads.size(); ++i) {
    if (question.threads[i] == question.key.thread) return i;
  }
  return question.answers;
}

/// Uniform among the enabled threads, without the asking one if it gave way: then spinning threads
/// cannot starve the one that they wait for.
std::uint32_t pick_uniform(const Question& question, Random& stream);

}  // namespace aiosim
