#include <atomic>
#include <memory>
#include <thread>

#include "aio/trace.h"
#include "support.h"

namespace aio_test {
namespace {

class BottomHalfTest : public EachMonitor {};
INSTANTIATE_FOR_EACH_MONITOR(BottomHalfTest);

TEST_P(BottomHalfTest, RunsOncePerSchedule) {
  int calls = 0;
  auto bh = context.make_bh(count, &calls);
  bh->schedule();
  bh->schedule();
  EXPECT_TRUE(context.poll(false));
  EXPECT_FALSE(context.poll(false));
  EXPECT_EQ(calls, 1);
}

TEST_P(BottomHalfTest, ScheduleFromItsOwnCallbackMakesTheNextPollRunIt) {
  aio::BottomHalf* bh = nullptr;
  int calls = 0;
  Action action = [&] {
    if (++calls < 10) bh->schedule();
  };
  bh = context.new_bh(act, &action);
  bh->schedule();
  for (int i = 1; i <= 10; ++i) {
    EXPECT_TRUE(context.poll(true));
    EXPECT_EQ(calls, i);
  }
  EXPECT_FALSE(context.poll(false));
  bh->delete_();
}

/// Counts trace events that say that a guard was engaged.
class ReentriesHeard {
 public:
  ReentriesHeard() { aio::set_trace_sink(&sink_); }
  ~ReentriesHeard() { aio::set_trace_sink(nullptr); }
  ReentriesHeard(const ReentriesHeard&) = delete;
  ReentriesHeard& operator=(const ReentriesHeard&) = delete;
  std::vector<std::string> names;

