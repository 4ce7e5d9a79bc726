#include <atomic>
#include <memory>
#include <thread>

#include "support.h"

namespace aio_test {
namespace {

class ContextTest : public EachMonitor {};
INSTANTIATE_FOR_EACH_MONITOR(ContextTest);

TEST_P(ContextTest, ANonBlockingPollOfAnEmptyContextReturnsFalse) {
  EXPECT_FALSE(context.poll(false));
  EXPECT_EQ(context.timeout_ns(), -1);
}

TEST_P(ContextTest, ABottomHalfOfAHandlerRunsInTheNextPoll) {
  Pipe pipe;
  pipe.fill();
  int calls = 0;
  Action count = [&] { ++calls; };
  auto bh = context.make_bh(act, &count);
  Action on_read = [&] {
    pipe.drain();
    bh->schedule();
  };
  aio::FdCallbacks callbacks;
  callbacks.io_read = act;
  callbacks.opaque = &on_read;
  context.set_fd_handler(pipe.read_fd(), callbacks);
  EXPECT_TRUE(context.poll(true));
  EXPECT_EQ(calls, 0);
  EXPECT_TRUE(context.poll(true));
  EXPECT_EQ(calls, 1);
  context.remove_fd_handler(pipe.read_fd());
}

TEST_P(ContextTest, AReadableFdIsServedThoughBottomHalvesNeverEnd) {
  Pipe pipe;
  pipe.fill();
  int reads = 0;
  Action on_read = [&] { ++reads; };
  aio::FdCallbacks callbacks;
  callbacks.io_read = act;
  callbacks.opaque = &on_read;
  context.set_fd_handler(pipe.read_fd(), callbacks);
  aio::BottomHalf* bh = nullptr;
  Action again = [&] { bh->schedule(); };
  bh = context.new_bh(act, &again);
  bh->schedule();
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(context.poll(true));
  EXPECT_EQ(reads, 3);
  bh->delete_();
  context.remove_fd_handler(pipe.read_fd());
}

TEST_P(ContextTest, HandlersStillSetAtTheEndAreFreed) {
  Pipe pipe;
  auto other = std::make_unique<aio::Context>(options());
  aio::FdCallbacks callbacks;
  callbacks.io_read = [](void*) {};
  other->set_fd_handler(pipe.read_fd(), callbacks);
  other->poll(false);
  other.reset();
}

TEST_P(ContextTest, TwoContextsPingPong) {
  constexpr int rounds = 2000;
  aio::Context other(options());
  struct Side {
    aio::BottomHalf* to_other = nullptr;
    int calls = 0;
  } here, there;
  const auto bounce = [](void* p) {
    auto* side = static_cast<Side*>(p);
    if (++side->calls <= rounds) side->to_other->schedule();
  };
  aio::BottomHalf* in_here = context.new_bh(bounce, &here);
  aio::BottomHalf* in_there = other.new_bh(bounce, &there);
  here.to_other = in_there;
  there.to_other = in_here;
  std::thread thread([&] {
    while (there.calls < rounds) other.poll(true);
  });
  in_here->schedule();
  while (here.calls < rounds) context.poll(true);
  thread.join();
  in_here->delete_();
  in_there->delete_();
}

}  // namespace
}  // namespace aio_test
