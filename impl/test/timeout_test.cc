#include "timeout.h"

#include <gtest/gtest.h>

#include <climits>
#include <cstdint>

namespace aio::detail {
namespace {

TEST(TimeoutTest, SoonerTakesMinusOneForTheLargest) {
  EXPECT_EQ(sooner(-1, 5), 5);
  EXPECT_EQ(sooner(5, -1), 5);
  EXPECT_EQ(sooner(-1, -1), -1);
  EXPECT_EQ(sooner(0, -1), 0);
  EXPECT_EQ(sooner(3, 2), 2);
}

TEST(TimeoutTest, RemainingNeverTurnsNegativeAndKeepsForEver) {
  EXPECT_EQ(remaining_ns(-1, 100), -1);
  EXPECT_EQ(remaining_ns(100, 40), 60);
  EXPECT_EQ(remaining_ns(100, 100), 0);
  EXPECT_EQ(remaining_ns(100, 1000), 0);
}

TEST(TimeoutTest, MillisecondsRoundUpAndAreCapped) {
  EXPECT_EQ(ns_to_ms(-1), -1);
  EXPECT_EQ(ns_to_ms(0), 0);
  EXPECT_EQ(ns_to_ms(1), 1);
  EXPECT_EQ(ns_to_ms(1'000'000), 1);
  EXPECT_EQ(ns_to_ms(1'000'001), 2);
  EXPECT_EQ(ns_to_ms(INT64_MAX), INT_MAX);
}

TEST(TimeoutTest, TimespecIsCapped) {
  const timespec longest = ns_to_timespec(INT64_MAX);
  EXPECT_EQ(longest.tv_sec, INT_MAX);
  const timespec some = ns_to_timespec(1'500'000'000);
  EXPECT_EQ(some.tv_sec, 1);
  EXPECT_EQ(some.tv_nsec, 500'000'000);
}

}  // namespace
}  // namespace aio::detail