 private:
  static void hear(void* self, const aio::TraceEvent& event) {
    if (event.kind != aio::TraceKind::reentered) return;
    static_cast<ReentriesHeard*>(self)->names.emplace_back(event.name);
  }
  aio::TraceSink sink_{hear, this};
};

TEST_P(BottomHalfTest, GuardIsEngagedDuringTheCallAndReentriesAreTold) {
  ReentriesHeard heard;
  aio::ReentrancyGuard guard;
  int inner_calls = 0;
  Action inner = [&] {
    ++inner_calls;
    EXPECT_TRUE(guard.engaged);
  };
  auto inner_bh = context.make_bh(act, &inner, "inner", &guard);
  Action outer = [&] {
    EXPECT_TRUE(guard.engaged);
    inner_bh->schedule();
    EXPECT_TRUE(context.poll(false));  // it is called all the same (R23)
    EXPECT_TRUE(guard.engaged);        // as before the inner call
  };
  auto outer_bh = context.make_bh(act, &outer, "outer", &guard);
  outer_bh->schedule();
  EXPECT_TRUE(context.poll(false));
  EXPECT_FALSE(guard.engaged);
  EXPECT_EQ(inner_calls, 1);
  EXPECT_EQ(heard.names, std::vector<std::string>{"inner"});
  inner_bh->schedule();
  EXPECT_TRUE(context.poll(false));
  EXPECT_EQ(heard.names.size(), 1U);
}

TEST_P(BottomHalfTest, GuardOutlivesABottomHalfThatANestedPollFrees) {
  aio::ReentrancyGuard guard;
  aio::BottomHalf* bh = nullptr;
  Action action = [&] {
    bh->delete_();
    context.poll(false);  // frees it
    EXPECT_TRUE(guard.engaged);
  };
  bh = context.new_bh(act, &action, "bh", &guard);
  bh->schedule();
  EXPECT_TRUE(context.poll(false));
  EXPECT_FALSE(guard.engaged);
}

TEST_P(BottomHalfTest, CancelledIsNotCalledAndIsNoProgress) {
  int calls = 0;
  auto bh = context.make_bh(count, &calls);
  bh->schedule();
  bh->cancel();
  EXPECT_FALSE(context.poll(false));
  bh->schedule();
  EXPECT_TRUE(context.poll(false));
  EXPECT_EQ(calls, 1);
}

TEST_P(BottomHalfTest, DeletedIsNotCalled) {
  int calls = 0;
  aio::BottomHalf* bh = context.new_bh(count, &calls);
  bh->schedule();
  bh->delete_();
  EXPECT_FALSE(context.poll(false));
  EXPECT_EQ(calls, 0);
}

TEST_P(BottomHalfTest, NewestFirstWithinASlice) {
  std::vector<int> order;
  Action actions[3];
  for (int i = 0; i < 3; ++i) {
    actions[i] = [&order, i] { order.push_back(i); };
    context.schedule_oneshot(act, &actions[i]);
  }
  EXPECT_TRUE(context.poll(false));
  EXPECT_EQ(order, (std::vector{2, 1, 0}));
}

TEST_P(BottomHalfTest, NewestFirstWhoeverPushed) {
  context.bind_home_thread();
  std::vector<int> order;
  Action first = [&] { order.push_back(1); };
  Action others = [&] { order.push_back(2); };
  Action last = [&] { order.push_back(3); };
  context.schedule_oneshot(act, &first);
  std::thread([&] { context.schedule_oneshot(act, &others); }).join();
  context.schedule_oneshot(act, &last);
  EXPECT_EQ(context.timeout_ns(), 0);
  EXPECT_TRUE(context.poll(true));
  EXPECT_EQ(order, (std::vector<int>{3, 2, 1}));
}

// A list of home's own would be two threads', were a number used twice.
TEST_P(BottomHalfTest, StrangerWithTheIdOfAnEndedHomeThreadIsNotHome) {
  std::thread([&] { context.poll(false); }).join();
  for (int i = 0; i < 10; ++i) {
    std::thread([&] { EXPECT_FALSE(context.in_home_thread()); }).join();
  }
  context.bind_home_thread();
  EXPECT_FALSE(context.poll(false));
}

TEST_P(BottomHalfTest, NestedPollFinishesTheCallersSliceThenItsOwn) {
  std::vector<int> order;
  Action late = [&] { order.push_back(3); };
  Action inner = [&] { order.push_back(2); };
  Action outer = [&] {
    order.push_back(1);
    context.schedule_oneshot(act, &late);
    EXPECT_TRUE(context.poll(true));  // must not sleep on what the caller has taken
    order.push_back(4);
  };
  context.schedule_oneshot(act, &inner);
  context.schedule_oneshot(act, &outer);
  EXPECT_TRUE(context.poll(false));
  EXPECT_EQ(order, (std::vector{1, 2, 3, 4}));
}

TEST_P(BottomHalfTest, DeletedInItsCallbackAndFreedByANestedPoll) {
  aio::BottomHalf* bh = nullptr;
  int calls = 0;
  Action action = [&] {
    ++calls;
    bh->delete_();
    context.poll(false);
  };
  bh = context.new_bh(act, &action);
  bh->schedule();
  EXPECT_TRUE(context.poll(false));
  settle(context);
  EXPECT_EQ(calls, 1);
}

TEST_P(BottomHalfTest, IdleIsCalledWithoutProgress) {
  int calls = 0;
  auto bh = context.make_bh(count, &calls);
  bh->schedule_idle();
  EXPECT_EQ(context.timeout_ns(), 10'000'000);
  EXPECT_FALSE(context.poll(true));
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(context.timeout_ns(), -1);
}

TEST_P(BottomHalfTest, PlainScheduleOutranksIdleInEitherOrder) {
  int calls = 0;
  auto bh = context.make_bh(count, &calls);
  bh->schedule_idle();
  bh->schedule();
  EXPECT_EQ(context.timeout_ns(), 0);
  EXPECT_TRUE(context.poll(false));
  bh->schedule();
  bh->schedule_idle();
  EXPECT_EQ(context.timeout_ns(), 0);
  EXPECT_TRUE(context.poll(false));
  EXPECT_EQ(calls, 2);
}

TEST_P(BottomHalfTest, CancelForgetsIdleness) {
  int calls = 0;
  auto bh = context.make_bh(count, &calls);
  bh->schedule_idle();
  bh->cancel();
  EXPECT_EQ(context.timeout_ns(), -1);
  bh->schedule();
  EXPECT_TRUE(context.poll(false));
  EXPECT_EQ(calls, 1);
}

TEST_P(BottomHalfTest, DeletedOrCancelledDoesNotShortenTheTimeout) {
  int calls = 0;
  auto cancelled = context.make_bh(count, &calls);
  cancelled->schedule();
  cancelled->cancel();
  aio::BottomHalf* deleted = context.new_bh(count, &calls);
  deleted->schedule();
  deleted->delete_();
  EXPECT_EQ(context.timeout_ns(), -1);
}

// Several producers, one loop: every schedule is followed by a call that sees what came before it.
TEST_P(BottomHalfTest, NoScheduleOfManyThreadsIsLost) {
  constexpr int threads = 4;
  constexpr int rounds = 5000;
  struct Producer {
    aio::BottomHalf* bh = nullptr;
    std::atomic<int> asked{0};  // relaxed: the bottom half orders it
    int seen = 0;
  };
  Producer producers[threads];
  for (Producer& producer : producers) {
    producer.bh = context.new_bh(
        [](void* p) {
          auto* self = static_cast<Producer*>(p);
          self->seen = self->asked.load(std::memory_order_relaxed);
        },
        &producer);
  }
  std::vector<std::thread> running;
  for (Producer& producer : producers) {
    running.emplace_back([&producer] {
      for (int i = 1; i <= rounds; ++i) {
        producer.asked.store(i, std::memory_order_relaxed);
        producer.bh->schedule();
      }
    });
  }
  const auto finished = [&] {
    for (const Producer& producer : producers) {
      if (producer.seen != rounds) return false;
    }
    return true;
  };
  while (!finished()) context.poll(true);  // hangs if one is lost
  for (std::thread& thread : running) thread.join();
  for (Producer& producer : producers) producer.bh->delete_();
}

TEST_P(BottomHalfTest, OneshotsOfManyThreadsRunOnceEach) {
  constexpr int threads = 4;
  constexpr int rounds = 2000;
  int calls = 0;  // home thread
  std::vector<std::thread> running;
  for (int t = 0; t < threads; ++t) {
    running.emplace_back([&] {
      for (int i = 0; i < rounds; ++i) context.schedule_oneshot(count, &calls);
    });
  }
  while (calls < threads * rounds) context.poll(true);
  for (std::thread& thread : running) thread.join();
  EXPECT_FALSE(context.poll(false));
  EXPECT_EQ(calls, threads * rounds);
}

TEST(BottomHalfLifeDeathTest, PendingAndNotDeletedAtTheEndIsNamed) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_DEATH(
      {
        aio::Context context;
        context.new_bh([](void*) {}, nullptr, "forgotten")->schedule();
      },
      "'forgotten'");
}

TEST(BottomHalfLifeTest, NeverScheduledOrDeletedAtTheEndIsSilent) {
  aio::Context context;
  context.new_bh([](void*) {}, nullptr)->delete_();
}

}  // namespace
}  // namespace aio_test
