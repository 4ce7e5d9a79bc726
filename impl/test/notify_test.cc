#include <atomic>
#include <thread>

#include "aio/notify_gate.h"
#include "support.h"

namespace aio_test {
namespace {

class NotifyTest : public EachMonitor {};
INSTANTIATE_FOR_EACH_MONITOR(NotifyTest);

TEST_P(NotifyTest, EndsABlockingPollWithoutProgress) {
  context.notify();
  EXPECT_FALSE(context.poll(true));
  EXPECT_EQ(context.notify_me(), 0U);
}

TEST_P(NotifyTest, FromAnotherThreadEndsASleep) {
  std::atomic<int> turns{0};
  constexpr int rounds = 2000;
  std::thread producer([&] {
    for (int i = 1; i <= rounds; ++i) {
      turns.store(i, std::memory_order_relaxed);
      context.notify();
    }
  });
  // Relaxed on purpose: notify() and the poll order it (R43).
  while (turns.load(std::memory_order_relaxed) < rounds) context.poll(true);
  producer.join();
  EXPECT_EQ(context.notify_me(), 0U);
}

TEST_P(NotifyTest, NotifyMeIsRestoredWhenAPollFindsItselfNotified) {
  for (int i = 0; i < 3; ++i) {
    context.notify();
    context.poll(true);
    EXPECT_EQ(context.notify_me(), 0U);
    EXPECT_EQ(context.visits(), 0);
  }
}

TEST_P(NotifyTest, PollFromASecondThreadAborts) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_DEATH(
      {
        context.poll(false);
        std::thread([&] { context.poll(false); }).join();
      },
      "polled_by_its_home_thread");
}

TEST_P(NotifyTest, HomeCanMoveWithTheThreadsConsent) {
  context.poll(false);
  context.release_home_thread();
  EXPECT_FALSE(context.in_home_thread());
  std::thread([&] {
    context.bind_home_thread();
    context.poll(false);
    EXPECT_TRUE(context.in_home_thread());
  }).join();
  EXPECT_FALSE(context.in_home_thread());
}

TEST(NotifyGateTest, WritesTheEventOnlyForASleeper) {
  aio::NotifyGate gate;
  gate.notify();
  EXPECT_TRUE(gate.notified());
  aio::EventNotifier& event = const_cast<aio::EventNotifier&>(gate.event());
  EXPECT_FALSE(event.test_and_clear());
  gate.accept();
  EXPECT_FALSE(gate.notified());
  gate.raise();
  gate.notify();
  gate.lower();
  EXPECT_TRUE(event.test_and_clear());
  EXPECT_EQ(gate.notify_me(), 0U);
}

TEST(NotifyGateTest, APushIsToldOnceAndThenALookIsEnough) {
  aio::NotifyGate gate;
  aio::EventNotifier& event = const_cast<aio::EventNotifier&>(gate.event());
  gate.raise();
  for (int i = 0; i < 3; ++i) gate.notify_pushed();
  EXPECT_TRUE(gate.notified());
  EXPECT_EQ(event.take(), 1U);
  gate.lower();
  gate.accept();
  gate.notify_pushed();
  EXPECT_TRUE(gate.notified());
  EXPECT_FALSE(event.test_and_clear());
}

TEST(EventNotifierTest, SetIsIdempotentAndClearsAtOnce) {
  aio::EventNotifier notifier;
  EXPECT_FALSE(notifier.test_and_clear());
  notifier.set();
  notifier.set();
  EXPECT_TRUE(notifier.test_and_clear());
  EXPECT_FALSE(notifier.test_and_clear());
}

}  // namespace
}  // namespace aio_test
