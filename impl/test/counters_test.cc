#include <atomic>
#include <cstdlib>
#include <new>
#include <thread>

#include "support.h"

namespace {
std::atomic<std::size_t> allocations{0};
}  // namespace

// Not inlined: GCC would take the pairs for mismatched ones.
[[gnu::noinline]] void* operator new(std::size_t size) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  if (void* block = std::malloc(size != 0 ? size : 1)) return block;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* block) noexcept { std::free(block); }
[[gnu::noinline]] void operator delete(void* block, std::size_t) noexcept { std::free(block); }

namespace aio_test {
namespace {

using CountersTest = EachMonitor;
INSTANTIATE_FOR_EACH_MONITOR(CountersTest);

TEST_P(CountersTest, CountPollsAndBottomHalves) {
  const aio::Counters before = context.counters();
  const aio::BottomHalfHandle first = context.make_bh([](void*) {}, nullptr);
  const aio::BottomHalfHandle second = context.make_bh([](void*) {}, nullptr);
  first->schedule();
  second->schedule();
  second->schedule();
  EXPECT_TRUE(context.poll(true));
  EXPECT_FALSE(context.poll(false));
  const aio::Counters after = context.counters();
  EXPECT_EQ(after.polls - before.polls, 2U);
  EXPECT_EQ(after.bottom_halves - before.bottom_halves, 2U);
  EXPECT_EQ(after.sleeps, before.sleeps) << "there was work each time";
}

TEST_P(CountersTest, NobodyWritesTheEventFdOfALoopThatRuns) {
  std::thread([&] {
    for (int i = 0; i < 1000; ++i) context.notify();
  }).join();
  EXPECT_FALSE(context.poll(true));
  settle(context);
  EXPECT_EQ(context.counters().event_fd_writes, 0U);
  EXPECT_EQ(context.counters().wakeups, 0U);
}

TEST_P(CountersTest, ASleepIsEndedByOneWriteAndMeasured) {
  settle(context);
  std::atomic<bool> stop{false};
  std::thread producer([&] {
    while (!stop.load()) context.notify();
  });
  while (context.counters().wakeups < 100) context.poll(true);
  stop.store(true);
  producer.join();
  settle(context);
  const aio::Counters counters = context.counters();
  EXPECT_GE(counters.sleeps, 100U);
  EXPECT_LE(counters.event_fd_writes, counters.polls) << "once for each poll that means to sleep";
  EXPECT_GE(counters.event_fd_writes, counters.wakeups);
  EXPECT_GT(counters.sleeping.count(), 0);
  EXPECT_EQ(counters.polling.count(), 0);
}

TEST_P(CountersTest, RunningABottomHalfAllocatesNothing) {
  const aio::BottomHalfHandle bh = context.make_bh([](void*) {}, nullptr);
  for (int i = 0; i < 2; ++i) {  // the first poll makes room
    const std::size_t before = allocations.load();
    for (int round = 0; round < 1000; ++round) {
      bh->schedule();
      context.poll(true);
    }
    EXPECT_TRUE(i == 0 || allocations.load() == before);
  }
}

}  // namespace
}  // namespace aio_test
