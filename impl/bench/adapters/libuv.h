// libuv. A task is a uv_async_t: uv_async_send() is the one call that any thread may make.
#pragma once

#include <uv.h>

#include <cstdint>

#include "adapters/aio.h"
#include "adapters/check.h"

namespace bench {

/// A handle of libuv; it lives until its close callback, which a later iteration makes.
template <class Handle>
class UvHandle {
 public:
  UvHandle(Callback wanted, void* argument) : callback(wanted), opaque(argument) {}
  void close() {
    handle.data = this;
    uv_close(reinterpret_cast<uv_handle_t*>(&handle),
             [](uv_handle_t* closed) { delete static_cast<UvHandle*>(closed->data); });
  }
  template <class... Status>
  static void call(Handle* handle, Status...) {
    auto* self = static_cast<UvHandle*>(handle->data);
    self->callback(self->opaque);
  }

  Handle handle{};
  const Callback callback;
  void* const opaque;
};

class UvLoop {
 public:
  static constexpr const char* name = "libuv";

  UvLoop() { BENCH_CHECK(uv_loop_init(&loop_) == 0); }
  ~UvLoop() {
    uv_run(&loop_, UV_RUN_DEFAULT);
    BENCH_CHECK(uv_loop_close(&loop_) == 0);
  }
  UvLoop(const UvLoop&) = delete;
  UvLoop& operator=(const UvLoop&) = delete;

  void poll() { uv_run(&loop_, UV_RUN_NOWAIT); }
  void wait() { uv_run(&loop_, UV_RUN_ONCE); }
  void settle() { poll(); }  // close callbacks

  class Task {
   public:
    Task(UvLoop& loop, Callback callback, void* opaque) : async_(new Async(callback, opaque)) {
      BENCH_CHECK(uv_async_init(&loop.loop_, &async_->handle, Async::call<>) == 0);
      async_->handle.data = async_;
    }
    ~Task() { async_->close(); }
    Task(const Task&) = delete;
    Task& operator=(const Task&) = delete;
    void schedule() { uv_async_send(&async_->handle); }

   private:
    using Async = UvHandle<uv_async_t>;
    Async* async_;
  };

  class Timer {
   public:
    Timer(UvLoop& loop, Callback callback, void* opaque) : timer_(new Handle(callback, opaque)) {
      BENCH_CHECK(uv_timer_init(&loop.loop_, &timer_->handle) == 0);
      timer_->handle.data = timer_;
    }
    ~Timer() { timer_->close(); }
    Timer(const Timer&) = delete;
    Timer& operator=(const Timer&) = delete;
    void start(std::int64_t delay_ns) {
      uv_timer_start(&timer_->handle, Handle::call<>,
                     static_cast<std::uint64_t>(delay_ns) / 1000000, 0);
    }
    void cancel() { uv_timer_stop(&timer_->handle); }

   private:
    using Handle = UvHandle<uv_timer_t>;
    Handle* timer_;
  };

  class Watch {
   public:
    Watch(UvLoop& loop, int fd, Callback callback, void* opaque)
        : poll_(new Poll(callback, opaque)) {
      BENCH_CHECK(uv_poll_init(&loop.loop_, &poll_->handle, fd) == 0);
      poll_->handle.data = poll_;
      BENCH_CHECK(uv_poll_start(&poll_->handle, UV_READABLE, Poll::call<int, int>) == 0);
    }
    ~Watch() { poll_->close(); }
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;

   private:
    using Poll = UvHandle<uv_poll_t>;
    Poll* poll_;
  };

 private:
  uv_loop_t loop_{};
};

}  // namespace bench
