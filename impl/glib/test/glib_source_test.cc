// A context served by GLib's main loop, on each monitor.
#include "aio/glib_source.h"

#include <sys/eventfd.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "aio/virtqueue.h"
#include "support.h"

namespace aio_test {
namespace {

class GlibSourceTest : public EachMonitor {
 protected:
  GlibSourceTest()
      : main_(g_main_context_new()), source_(std::make_unique<aio::GlibSource>(context)) {
    source_->attach(main_);
    settle();
  }
  ~GlibSourceTest() override {
    source_.reset();
    g_main_context_unref(main_);
  }

  bool iterate(bool may_block) { return g_main_context_iteration(main_, may_block ? TRUE : FALSE); }
  /// Until nothing is dispatched any more; a loop that spins fails.
  void settle() {
    int iterations = 0;
    while (iterate(false)) ASSERT_LT(++iterations, 10);
  }

  GMainContext* const main_;
  std::unique_ptr<aio::GlibSource> source_;
};
INSTANTIATE_FOR_EACH_MONITOR(GlibSourceTest);

TEST_P(GlibSourceTest, NotifyAloneDoesNotKeepTheLoopSpinning) {
  context.notify();
  settle();
  EXPECT_FALSE(iterate(false));
}

TEST_P(GlibSourceTest, BottomHalfRunsOncePerSchedule) {
  int calls = 0;
  auto bh = context.make_bh(count, &calls);
  bh->schedule();
  bh->schedule();
  EXPECT_TRUE(iterate(true));
  EXPECT_EQ(calls, 1);
  settle();
  EXPECT_EQ(calls, 1);
}

TEST_P(GlibSourceTest, BottomHalfThatSchedulesItselfRunsOncePerIteration) {
  aio::BottomHalf* bh = nullptr;
  int calls = 0;
  Action action = [&] {
    if (++calls < 10) bh->schedule();
  };
  bh = context.new_bh(act, &action);
  bh->schedule();
  for (int i = 1; i <= 10; ++i) {
    EXPECT_TRUE(iterate(true));
    EXPECT_EQ(calls, i);
  }
  settle();
  EXPECT_EQ(calls, 10);
  bh->delete_();
}

TEST_P(GlibSourceTest, CancelledBottomHalfIsNotCalled) {
  int calls = 0;
  auto bh = context.make_bh(count, &calls);
  bh->schedule();
  bh->cancel();
  settle();
  EXPECT_EQ(calls, 0);
  bh->schedule();
  EXPECT_TRUE(iterate(true));
  EXPECT_EQ(calls, 1);
}

TEST_P(GlibSourceTest, DeletedBottomHalfIsNotCalled) {
  int calls = 0;
  aio::BottomHalf* bh = context.new_bh(count, &calls);
  bh->schedule();
  bh->delete_();
  settle();
  EXPECT_EQ(calls, 0);
}

TEST_P(GlibSourceTest, BottomHalfDeletedInItsCallbackIsNotCalledAgain) {
  aio::BottomHalf* bh = nullptr;
  int calls = 0;
  Action action = [&] {
    ++calls;
    bh->schedule();
    bh->delete_();
  };
  bh = context.new_bh(act, &action);
  bh->schedule();
  EXPECT_TRUE(iterate(true));
  EXPECT_EQ(calls, 1);
  settle();
  EXPECT_EQ(calls, 1);
}

TEST_P(GlibSourceTest, SeveralBottomHalvesDeletedInTheirCallbacksAreNotCalledAgain) {
  struct Deleting {
    aio::BottomHalf* bh = nullptr;
    int calls = 0;
    int most = 0;
    static void call(void* opaque) {
      auto& self = *static_cast<Deleting*>(opaque);
      (++self.calls < self.most) ? self.bh->schedule() : self.bh->delete_();
    }
  };
  Deleting deleting[4];
  for (int i = 0; i < 4; ++i) {
    deleting[i].most = i + 1;
    deleting[i].bh = context.new_bh(Deleting::call, &deleting[i]);
    deleting[i].bh->schedule();
  }
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(iterate(true));
  settle();
  for (const Deleting& one : deleting) EXPECT_EQ(one.calls, one.most);
}

TEST_P(GlibSourceTest, IdleBottomHalfRunsWithoutAnyOtherEvent) {
  int calls = 0;
  auto bh = context.make_bh(count, &calls);
  bh->schedule_idle();
  EXPECT_TRUE(iterate(true));
  EXPECT_EQ(calls, 1);
}

TEST_P(GlibSourceTest, AddingAndRemovingAHandlerCallsNothing) {
  aio::EventNotifier event;
  int calls = 0;
  context.set_event_notifier(event, {.io_read = count, .opaque = &calls});
  settle();
  context.remove_fd_handler(event.fd());
  settle();
  event.set();
  EXPECT_FALSE(iterate(false));
  EXPECT_EQ(calls, 0);
}

struct CountedEvent {
  aio::EventNotifier event;
  int calls = 0;
  int more = 0;  // how often the callback sets it again
  static void read(void* opaque) {
    auto& self = *static_cast<CountedEvent*>(opaque);
    if (self.event.test_and_clear()) ++self.calls;
    if (self.more > 0 && --self.more >= 0) self.event.set();
  }
  void watch_in(aio::Context& context) {
    context.set_event_notifier(event, {.io_read = read, .opaque = this});
  }
};

TEST_P(GlibSourceTest, EventIsServedOnce) {
  CountedEvent counted;
  counted.watch_in(context);
  settle();
  EXPECT_EQ(counted.calls, 0);
  counted.event.set();
  EXPECT_TRUE(iterate(true));
  EXPECT_FALSE(iterate(false));
  EXPECT_EQ(counted.calls, 1);
  context.remove_fd_handler(counted.event.fd());
}

TEST_P(GlibSourceTest, OnlyTheActiveEventIsServed) {
  CountedEvent active;
  CountedEvent silent;
  active.watch_in(context);
  silent.watch_in(context);
  settle();
  active.event.set();
  EXPECT_TRUE(iterate(true));
  settle();
  EXPECT_EQ(active.calls, 1);
  EXPECT_EQ(silent.calls, 0);
}

TEST_P(GlibSourceTest, EventSetAgainByItsCallbackIsServedInTheNextIteration) {
  CountedEvent counted;
  counted.more = 9;
  counted.watch_in(context);
  settle();
  counted.event.set();
  for (int i = 1; i <= 10; ++i) {
    EXPECT_TRUE(iterate(true));
    EXPECT_EQ(counted.calls, i);
  }
  EXPECT_FALSE(iterate(false));
}

TEST_P(GlibSourceTest, HandlersComeAndGoInCallbacks) {
  CountedEvent events[3];
  Action replace = [&] {
    context.remove_fd_handler(events[0].event.fd());
    events[1].watch_in(context);
    events[2].watch_in(context);
    context.remove_fd_handler(events[2].event.fd());
  };
  for (CountedEvent& counted : events) counted.event.set();
  context.set_event_notifier(events[0].event, {.io_read = act, .opaque = &replace});
  settle();
  EXPECT_EQ(events[0].calls, 0);
  EXPECT_EQ(events[1].calls, 1);
  EXPECT_EQ(events[2].calls, 0);
}

TEST_P(GlibSourceTest, TimerRunsAndMayArmItselfAgain) {
  int calls = 0;
  aio::Timer* again = nullptr;
  Action action = [&] {
    if (++calls < 3) again->arm_after(1'000'000);
  };
  aio::Timer timer(context, act, &action);
  again = &timer;
  timer.arm_after(1'000'000);
  const std::int64_t start_ns = aio::now_ns();
  while (calls < 3) iterate(true);
  EXPECT_GE(aio::now_ns() - start_ns, 3'000'000);
  settle();
  EXPECT_EQ(calls, 3);
}

TEST_P(GlibSourceTest, AnotherThreadWakesTheSleepingLoop) {
  std::atomic<int> calls{0};
  Action action = [&] { calls.fetch_add(1); };
  for (int round = 1; round <= 1000; ++round) {
    std::atomic<bool> go{false};
    std::thread other([&] {
      while (!go.load()) std::this_thread::yield();
      context.schedule_oneshot(act, &action);
    });
    go.store(true);
    while (calls.load() < round) iterate(true);
    other.join();
  }
}

TEST_P(GlibSourceTest, AnotherThreadsHandlerIsServed) {
  CountedEvent counted;
  counted.event.set();
  std::thread other([&] { counted.watch_in(context); });
  while (counted.calls == 0) iterate(true);
  other.join();
}

TEST_P(GlibSourceTest, PrepareWithoutCheckCostsEventWritesOnly) {
  gint priority = 0;
  ASSERT_TRUE(g_main_context_acquire(main_));
  g_main_context_prepare(main_, &priority);  // and then nothing
  EXPECT_EQ(context.notify_me(), 1U);
  g_main_context_release(main_);
  int calls = 0;
  context.schedule_oneshot(count, &calls);
  EXPECT_TRUE(iterate(true));
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(context.notify_me(), 0U);
  settle();
}

TEST_P(GlibSourceTest, CallbacksMayPollTheContext) {
  int inner_calls = 0;
  auto inner = context.make_bh(count, &inner_calls);
  Action action = [&] {
    inner->schedule();
    EXPECT_TRUE(context.poll(true));
    EXPECT_EQ(inner_calls, 1);
  };
  context.schedule_oneshot(act, &action);
  EXPECT_TRUE(iterate(true));
  settle();
  EXPECT_EQ(context.visits(), 0);
}

TEST_P(GlibSourceTest, PollingModeIsLeftBeforeGlibSleeps) {
  context.set_poll_max_ns(1'000'000);
  aio::VirtqueueRing ring(4);
  aio::Virtqueue queue(ring);
  aio::VirtqueueDriver driver(ring);
  int calls = 0;
  struct Served {
    aio::Virtqueue& queue;
    int& calls;
  } served{queue, calls};
  const aio::Callback serve = [](void* opaque) {
    auto& self = *static_cast<Served*>(opaque);
    while (const auto element = self.queue.pop()) {
      self.queue.push(element->id, 0);
      ++self.calls;
    }
  };
  queue.attach(context, serve, &served);
  char data = 0;
  for (int i = 1; i <= 5; ++i) {
    driver.add(&data, 1);
    driver.kick();
    while (calls < i) context.poll(true);  // from the second time on busily, kicks suppressed
    driver.take_used();
  }
  settle();
  EXPECT_FALSE(context.polling_mode());
  driver.add(&data, 1);
  EXPECT_TRUE(driver.kick());
  while (calls < 6) iterate(true);
}

TEST_P(GlibSourceTest, SourceMayGoBeforeItsContextWhichGoesOn) {
  CountedEvent counted;
  counted.watch_in(context);
  settle();
  source_.reset();
  counted.event.set();
  EXPECT_FALSE(iterate(false));
  EXPECT_TRUE(context.poll(true));
  EXPECT_EQ(counted.calls, 1);
}

TEST_P(GlibSourceTest, LowerPriorityThanAnotherSourceOnlyDelays) {
  CountedEvent counted;
  counted.watch_in(context);
  g_source_set_priority(source_->get(), G_PRIORITY_LOW);
  int others = 0;
  GSource* other = g_idle_source_new();
  g_source_set_priority(other, G_PRIORITY_HIGH);
  const GSourceFunc five_times = [](gpointer calls) -> gboolean {
    return ++*static_cast<int*>(calls) < 5 ? G_SOURCE_CONTINUE : G_SOURCE_REMOVE;
  };
  g_source_set_callback(other, five_times, &others, nullptr);
  g_source_attach(other, main_);
  g_source_unref(other);
  counted.event.set();
  while (others < 5) {
    EXPECT_EQ(counted.calls, 0);
    iterate(true);
  }
  settle();
  EXPECT_EQ(counted.calls, 1);
}

}  // namespace
}  // namespace aio_test
