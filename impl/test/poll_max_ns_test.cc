// D3: the environment variable that says how long to poll busily.
#include <cstdlib>
#include <string>
#include <utility>

#include "support.h"

namespace aio_test {
namespace {

TEST(PollMaxNsTest, IsReadFromTheEnvironmentAtCreation) {
  ASSERT_EQ(setenv("QEMU_AIO_POLL_MAX_NS", "12345", 1), 0);
  aio::Context context;
  EXPECT_EQ(context.poll_max_ns(), 12345);
  ASSERT_EQ(setenv("QEMU_AIO_POLL_MAX_NS", "-1", 1), 0);
  testing::internal::CaptureStderr();
  aio::Context negative;
  aio::Context again;
  EXPECT_EQ(negative.poll_max_ns(), 0);
  EXPECT_EQ(again.poll_max_ns(), 0);
  const std::string said = testing::internal::GetCapturedStderr();
  static bool first_time = true;  // once in the process, so not when gtest repeats the test
  if (std::exchange(first_time, false)) {
    EXPECT_NE(said.find("'-1'"), std::string::npos);
    EXPECT_EQ(said.find('\n'), said.size() - 1) << "once only";
  } else {
    EXPECT_EQ(said, "");
  }
  ASSERT_EQ(setenv("QEMU_AIO_POLL_MAX_NS", "10us", 1), 0);
  EXPECT_EQ(aio::Context().poll_max_ns(), 0);
  ASSERT_EQ(unsetenv("QEMU_AIO_POLL_MAX_NS"), 0);
  EXPECT_EQ(aio::Context().poll_max_ns(), 0);
}

}  // namespace
}  // namespace aio_test
