// Asio (stand-alone). A task is a posted handler; nothing of it exists between two calls.
#pragma once

#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>

#include "adapters/aio.h"

namespace bench {

class AsioLoop {
 public:
  static constexpr const char* name = "asio";

  void poll() { context_.poll(); }
  void wait() { context_.run_one(); }
  void settle() { context_.poll(); }  // the handlers of what was cancelled

  class Task {
   public:
    Task(AsioLoop& loop, Callback callback, void* opaque)
        : loop_(loop), callback_(callback), opaque_(opaque) {}
    void schedule() {
      asio::post(loop_.context_, [this] { callback_(opaque_); });
    }

   private:
    AsioLoop& loop_;
    const Callback callback_;
    void* const opaque_;
  };

  class Timer {
   public:
    Timer(AsioLoop& loop, Callback callback, void* opaque)
        : timer_(loop.context_), callback_(callback), opaque_(opaque) {}
    void start(std::int64_t delay_ns) {
      timer_.expires_after(std::chrono::nanoseconds(delay_ns));
      timer_.async_wait([this](asio::error_code error) {
        if (!error) callback_(opaque_);
      });
    }
    void cancel() { timer_.cancel(); }

   private:
    asio::steady_timer timer_;
    const Callback callback_;
    void* const opaque_;
  };

  class Watch {
   public:
    Watch(AsioLoop& loop, int fd, Callback callback, void* opaque)
        : descriptor_(loop.context_, fd), callback_(callback), opaque_(opaque) {
      wait();
    }
    ~Watch() { descriptor_.release(); }  // the fd is the row's
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;

   private:
    void wait() {
      descriptor_.async_wait(asio::posix::stream_descriptor::wait_read,
                             [this](asio::error_code error) {
                               if (error) return;  // and *this may be gone
                               callback_(opaque_);
                               wait();
                             });
    }

    asio::posix::stream_descriptor descriptor_;
    const Callback callback_;
    void* const opaque_;
  };

 private:
  asio::io_context context_;
  asio::executor_work_guard<asio::io_context::executor_type> work_{context_.get_executor()};
};

}  // namespace bench
