#include "aio/poll_time.h"

#include <gtest/gtest.h>

namespace aio_test {
namespace {

TEST(PollTimeTest, GrowsShrinksOrStaysByWhatThePollTook) {
  aio::PollTime usual({.max = std::chrono::nanoseconds(32'768)});
  EXPECT_EQ(usual.adjusted(8'000, 8'000), 8'000) << "found within its time";
  EXPECT_EQ(usual.adjusted(0, 0), 0);
  EXPECT_EQ(usual.adjusted(0, 1), 4'000);
  EXPECT_EQ(usual.adjusted(4'000, 4'001), 8'000);
  EXPECT_EQ(usual.adjusted(20'000, 30'000), 32'768) << "not past the maximum";
  EXPECT_EQ(usual.adjusted(8'000, 32'768), 8'000) << "exactly the maximum";
  EXPECT_EQ(usual.adjusted(8'000, 32'769), 0);
  aio::PollTime own({.max = std::chrono::nanoseconds(1'000), .grow = 1, .shrink = 3});
  EXPECT_EQ(own.adjusted(0, 1), 1'000) << "the maximum is less than 4,000";
  EXPECT_EQ(own.adjusted(900, 1'001), 300);
  EXPECT_EQ(own.adjusted(100, 999), 100) << "a factor of 1";
  aio::PollTime none({});
  EXPECT_EQ(none.adjusted(0, 5), 0);
  aio::PollTime huge({.max = std::chrono::nanoseconds::max(), .grow = 4'000'000'000});
  EXPECT_EQ(huge.adjusted(std::int64_t{1} << 62, (std::int64_t{1} << 62) + 1),
            std::chrono::nanoseconds::max().count());
}

TEST(PollTimeTest, NewParametersAreInForceOnceTakenOver) {
  aio::PollTime time({.max = std::chrono::nanoseconds(5), .grow = 7});
  EXPECT_FALSE(time.take_over());
  time.set_max(std::chrono::nanoseconds(-1));
  EXPECT_EQ(time.max_ns(), 5);
  EXPECT_EQ(time.parameters().grow, 7U);
  EXPECT_TRUE(time.take_over());
  EXPECT_EQ(time.max_ns(), 0);
  EXPECT_FALSE(time.take_over());
}

}  // namespace
}  // namespace aio_test
