// Running system calls in a simulated world from a test: choosers, plans, and checks that never
// allocate as code under test.
#pragma once

#include <gtest/gtest.h>

#include <cerrno>
#include <cstdint>
#include <functional>

#include "aiosim/choice.h"
#include "aiosim/observe.h"
#include "aiosim/run.h"
#include "fault/points.h"

namespace aiosim {

/// Always the dull answer.
class DullChooser final : public Chooser {
 public:
  void begin() override {}
  std::uint32_t choose(const Question&) override { return 0; }
};

/// Any answer of the kinds in `kinds` (bit set), dull ones else.
class RandomChooser final : public Chooser {
 public:
  static constexpr std::uint32_t every_kind = ~0u;
  explicit RandomChooser(std::uint64_t seed, std::uint32_t kinds = every_kind)
      : random_(mix64(seed)), kinds_(kinds) {}
  void begin() override {}
  std::uint32_t choose(const Question& question) override {
    const bool mine = ((kinds_ >> static_cast<unsigned>(question.key.kind)) & 1) != 0;
    return mine ? random_.below(question.answers) : 0;
  }

 private:
  Random random_;
  std::uint32_t kinds_;
};

constexpr std::uint32_t bit(Kind kind) { return 1u << static_cast<unsigned>(kind); }

/// Every armed fault strikes (until its limit), nothing else happens.
class FaultChooser final : public Chooser {
 public:
  void begin() override {}
  std::uint32_t choose(const Question& question) override {
    return question.key.kind == Kind::fault ? 1 : 0;
  }
};

/// `body` on a world's first thread, under test.
inline RunResult simulate(const std::function<void()>& body, Chooser& chooser) {
  return run(
      [&] {
        const UnderTestScope scope;
        body();
      },
      chooser);
}
inline RunResult simulate(const std::function<void()>& body) {
  DullChooser dull;
  return simulate(body, dull);
}

/// Arms a plan for a scope.
class Armed {
 public:
  explicit Armed(std::vector<fault::PointId> points, std::uint32_t limit = 1) {
    fault::arm({"test", std::move(points), limit});
  }
  ~Armed() { fault::arm({}); }
};

inline long outcome(long result) { return result < 0 ? -errno : result; }

}  // namespace aiosim

/// EXPECT_EQ for code under test: what the comparison allocates is the harness's.
#define SAME(expected, actual)                               \
  do {                                                       \
    const auto got_ = static_cast<long>(actual);             \
    const ::aiosim::HarnessScope harness_;                   \
    EXPECT_EQ(static_cast<long>(expected), got_) << #actual; \
  } while (false)

/// A system call's result: the value, or -errno.
#define GIVES(expected, call) SAME(expected, ::aiosim::outcome(call))

#define PASSES(result)                                                           \
  do {                                                                           \
    const ::aiosim::RunResult passes_ = (result);                                \
    EXPECT_EQ(passes_.verdict.kind, ::aiosim::VerdictKind::pass)                 \
        << ::aiosim::name(passes_.verdict.kind) << ": " << passes_.verdict.text; \
  } while (false)
