// libevent, with locks, as a task may be asked for by any thread: event_active() of an event
// without an fd.
#pragma once

#include <event2/event.h>
#include <event2/thread.h>

#include <cstdint>

#include "adapters/aio.h"
#include "adapters/check.h"

namespace bench {

class LibeventLoop {
 public:
  static constexpr const char* name = "libevent";

  LibeventLoop() {
    static const int threads = evthread_use_pthreads();
    BENCH_CHECK(threads == 0);
    base_ = event_base_new();
    BENCH_CHECK(base_ != nullptr);
    BENCH_CHECK(evthread_make_base_notifiable(base_) == 0);
  }
  ~LibeventLoop() { event_base_free(base_); }
  LibeventLoop(const LibeventLoop&) = delete;
  LibeventLoop& operator=(const LibeventLoop&) = delete;

  void poll() { event_base_loop(base_, EVLOOP_NONBLOCK | EVLOOP_NO_EXIT_ON_EMPTY); }
  void wait() { event_base_loop(base_, EVLOOP_ONCE | EVLOOP_NO_EXIT_ON_EMPTY); }
  void settle() {}

  /// An event, of an fd or of none.
  class Event {
   public:
    Event(LibeventLoop& loop, int fd, short what, Callback callback, void* opaque)
        : callback_(callback), opaque_(opaque) {
      const event_callback_fn call = [](evutil_socket_t, short, void* self) {
        static_cast<Event*>(self)->callback_(static_cast<Event*>(self)->opaque_);
      };
      event_ = event_new(loop.base_, fd, what, call, this);
      BENCH_CHECK(event_ != nullptr);
    }
    ~Event() { event_free(event_); }
    Event(const Event&) = delete;
    Event& operator=(const Event&) = delete;

   protected:
    event* event_ = nullptr;

   private:
    const Callback callback_;
    void* const opaque_;
  };

  class Task : public Event {
   public:
    Task(LibeventLoop& loop, Callback callback, void* opaque)
        : Event(loop, -1, 0, callback, opaque) {}
    void schedule() { event_active(event_, 0, 0); }
  };

  class Timer : public Event {
   public:
    Timer(LibeventLoop& loop, Callback callback, void* opaque)
        : Event(loop, -1, 0, callback, opaque) {}
    void start(std::int64_t delay_ns) {
      const timeval delay{delay_ns / 1'000'000'000, delay_ns / 1000 % 1'000'000};
      BENCH_CHECK(event_add(event_, &delay) == 0);
    }
    void cancel() { event_del(event_); }
  };

  class Watch : public Event {
   public:
    Watch(LibeventLoop& loop, int fd, Callback callback, void* opaque)
        : Event(loop, fd, EV_READ | EV_PERSIST, callback, opaque) {
      BENCH_CHECK(event_add(event_, nullptr) == 0);
    }
  };

 private:
  event_base* base_ = nullptr;
};

}  // namespace bench
