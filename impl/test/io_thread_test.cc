#include "aio/io_thread.h"

#include <atomic>
#include <thread>

#include "support.h"

namespace aio_test {
namespace {

TEST(IoThreadTest, CallbacksRunInItsThread) {
  aio::IoThread io;
  std::thread::id ran_in;
  Action note = [&] { ran_in = std::this_thread::get_id(); };
  io.context().schedule_oneshot(act, &note);
  io.stop();
  EXPECT_NE(ran_in, std::thread::id());
  EXPECT_NE(ran_in, std::this_thread::get_id());
  EXPECT_TRUE(io.context().in_home_thread());
}

TEST(IoThreadTest, StopFinishesWhatIsReadyAndMayBeRepeated) {
  aio::IoThread io;
  int left = 1'000;
  Action again;
  again = [&] {
    if (--left > 0) io.context().schedule_oneshot(act, &again);
  };
  io.context().schedule_oneshot(act, &again);
  io.stop();
  EXPECT_EQ(left, 0);
  io.stop();
}

TEST(IoThreadTest, OneThatNobodyUsesEnds) {
  for (int i = 0; i < 100; ++i) aio::IoThread io;
}

TEST(IoThreadTest, ManyThreadsGiveItWork) {
  constexpr int each = 2'000;
  std::atomic<int> calls{0};
  Action count = [&] { calls.fetch_add(1, std::memory_order_relaxed); };
  {
    aio::IoThread io;
    const auto produce = [&] {
      for (int i = 0; i < each; ++i) io.context().schedule_oneshot(act, &count);
    };
    std::thread first(produce);
    std::thread second(produce);
    first.join();
    second.join();
  }
  EXPECT_EQ(calls.load(), 2 * each);
}

}  // namespace
}  // namespace aio_test
