// What the tests of busy polling share.
#pragma once

#include <atomic>
#include <thread>
#include <utility>

#include "aio/trace.h"
#include "support.h"

namespace aio_test {
namespace {

constexpr std::chrono::nanoseconds hour = std::chrono::hours(1);
constexpr std::int64_t long_enough_ns = hour.count();  // no poll takes that long

/// A pollable source: a flag next to an event fd, as a virtqueue is next to its kick.
struct Source {
  aio::EventNotifier kick;
  bool work = false;  // home thread
  int polls = 0;
  int readies = 0;
  int reads = 0;
  int begins = 0;
  int ends = 0;
  std::int64_t slow_ns = 0;  // a look takes that long
  Action on_read = [] {};
  Action on_ready = [] {};
  Action on_end = [] {};

  aio::FdCallbacks callbacks() {
    aio::FdCallbacks result;
    result.io_read = [](void* p) {
      auto* self = static_cast<Source*>(p);
      self->kick.test_and_clear();
      ++self->reads;
      self->work = false;
      self->on_read();
    };
    result.io_poll = [](void* p) {
      auto* self = static_cast<Source*>(p);
      ++self->polls;
      for (const std::int64_t end = aio::now_ns() + self->slow_ns; aio::now_ns() < end;) {
      }
      return self->work;
    };
    result.io_poll_ready = [](void* p) {
      auto* self = static_cast<Source*>(p);
      ++self->readies;
      self->on_ready();
      self->work = false;
    };
    result.io_poll_begin = [](void* p) { ++static_cast<Source*>(p)->begins; };
    result.io_poll_end = [](void* p) {
      ++static_cast<Source*>(p)->ends;
      static_cast<Source*>(p)->on_end();
    };
    result.opaque = this;
    return result;
  }
};

class PollWindowTest : public EachMonitor {
 protected:
  void add(Source& source) { context.set_event_notifier(source.kick, source.callbacks()); }
  void remove(Source& source) { context.remove_fd_handler(source.kick.fd()); }

  /// Adds the source and has it dispatched once, so that it is on the polling list, with 4,000 ns
  /// if that is not too long.
  void add_polled(Source& source) {
    add(source);
    source.kick.set();
    EXPECT_TRUE(context.poll(true));
    EXPECT_EQ(source.reads, 1);
    make_ready_to_poll();
  }

  /// The kernel is told of every change: io_uring does not poll busily before (R58).
  void make_ready_to_poll() {
    context.poll(false);
    context.poll(false);
  }

  /// Polls until the loop has slept, which a timer ends, after it had polled for the source.
  void sleep_until_polling_ended(const Source& source) {
    aio::Timer timer(
        context, [](void*) {}, nullptr);
    for (const int before = source.ends; source.ends == before;) {
      timer.arm_after(1'000'000);
      context.poll(false);  // takes the timer's notification
      context.poll(true);
    }
  }

  /// Busy polling for the source, which is polled, lasts an hour from now on.
  void make_polling_last(Source& source) {
    context.set_poll_parameters({.max = hour, .grow = 4'000'000'000});
    source.kick.set();
    EXPECT_TRUE(context.poll(true));
    make_ready_to_poll();
    source.slow_ns = 10'000;
    source.work = true;
    EXPECT_TRUE(context.poll(true));  // longer than 4,000 ns, but not than an hour
    source.slow_ns = 0;
    EXPECT_EQ(context.handler_poll_ns(source.kick.fd()), hour.count());
  }
};

}  // namespace
}  // namespace aio_test
