// This project's loop, as the rows see it. Every adapter in this folder has the same shape:
//
//   name                             the subject's name in the table
//   poll()                           runs what is ready, does not wait
//   wait()                           the same, but sleeps until there is something
//   settle()                         what taking things back left to be done, if anything
//   Task(loop, callback, opaque)     a call that any thread may ask for: schedule()
//   Timer(loop, callback, opaque)    start(delay_ns), cancel()
//   Watch(loop, fd, callback, opaque)  while it lives, calls back when fd is readable
//
// A subject without one of the types has no rows of that kind.
#pragma once

#include <cstdint>

#include "aio/context.h"

namespace bench {

using Callback = void (*)(void*);

template <aio::Monitor monitor>
constexpr const char* aio_name() {
  if (monitor == aio::Monitor::ppoll) return "aio-ppoll";
  return monitor == aio::Monitor::epoll ? "aio-epoll" : "aio-io_uring";
}

template <aio::Monitor monitor>
class AioLoop {
 public:
  static constexpr const char* name = aio_name<monitor>();

  explicit AioLoop(std::int64_t poll_max_ns = 0) : context(options(poll_max_ns)) {}

  void poll() { context.poll(false); }
  void wait() { context.poll(true); }
  void settle() {}

  class Task {
   public:
    Task(AioLoop& loop, Callback callback, void* opaque)
        : bh_(loop.context.make_bh(callback, opaque)) {}
    void schedule() { bh_->schedule(); }

   private:
    aio::BottomHalfHandle bh_;
  };

  class Timer {
   public:
    Timer(AioLoop& loop, Callback callback, void* opaque)
        : timer_(loop.context, callback, opaque) {}
    void start(std::int64_t delay_ns) { timer_.arm_after(delay_ns); }
    void cancel() { timer_.cancel(); }

   private:
    aio::Timer timer_;
  };

  class Watch {
   public:
    Watch(AioLoop& loop, int fd, Callback callback, void* opaque) : loop_(loop), fd_(fd) {
      aio::FdCallbacks callbacks;
      callbacks.io_read = callback;
      callbacks.opaque = opaque;
      loop.context.set_fd_handler(fd, callbacks);
    }
    ~Watch() { loop_.context.remove_fd_handler(fd_); }
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;

   private:
    AioLoop& loop_;
    const int fd_;
  };

  aio::Context context;

 private:
  static aio::ContextOptions options(std::int64_t poll_max_ns) {
    aio::ContextOptions result;
    result.monitor = monitor;
    result.poll_max_ns = poll_max_ns;
    result.poll_grow = 1'000'000;  // to the most at once: adapting is not what is measured
    return result;
  }
};

}  // namespace bench
