#include <algorithm>
#include <memory>
#include <random>
#include <thread>

#include "support.h"

namespace aio_test {
namespace {

class TimerTest : public EachMonitor {};
INSTANTIATE_FOR_EACH_MONITOR(TimerTest);

TEST_P(TimerTest, ADueTimerIsProgressOnce) {
  int calls = 0;
  aio::Timer timer(context, count, &calls);
  EXPECT_FALSE(timer.armed());
  timer.arm_after(0);
  EXPECT_TRUE(timer.armed());
  EXPECT_EQ(context.timeout_ns(), 0);
  EXPECT_TRUE(context.poll(true));
  EXPECT_FALSE(timer.armed());
  EXPECT_EQ(calls, 1);
  settle(context);
  EXPECT_EQ(calls, 1);
}

TEST_P(TimerTest, ABlockingPollSleepsUntilTheDeadlineAndNotLess) {
  int calls = 0;
  aio::Timer timer(context, count, &calls);
  const std::int64_t deadline_ns = aio::now_ns() + 3'000'000;
  timer.arm_at(deadline_ns);
  while (!context.poll(true)) {
  }
  EXPECT_EQ(calls, 1);
  EXPECT_GE(aio::now_ns(), deadline_ns);
}

TEST_P(TimerTest, DeadlinesAndDelaysAreChronos) {
  using namespace std::chrono_literals;
  int calls = 0;
  aio::Timer timer(context, count, &calls);
  timer.arm_after(1h);
  EXPECT_GT(context.timeout_ns(), 0);
  EXPECT_LE(context.timeout_ns(), std::int64_t{3'600'000'000'000});
  const auto now = aio::Timer::Clock::now();
  EXPECT_LE(now.time_since_epoch(), std::chrono::nanoseconds(aio::now_ns()));
  timer.arm_at(now + 2h);
  EXPECT_LE(context.timeout_ns(), std::int64_t{7'200'000'000'000});
  EXPECT_GT(context.timeout_ns(), 0);
  timer.arm_after(-1ms);
  EXPECT_EQ(context.timeout_ns(), 0);
  timer.arm_after(std::chrono::nanoseconds::max());
  EXPECT_GT(context.timeout_ns(), 0);
  timer.arm_at(now);
  EXPECT_TRUE(context.poll(true));
  EXPECT_EQ(calls, 1);
}

TEST_P(TimerTest, TimeoutIsTheDistanceOrInfinite) {
  int calls = 0;
  aio::Timer timer(context, count, &calls);
  EXPECT_EQ(context.timeout_ns(), -1);
  EXPECT_EQ(context.timeout_ms(), -1);
  timer.arm_after(3'600'000'000'000);
  EXPECT_GT(context.timeout_ns(), 0);
  EXPECT_LE(context.timeout_ns(), 3'600'000'000'000);
  timer.cancel();
  EXPECT_EQ(context.timeout_ns(), -1);
}

TEST_P(TimerTest, EqualDeadlinesRunInTheOrderArmed) {
  std::vector<int> order;
  std::vector<Action> actions(20);
  std::vector<std::unique_ptr<aio::Timer>> timers;
  for (int i = 0; i < 20; ++i) {
    actions[static_cast<std::size_t>(i)] = [&order, i] { order.push_back(i); };
    timers.push_back(
        std::make_unique<aio::Timer>(context, act, &actions[static_cast<std::size_t>(i)]));
    timers.back()->arm_at(1);
  }
  EXPECT_TRUE(context.poll(false));
  ASSERT_EQ(order.size(), 20U);
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
}

TEST_P(TimerTest, RearmingInThePastWaitsForTheNextPoll) {
  int calls = 0;
  aio::Timer* self = nullptr;
  Action action = [&] {
    ++calls;
    self->arm_at(0);
  };
  aio::Timer timer(context, act, &action);
  self = &timer;
  timer.arm_at(0);
  for (int i = 1; i <= 5; ++i) {
    EXPECT_TRUE(context.poll(true));
    EXPECT_EQ(calls, i);
  }
}

TEST_P(TimerTest, ACallbackMayCancelOrDestroyOthersAndItself) {
  int calls = 0;
  std::unique_ptr<aio::Timer> own;
  aio::Timer other(context, count, &calls);
  Action action = [&] {
    own.reset();
    other.cancel();
  };
  own = std::make_unique<aio::Timer>(context, act, &action);
  own->arm_at(0);
  other.arm_at(0);
  EXPECT_TRUE(context.poll(false));
  EXPECT_EQ(calls, 0);
  EXPECT_EQ(own, nullptr);
}

TEST_P(TimerTest, ANestedPollRunsWhatItsCallerTook) {
  int calls = 0;
  aio::Timer second(context, count, &calls);
  Action action = [&] {
    EXPECT_TRUE(context.poll(true));
    EXPECT_EQ(calls, 1);
  };
  aio::Timer first(context, act, &action);
  first.arm_at(0);
  second.arm_at(0);
  EXPECT_TRUE(context.poll(false));
  EXPECT_EQ(calls, 1);
}

TEST_P(TimerTest, ADisabledListHoldsItsTimers) {
  int calls = 0;
  aio::Timer timer(context, count, &calls);
  timer.arm_at(0);
  context.timers().set_enabled(false);
  EXPECT_EQ(context.timeout_ns(), -1);
  EXPECT_FALSE(context.poll(false));
  EXPECT_EQ(calls, 0);
  context.timers().set_enabled(true);
  EXPECT_TRUE(context.poll(true));
  EXPECT_EQ(calls, 1);
}

TEST_P(TimerTest, TimersHeldInANestedPollWaitForAnotherPoll) {
  std::vector<int> called;
  Action hold = [&] {
    called.push_back(2);
    context.timers().set_enabled(false);
  };
  aio::Timer* again = nullptr;
  Action nest = [&] {
    called.push_back(1);
    if (called.size() > 1) return;
    again->arm_at(0);  // taken by the nested poll, which comes to `hold` first
    context.poll(false);
    context.timers().set_enabled(true);
  };
  aio::Timer first(context, act, &nest);
  aio::Timer second(context, act, &hold);
  again = &first;
  first.arm_at(0);
  second.arm_at(0);
  EXPECT_TRUE(context.poll(false));
  EXPECT_EQ(called, (std::vector{1, 2}));
  EXPECT_TRUE(context.poll(true));
  EXPECT_EQ(called, (std::vector{1, 2, 1}));
}

TEST_P(TimerTest, ArmedByAnotherThreadWakesASleeper) {
  for (int i = 0; i < 200; ++i) {
    int calls = 0;
    aio::Timer timer(context, count, &calls);
    std::thread producer([&] { timer.arm_at(0); });
    while (calls == 0) context.poll(true);
    producer.join();
  }
}

// Against a sorted vector: random arming, cancelling and re-arming, then everything expires.
TEST_P(TimerTest, ExpiryOrderAgreesWithASortedModel) {
  std::mt19937 random(12345);
  for (int round = 0; round < 50; ++round) {
    constexpr std::size_t many = 200;
    std::vector<std::size_t> order;
    std::vector<Action> actions(many);
    std::vector<std::unique_ptr<aio::Timer>> timers;
    struct Wish {
      std::int64_t deadline;
      std::uint64_t order;
      std::size_t index;
    };
    std::vector<Wish> model;
    std::uint64_t step = 0;
    for (std::size_t i = 0; i < many; ++i) {
      actions[i] = [&order, i] { order.push_back(i); };
      timers.push_back(std::make_unique<aio::Timer>(context, act, &actions[i]));
    }
    for (int n = 0; n < 1000; ++n) {
      const std::size_t i = random() % many;
      std::erase_if(model, [i](const Wish& wish) { return wish.index == i; });
      if (random() % 3 == 0) {
        timers[i]->cancel();
      } else {
        const std::int64_t deadline = static_cast<std::int64_t>(random() % 20);
        timers[i]->arm_at(deadline);
        model.push_back({deadline, step++, i});
      }
    }
    std::sort(model.begin(), model.end(), [](const Wish& a, const Wish& b) {
      return a.deadline != b.deadline ? a.deadline < b.deadline : a.order < b.order;
    });
    context.poll(false);
    ASSERT_EQ(order.size(), model.size());
    for (std::size_t k = 0; k < order.size(); ++k) ASSERT_EQ(order[k], model[k].index);
  }
}

TEST(TimerDeathTest, ArmedAtTheEndOfTheContextAborts) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_DEATH(
      {
        auto context = std::make_unique<aio::Context>();
        aio::Timer timer(
            *context, [](void*) {}, nullptr);
        timer.arm_at(0);
        context.reset();
      },
      "heap_");
}

}  // namespace
}  // namespace aio_test
