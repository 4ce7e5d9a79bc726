#include "aio/virtqueue.h"

#include <atomic>
#include <stdexcept>
#include <thread>

#include "support.h"

namespace aio_test {
namespace {

/// Doubles the number in each buffer.
class Doubler {
 public:
  explicit Doubler(aio::VirtqueueRing& ring) : queue(ring) {}

  static void handle(void* self) { static_cast<Doubler*>(self)->serve(); }
  void serve() {
    while (const auto element = queue.pop()) {
      *static_cast<int*>(element->buffer.data) *= 2;
      queue.push(element->id, sizeof(int));
      ++served;
    }
    queue.notify_driver();
  }

  aio::Virtqueue queue;
  int served = 0;
};

class VirtqueueTest : public EachMonitor {
 protected:
  aio::VirtqueueRing ring{4};
  aio::VirtqueueDriver driver{ring};
  Doubler device{ring};
};
INSTANTIATE_FOR_EACH_MONITOR(VirtqueueTest);

TEST_P(VirtqueueTest, ABufferGoesRoundWithAKickAndACall) {
  device.queue.attach(context, Doubler::handle, &device);
  settle(context);
  int number = 21;
  const auto id = driver.add(&number, sizeof number);
  ASSERT_TRUE(id);
  EXPECT_TRUE(driver.kick());
  EXPECT_FALSE(driver.kick());  // nothing new
  EXPECT_TRUE(context.poll(true));
  EXPECT_EQ(number, 42);
  EXPECT_TRUE(ring.call.test_and_clear());
  const auto used = driver.take_used();
  ASSERT_TRUE(used);
  EXPECT_EQ(used->id, *id);
  EXPECT_EQ(used->written, sizeof number);
  EXPECT_FALSE(driver.take_used());
}

TEST_P(VirtqueueTest, WhatWasAddedBeforeItWasAttachedIsServed) {
  int number = 1;
  driver.add(&number, sizeof number);
  device.queue.attach(context, Doubler::handle, &device);
  EXPECT_TRUE(context.poll(true));
  EXPECT_EQ(number, 2);
}

TEST_P(VirtqueueTest, WhileTheLoopPollsNobodyKicks) {
  context.set_poll_max_ns(1'000'000'000);
  device.queue.attach(context, Doubler::handle, &device);
  settle(context);
  int number = 1;
  driver.add(&number, sizeof number);
  EXPECT_TRUE(driver.kick());  // it has not polled yet
  settle(context);
  driver.add(&number, sizeof number);  // and the loop polls before the driver comes to kick
  EXPECT_TRUE(context.poll(true));
  EXPECT_TRUE(context.polling_mode());
  EXPECT_TRUE(ring.no_kick.load());
  device.served = 0;
  driver.add(&number, sizeof number);
  EXPECT_FALSE(driver.kick());
  EXPECT_TRUE(context.poll(true));
  EXPECT_EQ(device.served, 1);
}

TEST_P(VirtqueueTest, AQueueWithoutPollingNeverSuppressesKicks) {
  context.set_poll_max_ns(1'000'000'000);
  device.queue.attach(context, Doubler::handle, &device, aio::Virtqueue::Polling::no);
  settle(context);
  int number = 1;
  driver.add(&number, sizeof number);
  EXPECT_TRUE(driver.kick());
  EXPECT_TRUE(context.poll(true));
  EXPECT_FALSE(ring.no_kick.load());
}

TEST_P(VirtqueueTest, TheDriverNeedNotBeTold) {
  device.queue.attach(context, Doubler::handle, &device);
  driver.suppress_calls();
  int number = 1;
  driver.add(&number, sizeof number);
  driver.kick();
  EXPECT_TRUE(context.poll(true));
  EXPECT_FALSE(ring.call.test_and_clear());
  driver.allow_calls();
  EXPECT_TRUE(driver.take_used());
}

TEST_P(VirtqueueTest, AFullRingTakesNoMore) {
  int number = 1;
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(driver.add(&number, sizeof number));
  EXPECT_FALSE(driver.add(&number, sizeof number));
}

TEST_P(VirtqueueTest, AGuestThatLiesStopsItsQueueAndNothingElse) {
  device.queue.attach(context, Doubler::handle, &device);
  ring.available[0] = 9;
  ring.available_index.store(1);
  ring.kick.set();
  EXPECT_TRUE(context.poll(true));
  EXPECT_EQ(device.served, 0);
  EXPECT_TRUE(device.queue.broken());
}

TEST_P(VirtqueueTest, MoreBuffersThanThereAreIsALie) {
  device.queue.attach(context, Doubler::handle, &device);
  ring.available_index.store(5);
  ring.kick.set();
  EXPECT_TRUE(context.poll(true));
  EXPECT_TRUE(device.queue.broken());
}

TEST(VirtqueueRingTest, ASizeThatIsNoPowerOfTwoIsRefused) {
  EXPECT_THROW(aio::VirtqueueRing(0), std::invalid_argument);
  EXPECT_THROW(aio::VirtqueueRing(3), std::invalid_argument);
  EXPECT_THROW(aio::VirtqueueRing(40'000), std::invalid_argument);
}

TEST_P(VirtqueueTest, AGuestThreadIsAlwaysServed) {
  constexpr int rounds = 20'000;
  context.set_poll_max_ns(20'000);
  device.queue.attach(context, Doubler::handle, &device);
  std::atomic<bool> finished{false};
  std::thread guest([&] {
    int number = 0;
    for (int i = 0; i < rounds; ++i) {
      number = i;
      driver.add(&number, sizeof number);
      driver.kick();
      while (!driver.take_used()) std::this_thread::yield();
      ASSERT_EQ(number, 2 * i);
    }
    finished.store(true, std::memory_order_release);
    context.notify();
  });
  while (!finished.load(std::memory_order_acquire)) context.poll(true);
  guest.join();
  EXPECT_EQ(device.served, rounds);
}

}  // namespace
}  // namespace aio_test
