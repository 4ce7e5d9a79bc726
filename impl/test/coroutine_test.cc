#include "aio/coroutine.h"

#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "aio/io_thread.h"
#include "support.h"

namespace aio_test {
namespace {

class CoroutineTest : public EachMonitor {
 protected:
  CoroutineTest() { context.bind_home_thread(); }

  /// Says where it is, and yields, again and again.
  aio::Task<> walk(std::string name, int steps) {
    coroutines.push_back(&aio::Coroutine::current());
    for (int i = 0; i < steps; ++i) {
      log.push_back(name + std::to_string(i));
      co_await aio::yield();
    }
    log.push_back(name + " ends");
  }

  aio::Task<> enter_first() {
    coroutines.push_back(&aio::Coroutine::current());
    aio::enter(context, *coroutines[0]);
    log.push_back("b before");
    co_await aio::yield();
    log.push_back("b after");
  }

  static aio::Task<int> half(int number) {
    if (number % 2 != 0) throw std::invalid_argument("odd");
    co_await aio::yield();
    co_return number / 2;
  }
  aio::Task<> halves() {
    coroutines.push_back(&aio::Coroutine::current());
    log.push_back(std::to_string(co_await half(10)));
    try {
      co_await half(3);
    } catch (const std::invalid_argument& error) {
      log.push_back(error.what());
    }
  }

  aio::Task<> poll_for_the_other() {
    coroutines.push_back(&aio::Coroutine::current());
    co_await aio::yield();
    while (!other_ran) context.poll(true);
    log.push_back("the one that polled ends");
  }
  aio::Task<> the_other() {
    coroutines.push_back(&aio::Coroutine::current());
    co_await aio::yield();
    other_ran = true;
  }

  static aio::Task<> travel(aio::Context& home, aio::Context& away, bool& done) {
    const std::thread::id here = std::this_thread::get_id();
    for (int i = 0; i < 100; ++i) {
      co_await aio::move_to(away);
      EXPECT_TRUE(away.in_home_thread());
      EXPECT_NE(std::this_thread::get_id(), here);
      co_await aio::move_to(home);
      EXPECT_EQ(std::this_thread::get_id(), here);
    }
    done = true;
  }

  std::vector<std::string> log;
  std::vector<aio::Coroutine*> coroutines;
  bool other_ran = false;
};
INSTANTIATE_FOR_EACH_MONITOR(CoroutineTest);

using Log = std::vector<std::string>;

TEST_P(CoroutineTest, ItRunsAtOnceInItsHomeThreadUntilItYields) {
  aio::spawn(context, walk("a", 1));
  EXPECT_EQ(log, Log{"a0"});
  EXPECT_FALSE(aio::Coroutine::inside());
  aio::wake(*coroutines[0]);
  EXPECT_EQ(log, (Log{"a0", "a ends"}));
}

TEST_P(CoroutineTest, ScheduledOnesRunInTheOrderOfScheduling) {
  for (const char* name : {"a", "b", "c"}) aio::spawn(context, walk(name, 1));
  log.clear();
  for (aio::Coroutine* one : coroutines) aio::schedule(context, *one);
  EXPECT_TRUE(log.empty());
  settle(context);
  EXPECT_EQ(log, (Log{"a ends", "b ends", "c ends"}));
}

TEST_P(CoroutineTest, OneEnteredFromAnotherRunsWhenThatYields) {
  aio::spawn(context, walk("a", 1));
  aio::spawn(context, enter_first());
  EXPECT_EQ(log, (Log{"a0", "b before", "a ends"}));
  aio::wake(*coroutines[1]);
  EXPECT_EQ(log.back(), "b after");
}

TEST_P(CoroutineTest, WhatATaskReturnsOrThrowsComesToWhoeverAwaitsIt) {
  aio::spawn(context, halves());
  EXPECT_TRUE(log.empty());
  aio::wake(*coroutines[0]);
  EXPECT_EQ(log, (Log{"5", "odd"}));
}

TEST_P(CoroutineTest, OneThatPollsDoesNotHoldUpTheNext) {
  aio::spawn(context, poll_for_the_other());
  aio::spawn(context, the_other());
  aio::schedule(context, *coroutines[0]);
  aio::schedule(context, *coroutines[1]);
  settle(context);
  EXPECT_EQ(log.back(), "the one that polled ends");
}

TEST_P(CoroutineTest, ItMovesBetweenThreads) {
  aio::IoThread io(options());
  bool done = false;
  aio::spawn(context, travel(context, io.context(), done));
  while (!done) context.poll(true);
}

TEST_P(CoroutineTest, AnyThreadMayScheduleIt) {
  aio::spawn(context, walk("a", 200));
  for (std::size_t i = 1; i <= 200; ++i) {
    std::thread other([this] { aio::schedule(context, *coroutines[0]); });
    const std::size_t before = log.size();
    while (log.size() == before) context.poll(true);
    other.join();
  }
  EXPECT_EQ(log.back(), "a ends");
}

TEST_P(CoroutineTest, ToScheduleItTwiceIsAnError) {
  testing::GTEST_FLAG(death_test_style) = "threadsafe";
  aio::spawn(context, walk("a", 1));
  EXPECT_DEATH(
      {
        aio::schedule(context, *coroutines[0]);
        aio::schedule(context, *coroutines[0]);
      },
      "scheduled_before");
  aio::wake(*coroutines[0]);
}

}  // namespace
}  // namespace aio_test
