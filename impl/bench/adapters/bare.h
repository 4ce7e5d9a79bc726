// No loop at all, the least that does the job: a multi-producer list for tasks in one thread or
// with a consumer that spins, and eventfd(2) with epoll(7) for fds and for a consumer that sleeps.
#pragma once

#include <sys/epoll.h>
#include <unistd.h>

#include <atomic>

#include "adapters/aio.h"
#include "adapters/check.h"
#include "aio/event_notifier.h"

namespace bench {

class BareList {
 public:
  static constexpr const char* name = "bare-list";

  void poll() {
    if (head_.load(std::memory_order_relaxed) == nullptr) return;
    Task* task = head_.exchange(nullptr, std::memory_order_acquire);
    while (task != nullptr) {
      Task* next = task->next_;  // from the call on it may be pushed again
      task->callback_(task->opaque_);
      task = next;
    }
  }
  void settle() {}

  class Task {
   public:
    Task(BareList& list, Callback callback, void* opaque)
        : list_(list), callback_(callback), opaque_(opaque) {}
    void schedule() {
      next_ = list_.head_.load(std::memory_order_relaxed);
      while (!list_.head_.compare_exchange_weak(next_, this, std::memory_order_release,
                                                std::memory_order_relaxed)) {
      }
    }

   private:
    friend class BareList;
    BareList& list_;
    const Callback callback_;
    void* const opaque_;
    Task* next_ = nullptr;
  };

 private:
  std::atomic<Task*> head_{nullptr};
};

class BareEpoll {
 public:
  static constexpr const char* name = "bare-epoll";

  BareEpoll() : fd_(epoll_create1(EPOLL_CLOEXEC)) { BENCH_CHECK(fd_ >= 0); }
  ~BareEpoll() { close(fd_); }
  BareEpoll(const BareEpoll&) = delete;
  BareEpoll& operator=(const BareEpoll&) = delete;

  void poll() { turn(0); }
  void wait() { turn(-1); }
  void settle() {}

  class Watch {
   public:
    Watch(BareEpoll& loop, int fd, Callback callback, void* opaque)
        : loop_(loop), fd_(fd), callback_(callback), opaque_(opaque) {
      epoll_event event{};
      event.events = EPOLLIN;
      event.data.ptr = this;
      BENCH_CHECK(epoll_ctl(loop_.fd_, EPOLL_CTL_ADD, fd_, &event) == 0);
    }
    ~Watch() { epoll_ctl(loop_.fd_, EPOLL_CTL_DEL, fd_, nullptr); }
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;
    void call() { callback_(opaque_); }

   private:
    BareEpoll& loop_;
    const int fd_;
    const Callback callback_;
    void* const opaque_;
  };

  class Task {
   public:
    Task(BareEpoll& loop, Callback callback, void* opaque)
        : callback_(callback), opaque_(opaque), watch_(loop, event_.fd(), run, this) {}
    void schedule() { event_.set(); }

   private:
    static void run(void* self) {
      auto* task = static_cast<Task*>(self);
      task->event_.test_and_clear();
      task->callback_(task->opaque_);
    }
    const Callback callback_;
    void* const opaque_;
    aio::EventNotifier event_;
    Watch watch_;
  };

 private:
  void turn(int timeout_ms) {
    epoll_event events[128];
    const int count = epoll_wait(fd_, events, 128, timeout_ms);
    for (int i = 0; i < count; ++i) static_cast<Watch*>(events[i].data.ptr)->call();
  }

  const int fd_;
};

}  // namespace bench
