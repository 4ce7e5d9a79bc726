#include "poll_window_fixture.h"

namespace aio_test {
namespace {

INSTANTIATE_FOR_EACH_MONITOR(PollWindowTest);

TEST_P(PollWindowTest, ANonBlockingPollLooksAtEachPollableSourceOnce) {
  Source source;
  add(source);
  EXPECT_FALSE(context.poll(false));
  EXPECT_EQ(source.polls, 1);
  source.work = true;
  EXPECT_TRUE(context.poll(false));
  EXPECT_EQ(source.readies, 1);
  source.kick.set();  // the fd alone is noticed too (D6)
  EXPECT_TRUE(context.poll(false));
  EXPECT_EQ(source.reads, 1);
  remove(source);
}

TEST_P(PollWindowTest, BusyPollingFindsWorkWithoutTheFd) {
  context.set_poll_max_ns(long_enough_ns);
  Source source;
  add_polled(source);
  source.work = true;
  EXPECT_TRUE(context.poll(true));
  EXPECT_EQ(source.readies, 1);
  EXPECT_EQ(source.begins, 1);
  EXPECT_EQ(source.ends, 0);
  EXPECT_TRUE(context.polling_mode());
  remove(source);
  EXPECT_EQ(source.ends, 1);
}

TEST_P(PollWindowTest, ANotificationEndsBusyPollingWithoutProgress) {
  Source source;
  add_polled(source);
  make_polling_last(source);
  std::atomic<bool> polling{false};
  const aio::TraceSink sink{[](void* p, const aio::TraceEvent& event) {
                              if (event.kind == aio::TraceKind::poll_begin) {
                                static_cast<std::atomic<bool>*>(p)->store(true);
                              }
                            },
                            &polling};
  aio::set_trace_sink(&sink);
  std::thread producer([&] {
    while (!polling.load()) std::this_thread::yield();
    context.notify();
  });
  EXPECT_FALSE(context.poll(true));
  producer.join();
  aio::set_trace_sink(nullptr);
  EXPECT_EQ(context.notify_me(), 0U);
  remove(source);
}

TEST_P(PollWindowTest, FallsBackToTheKernelAndEndsPollingFirst) {
  context.set_poll_max_ns(long_enough_ns);
  Source source;
  add_polled(source);
  EXPECT_EQ(source.begins, 0);
  sleep_until_polling_ended(source);
  EXPECT_EQ(source.begins, source.ends);
  EXPECT_FALSE(context.polling_mode());
  const int ends = source.ends;
  remove(source);
  EXPECT_EQ(source.ends, ends);
}

TEST_P(PollWindowTest, WhatComesBeforePollingEndsIsSeenByTheLastPoll) {
  context.set_poll_max_ns(long_enough_ns);
  Source source;
  add_polled(source);
  source.on_end = [&] { source.work = true; };  // too late for polling, too early for a kick
  EXPECT_TRUE(context.poll(true));              // polls in vain, ends, finds it
  EXPECT_EQ(source.readies, 1);
  remove(source);
}

TEST_P(PollWindowTest, WhatTheLastPollFoundIsKeptBesideAWriteCallback) {
  context.set_poll_max_ns(long_enough_ns);
  Source source;
  Pipe pipe;
  aio::FdCallbacks callbacks = source.callbacks();
  callbacks.io_write = [](void*) {};
  context.set_fd_handler(pipe.write_fd(), callbacks);
  EXPECT_TRUE(context.poll(true));  // writable, and from now on polled
  const std::string more(4096, 'x');
  std::size_t bytes = 0;
  while (write(pipe.write_fd(), more.data(), more.size()) > 0) bytes += more.size();
  make_ready_to_poll();
  source.on_end = [&] {
    source.work = true;  // no other signal follows
    std::string taken(bytes, '-');
    EXPECT_EQ(read(pipe.read_fd(), taken.data(), bytes), static_cast<ssize_t>(bytes));
  };
  EXPECT_TRUE(context.poll(true));  // polls in vain, ends, finds it, and the kernel finds POLLOUT
  EXPECT_EQ(source.readies, 1);
  context.remove_fd_handler(pipe.write_fd());
}

TEST_P(PollWindowTest, WhatTheLastPollFoundDoesNotLetANestedPollSleep) {
  context.set_poll_max_ns(long_enough_ns);
  Source source;
  Source other;
  add_polled(source);
  add(other);
  make_ready_to_poll();
  source.on_end = [&] {
    source.work = true;  // without a kick
    if (other.reads == 0) other.kick.set();
  };
  other.on_read = [&] {
    while (source.readies == 0) EXPECT_TRUE(context.poll(true));
  };
  EXPECT_TRUE(context.poll(true));
  EXPECT_EQ(other.reads, 1);
  EXPECT_EQ(source.readies, 1);
  remove(other);
  remove(source);
}

TEST_P(PollWindowTest, WhatTheLastPollFoundOutlivesItsHandler) {
  context.set_poll_max_ns(long_enough_ns);
  Source source;
  Source other;
  add_polled(source);
  add(other);
  make_ready_to_poll();
  source.on_end = [&] {
    source.work = true;  // without a kick
    other.kick.set();
  };
  other.on_read = [&] {
    EXPECT_EQ(source.readies, 0);
    add(source);  // in place of the one that is ready and listed
    add(source);  // and of one that is not listed
  };
  EXPECT_TRUE(context.poll(true));
  EXPECT_EQ(other.reads, 1);
  aio::Timer timer(
      context, [](void*) {}, nullptr);
  timer.arm_after(1'000'000);
  while (timer.armed() && source.readies == 0) context.poll(true);
  EXPECT_EQ(source.readies, 1);
  remove(other);
  remove(source);
}

TEST_P(PollWindowTest, WhatTheLastPollFoundOutlivesAHandlerThatAnotherThreadReplaces) {
  context.set_poll_max_ns(long_enough_ns);
  Source source;
  add_polled(source);
  Action replace = [&] { std::thread([&] { add(source); }).join(); };
  source.on_end = [&] {
    source.work = true;  // without a kick
    context.schedule_oneshot(act, &replace);
  };
  EXPECT_TRUE(context.poll(true));  // polls in vain, ends, finds it, runs the bottom half
  EXPECT_EQ(source.readies, 0);
  EXPECT_TRUE(context.poll(true));
  EXPECT_EQ(source.readies, 1);
  remove(source);
}

TEST_P(PollWindowTest, WhatComesInsidePollReadyOutlivesTheHandler) {
  context.set_poll_max_ns(long_enough_ns);
  Source source;
  add_polled(source);
  source.on_end = [&] { source.work = true; };  // without a kick
  source.on_ready = [&] {
    if (source.readies != 1) return;
    source.work = false;
    aio::Timer timer(
        context, [](void*) {}, nullptr);
    timer.arm_after(1'000'000);
    while (!source.work) context.poll(true);  // polls in vain, ends, may not look itself (R68)
    add(source);
  };
  source.work = true;
  while (source.readies == 0) context.poll(true);
  EXPECT_TRUE(context.poll(true));
  EXPECT_EQ(source.readies, 2);
  source.on_end = [] {};
  remove(source);
}

TEST_P(PollWindowTest, RemovalEndsThePollingThatAnotherThreadsChangeLeft) {
  context.set_poll_max_ns(long_enough_ns);
  Source source;
  Source other;
  add_polled(source);
  add_polled(other);
  other.on_ready = [&] {
    std::thread([&] { add(source); }).join();
    EXPECT_EQ(source.begins, source.ends + 1);
    remove(source);
    EXPECT_EQ(source.begins, source.ends);
  };
  other.work = true;
  EXPECT_TRUE(context.poll(true));
  EXPECT_EQ(other.readies, 1);
  remove(other);
}

TEST_P(PollWindowTest, OneUnpollableHandlerTurnsBusyPollingOff) {
  context.set_poll_max_ns(long_enough_ns);
  Source source;
  add_polled(source);
  Pipe pipe;
  int calls = 0;
  aio::FdCallbacks plain;
  plain.io_read = [](void* p) { ++*static_cast<int*>(p); };
  plain.opaque = &calls;
  context.set_fd_handler(pipe.read_fd(), plain);
  EXPECT_EQ(context.poll_disable_count(), 1U);
  context.poll(false);
  source.polls = 0;
  pipe.fill();
  EXPECT_TRUE(context.poll(true));
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(source.polls, 0);
  context.remove_fd_handler(pipe.read_fd());
  EXPECT_EQ(context.poll_disable_count(), 0U);
  remove(source);
}

TEST_P(PollWindowTest, PollReadyIsNotEnteredAgainByANestedPoll) {
  context.set_poll_max_ns(long_enough_ns);
  Source source;
  add_polled(source);
  int depth = 0;
  source.on_ready = [&] {
    EXPECT_EQ(++depth, 1);
    context.notify();
    context.poll(true);
    context.poll(false);
    --depth;
  };
  source.work = true;
  EXPECT_TRUE(context.poll(true));
  EXPECT_EQ(source.readies, 1);
  remove(source);
}

TEST_P(PollWindowTest, PollingEndedDuringPollReadyIsFollowedByOnePoll) {
  Source source;
  add_polled(source);
  bool first = true;
  source.on_ready = [&] {
    if (!first) return;
    first = false;
    source.work = true;
    EXPECT_EQ(source.begins, source.ends + 1);
    sleep_until_polling_ended(source);
    EXPECT_EQ(source.begins, source.ends);
  };
  context.set_poll_max_ns(long_enough_ns);
  source.kick.set();
  EXPECT_TRUE(context.poll(true));  // is worth polling for again
  make_ready_to_poll();
  source.work = true;
  EXPECT_TRUE(context.poll(true));
  EXPECT_EQ(source.readies, 1);
  remove(source);
  EXPECT_EQ(source.begins, source.ends);
}

TEST_P(PollWindowTest, RemovalByAnotherThreadEndsPollingInTheHomeThread) {
  context.set_poll_max_ns(long_enough_ns);
  Source source;
  add_polled(source);
  source.work = true;
  EXPECT_TRUE(context.poll(true));
  EXPECT_EQ(source.begins, 1);
  std::thread([&] { remove(source); }).join();
  EXPECT_EQ(source.ends, 0);
  context.poll(false);
  EXPECT_EQ(source.ends, 1);
}

TEST_P(PollWindowTest, AReplacementInheritsWhatTheLastPollFound) {
  context.set_poll_max_ns(long_enough_ns);
  Source source;
  add_polled(source);
  source.work = true;
  EXPECT_TRUE(context.poll(true));
  source.work = true;  // no kick: it is being polled
  add(source);         // replaces itself
  EXPECT_EQ(source.ends, 1);
  EXPECT_TRUE(context.poll(true));
  EXPECT_EQ(source.readies, 2);
  remove(source);
}

TEST_P(PollWindowTest, APollFunctionThatRemovesItsHandlerIsItsLastCall) {
  Source source;
  add(source);
  struct State {
    aio::Context* context;
    int fd;
    int polls = 0;
  } state{&context, source.kick.fd()};
  aio::FdCallbacks callbacks;
  callbacks.io_poll = [](void* p) {
    auto* self = static_cast<State*>(p);
    ++self->polls;
    self->context->remove_fd_handler(self->fd);
    return true;
  };
  callbacks.io_poll_ready = [](void*) { ADD_FAILURE(); };
  callbacks.opaque = &state;
  context.set_event_notifier(source.kick, callbacks);
  context.poll(false);
  context.poll(false);
  EXPECT_EQ(state.polls, 1);
}

TEST_P(PollWindowTest, AHandlerEarnsItsTime) {
  context.set_poll_parameters({.max = hour, .grow = 3});
  Source source;
  add(source);
  const int fd = source.kick.fd();
  EXPECT_EQ(context.handler_poll_ns(fd), 0);
  source.kick.set();
  context.poll(true);
  EXPECT_EQ(context.handler_poll_ns(fd), 4'000);
  make_ready_to_poll();
  source.slow_ns = 50'000;
  source.work = true;
  context.poll(true);
  EXPECT_EQ(context.handler_poll_ns(fd), 12'000);
  source.work = true;
  context.poll(true);
  EXPECT_EQ(context.handler_poll_ns(fd), 36'000);
  add(source);  // a new handler begins anew
  EXPECT_EQ(context.handler_poll_ns(fd), 0);
  remove(source);
  EXPECT_EQ(context.handler_poll_ns(fd), 0);
}

TEST_P(PollWindowTest, NewParametersTakeEveryTimeAwayAndWakeTheLoop) {
  Source source;
  add_polled(source);
  make_polling_last(source);
  context.poll(false);
  std::thread([&] { context.set_poll_max_ns(long_enough_ns); }).join();
  EXPECT_EQ(context.poll_parameters().grow, 4'000'000'000);
  EXPECT_EQ(context.handler_poll_ns(source.kick.fd()), 0);
  EXPECT_FALSE(context.poll(true));
  remove(source);
}

TEST_P(PollWindowTest, WhoIsWaitedForLongerThanTheMaximumEarnsNothing) {
  context.set_poll_parameters({.max = std::chrono::nanoseconds(1)});
  Source source;
  add_polled(source);
  EXPECT_EQ(context.handler_poll_ns(source.kick.fd()), 0);
  remove(source);
}

TEST_P(PollWindowTest, TheLoopPollsForTheLongestTime) {
  Source busy;
  Source seldom;
  add_polled(busy);
  make_polling_last(busy);
  add_polled(seldom);
  std::int64_t limit_ns = 0;
  const aio::TraceSink sink{[](void* p, const aio::TraceEvent& event) {
                              if (event.kind == aio::TraceKind::poll_begin) {
                                *static_cast<std::int64_t*>(p) = event.ns;
                              }
                            },
                            &limit_ns};
  aio::set_trace_sink(&sink);
  seldom.work = true;
  EXPECT_TRUE(context.poll(true));
  EXPECT_EQ(limit_ns, long_enough_ns);
  remove(busy);
  make_ready_to_poll();
  const std::int64_t worth_ns = context.handler_poll_ns(seldom.kick.fd());
  EXPECT_GE(worth_ns, 4'000);
  seldom.work = true;
  EXPECT_TRUE(context.poll(true));
  EXPECT_EQ(limit_ns, worth_ns);
  aio::set_trace_sink(nullptr);
  remove(seldom);
}

}  // namespace
}  // namespace aio_test
