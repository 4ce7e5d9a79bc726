// This project's loop with bottom halves as they were before 2020: all that exist on one list,
// which every iteration walks twice, once for the timeout and once to run what is scheduled.
#pragma once

#include <atomic>

#include "adapters/aio.h"
#include "aio/context.h"

namespace bench {

class WalkLoop {
 public:
  static constexpr const char* name = "aio-walk";

  void poll() {
    (void)any_scheduled();
    context_.poll(false);
    run();
  }
  void wait() {
    context_.poll(!any_scheduled());
    run();
  }
  void settle() {}

  class Task {
   public:
    Task(WalkLoop& loop, Callback callback, void* opaque)
        : loop_(loop), callback_(callback), opaque_(opaque), next_(loop.first_) {
      if (next_ != nullptr) next_->back_ = &next_;
      loop.first_ = this;
      back_ = &loop.first_;
    }
    ~Task() {
      *back_ = next_;
      if (next_ != nullptr) next_->back_ = back_;
    }
    Task(const Task&) = delete;
    Task& operator=(const Task&) = delete;

    void schedule() {
      if (!scheduled_.exchange(true)) loop_.context_.notify();
    }

   private:
    friend class WalkLoop;
    WalkLoop& loop_;
    Callback callback_;
    void* opaque_;
    std::atomic<bool> scheduled_{false};
    Task* next_;
    Task** back_;
  };

 private:
  [[nodiscard]] bool any_scheduled() const {
    for (const Task* task = first_; task != nullptr; task = task->next_) {
      if (task->scheduled_.load(std::memory_order_relaxed)) return true;
    }
    return false;
  }

  void run() {
    for (Task* task = first_; task != nullptr; task = task->next_) {
      if (task->scheduled_.load(std::memory_order_relaxed) && task->scheduled_.exchange(false)) {
        task->callback_(task->opaque_);
      }
    }
  }

  static aio::ContextOptions options() {
    aio::ContextOptions result;
    result.monitor = aio::Monitor::epoll;
    result.poll_max_ns = 0;
    return result;
  }

  aio::Context context_{options()};
  Task* first_ = nullptr;
};

}  // namespace bench
