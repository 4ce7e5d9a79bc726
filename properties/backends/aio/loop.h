// Our loop behind the interface of backends: over any context, and with one of its own.
#pragma once

#include <cstdint>

#include "aio/context.h"
#include "aio/timer.h"
#include "aio/trace.h"
#include "aio/wait.h"
#include "properties/backend.h"
#include "ring_requests.h"

#ifndef AIOSIM_UPGRADE
#define AIOSIM_UPGRADE 64
#endif

namespace {

inline aio::ContextOptions context_options(const properties::LoopOptions& options) {
  aio::ContextOptions out;
  out.monitor = aio::Monitor::AIOSIM_MONITOR;
  out.upgrade_threshold = AIOSIM_UPGRADE;
  out.ring_entries = 2;
  out.poll_max_ns = options.poll_max_ns;
  out.measure_sleeps = options.poll_max_ns != 0;  // else the clock is read for timers alone
  out.poll_grow = static_cast<std::uint32_t>(options.poll_grow);
  out.poll_shrink = static_cast<std::uint32_t>(options.poll_shrink);
  return out;
}

/// A loop over a context that somebody else owns.
class ContextLoop : public properties::Loop {
 public:
  explicit ContextLoop(aio::Context& context) : context_(context) {}

  aio::Context& context() { return context_; }

  bool poll(bool blocking) override { return context_.poll(blocking); }
  void set_poll_max(std::int64_t ns) override { context_.set_poll_max_ns(ns); }
  void notify() override { context_.notify(); }

  properties::Bh* new_bh(properties::Callback callback, void* opaque) override {
    return reinterpret_cast<properties::Bh*>(context_.new_bh(callback, opaque, "bh", &guard_));
  }
  void schedule(properties::Bh* bh) override { of(bh)->schedule(); }
  void schedule_idle(properties::Bh* bh) override { of(bh)->schedule_idle(); }
  void schedule_oneshot(properties::Callback callback, void* opaque) override {
    context_.schedule_oneshot(callback, opaque);
  }
  void cancel(properties::Bh* bh) override { of(bh)->cancel(); }
  void delete_bh(properties::Bh* bh) override { of(bh)->delete_(); }

  void set_fd_handler(int fd, const properties::FdCallbacks& callbacks, void* opaque) override {
    context_.set_fd_handler(fd, {callbacks.read, callbacks.write, callbacks.poll,
                                 callbacks.poll_ready, callbacks.begin, callbacks.end, opaque});
  }
  void remove_fd_handler(int fd) override { context_.remove_fd_handler(fd); }
  void set_poll_hooks(int fd, properties::Callback begin, properties::Callback end) override {
    context_.set_fd_poll_hooks(fd, begin, end);
  }

  properties::Timer* new_timer(properties::Callback callback, void* opaque) override {
    return reinterpret_cast<properties::Timer*>(new aio::Timer(context_, callback, opaque));
  }
  void arm_timer(properties::Timer* timer, std::int64_t deadline_ns) override {
    of(timer)->arm_at(aio::Timer::Clock::time_point(std::chrono::nanoseconds(deadline_ns)));
  }
  void disarm_timer(properties::Timer* timer) override { of(timer)->cancel(); }
  void free_timer(properties::Timer* timer) override { delete of(timer); }
  void hold_timers(bool hold) override { context_.timers().set_enabled(!hold); }

  void wait_while(properties::PollCallback condition, void* opaque) override {
    aio::wait_while(context_, [=] { return condition(opaque); });
  }
  void kick() override { aio::wait_kick(context_); }

  properties::RingHandle* new_request(const properties::RingOperation& operation,
                                      properties::RingCallback complete, void* opaque) override {
    return new_ring_request(operation, complete, opaque);
  }
  bool add_request(properties::RingHandle* request) override {
    return add_ring_request(context_, request);
  }
  bool in_bottom_half() override { return guard_.engaged; }

 private:
  static aio::BottomHalf* of(properties::Bh* bh) { return reinterpret_cast<aio::BottomHalf*>(bh); }
  static aio::Timer* of(properties::Timer* timer) { return reinterpret_cast<aio::Timer*>(timer); }

  aio::Context& context_;
  aio::ReentrancyGuard guard_;  // of all bottom halves: what is shared by them is told (R23)
};

/// With a context of its own, whose home is the thread that makes it.
class AioLoop final : public ContextLoop {
 public:
  explicit AioLoop(const properties::LoopOptions& options)
      : ContextLoop(own_),
        options_(options),
        sink_{on_trace, this},
        own_(context_options(options)) {
    own_.bind_home_thread();
    aio::set_trace_sink(&sink_);
  }
  ~AioLoop() override { aio::set_trace_sink(nullptr); }

 private:
  static void on_trace(void* opaque, const aio::TraceEvent& event) {
    const properties::LoopOptions& options = static_cast<AioLoop*>(opaque)->options_;
    using properties::PollingEvent;
    PollingEvent said{.ns = event.ns, .timeout_ns = event.timeout_ns, .fd = event.fd};
    said.was_ns = event.was_ns;
    said.block_ns = event.block_ns;
    switch (event.kind) {
      case aio::TraceKind::poll_begin:
        said.kind = PollingEvent::Kind::begin;
        break;
      case aio::TraceKind::poll_end:
        said.kind = PollingEvent::Kind::end;
        break;
      case aio::TraceKind::poll_time:
        said.kind = PollingEvent::Kind::time;
        break;
      default:
        return;
    }
    if (options.polling != nullptr) options.polling(options.opaque, said);
  }

  properties::LoopOptions options_;
  aio::TraceSink sink_;
  aio::Context own_;
};

}  // namespace
