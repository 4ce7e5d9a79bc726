// Threads and libc: every scenario of test/threads (plain C++, compiled with the hooks) under many
// random schedules on weak memory. Right uses always pass; each wrong use is found for what it is.
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "aiosim/choice.h"
#include "aiosim/module.h"
#include "aiosim/observe.h"
#include "aiosim/run.h"
#include "test/threads/scenario.h"

namespace aiosim {

namespace threads {
void PrintTo(const Scenario& scenario, std::ostream* out) { *out << scenario.name; }
}  // namespace threads

namespace {

using threads::Scenario;
using threads::Scenarios;

constexpr std::uint64_t schedules = 2'000;

// A random walk; how long it stays with a thread is drawn per run.
class RandomWalk final : public Chooser {
 public:
  explicit RandomWalk(std::uint64_t seed) : random_(seed), stay_(random_.below(4)) {}
  void begin() override {}
  std::uint32_t choose(const Question& question) override {
    const bool may_stay = question.key.kind == Kind::sched && question.current_enabled;
    if (may_stay && random_.below(4) < stay_) return 0;
    return random_.below(question.answers);
  }

 private:
  Random random_;
  std::uint32_t stay_;  // of 4
};

std::vector<Scenario> all_scenarios() {
  static const Module module(AIOSIM_THREADS_MODULE, "threads_scenarios");
  const auto entry = reinterpret_cast<Scenarios (*)(int)>(module.entry());
  std::vector<Scenario> all;
  for (int topic = 0;; ++topic) {
    const Scenarios some = entry(topic);
    if (some.count == 0) return all;
    all.insert(all.end(), some.first, some.first + some.count);
  }
}

RunResult run_scenario(const Scenario& scenario, std::uint64_t seed) {
  RandomWalk chooser(seed);
  return run(
      [&] {
        const UnderTestScope scope;
        scenario.body();
      },
      chooser);
}

class Threads : public testing::TestWithParam<Scenario> {};

TEST_P(Threads, ComesToWhatItShould) {
  const Scenario& scenario = GetParam();
  const std::set<std::string_view> allowed{"pass", scenario.verdict, scenario.also};
  std::set<std::string_view> seen;
  std::string sample;
  bool said = false;
  for (std::uint64_t seed = 1; seed <= schedules; ++seed) {
    const RunResult result = run_scenario(scenario, seed);
    const std::string_view verdict = name(result.verdict.kind);
    ASSERT_TRUE(allowed.contains(verdict))
        << "seed " << seed << ": " << verdict << ": " << result.verdict.text;
    seen.insert(verdict);
    if (verdict != scenario.verdict) continue;
    sample = result.verdict.text;
    said = said || sample.find(scenario.text) != std::string::npos;
    if (said && seed >= schedules / 10 && verdict != "pass") break;  // found, and nothing else
  }
  EXPECT_TRUE(seen.contains(scenario.verdict));
  EXPECT_TRUE(said) << "expected: " << scenario.text << "\nfound: " << sample;
}

TEST_P(Threads, SameAnswersSameTrace) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    EXPECT_EQ(run_scenario(GetParam(), seed).trace_hash, run_scenario(GetParam(), seed).trace_hash);
  }
}

INSTANTIATE_TEST_SUITE_P(All, Threads, testing::ValuesIn(all_scenarios()),
                         [](const auto& scenario) { return std::string(scenario.param.name); });

}  // namespace
}  // namespace aiosim
