// Exhaustive search over the simulated Linux.
#include "aiosim/exhaustive.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <set>
#include <string>
#include <thread>

#include "aiosim/observe.h"

extern "C" {
std::uint32_t __tsan_atomic32_load(const volatile std::uint32_t*, int);
void __tsan_atomic32_store(volatile std::uint32_t*, std::uint32_t, int);
}

namespace aiosim {
namespace {

constexpr int relaxed = 0, seq_cst = 5;

struct Found {
  ExhaustiveResult result;
  std::set<std::string> outcomes;
};

Found store_buffering(int order, const ExhaustiveOptions& options) {
  static std::uint32_t x, y, a, b;
  const auto body = [order] {
    const UnderTestScope scope;
    x = y = 0;
    a = b = 9;
    std::thread one([order] {
      __tsan_atomic32_store(&x, 1, order);
      a = __tsan_atomic32_load(&y, order);
    });
    std::thread two([order] {
      __tsan_atomic32_store(&y, 1, order);
      b = __tsan_atomic32_load(&x, order);
    });
    one.join();
    two.join();
  };
  Found found;
  const auto run_once = [&](Chooser& chooser) {
    return run(body, chooser, exhaustive_run_options());
  };
  found.result = search_exhaustively(run_once, options, [&](const RunResult& run) {
    EXPECT_TRUE(run.verdict.passed()) << run.verdict.text;
    found.outcomes.insert(std::to_string(a) + std::to_string(b));
    return true;
  });
  return found;
}

TEST(Exhaustive, the_naive_search_finds_every_outcome_of_store_buffering) {
  ExhaustiveOptions options;
  options.reduction = false;
  const Found weak = store_buffering(relaxed, options);
  EXPECT_EQ(weak.outcomes, (std::set<std::string>{"00", "01", "10", "11"}));
  EXPECT_EQ(weak.result.end, ExhaustiveResult::End::complete);
  EXPECT_TRUE(weak.result.text.starts_with("searched to the end: ")) << weak.result.text;
  EXPECT_GT(weak.result.done.executions, 100u);
  const Found strong = store_buffering(seq_cst, options);
  EXPECT_EQ(strong.outcomes, (std::set<std::string>{"01", "10", "11"}));
  EXPECT_LT(strong.result.done.executions, weak.result.done.executions);
}

TEST(Exhaustive, the_reduction_has_the_same_outcomes_in_fewer_executions) {
  for (const int order : {relaxed, seq_cst}) {
    ExhaustiveOptions options;
    options.reduction = false;
    const Found naive = store_buffering(order, options);
    options.reduction = true;
    const Found reduced = store_buffering(order, options);
    EXPECT_EQ(reduced.outcomes, naive.outcomes);
    EXPECT_EQ(reduced.result.end, ExhaustiveResult::End::complete);
    EXPECT_LT(10 * reduced.result.done.executions, naive.result.done.executions)
        << reduced.result.text << " of " << naive.result.text;
  }
}

TEST(Exhaustive, bounds_allow_less_and_are_named) {
  ExhaustiveOptions options;
  options.preemptions = 0;
  options.stale_reads = 0;
  const Found dull = store_buffering(relaxed, options);
  EXPECT_EQ(dull.outcomes, (std::set<std::string>{"01", "10"}));
  EXPECT_TRUE(dull.result.text.starts_with("to preemption bound 0 and stale-read bound 0: "))
      << dull.result.text;
  options.preemptions = 1;
  EXPECT_EQ(store_buffering(relaxed, options).outcomes, (std::set<std::string>{"01", "10", "11"}));
  options.stale_reads = 1;
  EXPECT_EQ(store_buffering(relaxed, options).outcomes,
            (std::set<std::string>{"00", "01", "10", "11"}));
}

TEST(Exhaustive, a_limit_is_said) {
  ExhaustiveOptions options;
  options.reduction = false;
  options.max_executions = 10;
  const Found found = store_buffering(relaxed, options);
  EXPECT_EQ(found.result.end, ExhaustiveResult::End::limit);
  EXPECT_EQ(found.result.text, "not searched to the end: stopped after 10 executions");
}

}  // namespace
}  // namespace aiosim
