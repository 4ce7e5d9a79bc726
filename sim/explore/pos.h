// POS, partial order sampling: each thread's next operation has a random priority, the highest
// runs; operations that race with it draw new ones. Orders of racing operations come out evenly,
// those of independent ones cost nothing.
#pragma once

#include <array>
#include <string>

#include "explore/strategy.h"

namespace aiosim {

/// Source: Yuan, Yang and Gu, Partial order aware concurrency sampling, CAV 2018; ENGINE.md 2.3.
class Pos final : public Scheduler {
 public:
  void draw(Random&, std::uint64_t) override {}
  void begin(std::uint64_t seed) override {
    stream_ = Random(seed);
    priorities_.fill(0);
  }
  std::uint32_t pick(const Question& question) override;
  bool watches() const override { return true; }
  std::string describe() const override { return "pos"; }

 private:
  std::uint64_t fresh() { return stream_.next() | 1; }

  std::array<std::uint64_t, most_threads> priorities_{};  // by thread; 0: to be drawn
  Random stream_;
};

}  // namespace aiosim
