#include "aio/wait.h"

#include <atomic>
#include <thread>

#include "support.h"

namespace aio_test {
namespace {

class WaitTest : public EachMonitor {};
INSTANTIATE_FOR_EACH_MONITOR(WaitTest);

TEST_P(WaitTest, AKickMakesTheWaiterLookAgain) {
  for (int i = 0; i < 500; ++i) {
    std::atomic<bool> pending{true};
    std::thread worker([&] {
      pending.store(false, std::memory_order_relaxed);
      aio::wait_kick(context);
    });
    aio::wait_while(context, [&] { return pending.load(std::memory_order_relaxed); });
    worker.join();
  }
  settle(context);
}

TEST_P(WaitTest, WithoutAWaiterAKickDoesNothing) {
  aio::wait_kick(context);
  EXPECT_FALSE(context.poll(false));
}

TEST_P(WaitTest, InACallbackItServesTheRestOfTheSlice) {
  bool pending = true;
  Action clears = [&] { pending = false; };
  Action waits = [&] { aio::wait_while(context, [&] { return pending; }); };
  context.schedule_oneshot(act, &clears);
  context.schedule_oneshot(act, &waits);  // newest first: waits for the older one
  EXPECT_TRUE(context.poll(true));
  EXPECT_FALSE(pending);
}

}  // namespace
}  // namespace aio_test
