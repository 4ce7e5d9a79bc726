// A small event loop: bottom halves, file descriptors with ppoll, timers, an eventfd to wake it.
#pragma once
#include <poll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace mini {

using Callback = void (*)(void*);

class Loop;

struct Bh {
  static constexpr unsigned pending = 1, scheduled = 2, idle = 4, deleted = 8, oneshot = 16;
  Loop* loop;
  Callback callback;
  void* opaque;
  std::atomic<unsigned> flags{0};
  Bh* next = nullptr;
};

struct Handler {
  Handler(int number, Callback on_read, Callback on_write, void* context)
      : fd(number), read(on_read), write(on_write), opaque(context) {}

  int fd;
  Callback read, write;
  void* opaque;
  std::atomic<bool> alive{true};
  short revents = 0;  // home thread
};

struct Timer {
  Callback callback;
  void* opaque;
  std::int64_t deadline = 0;
  std::uint64_t number = 0;  // 0: not armed
};

inline std::int64_t now_ns() {
  timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1'000'000'000LL + t.tv_nsec;
}

class Loop {
 public:
  explicit Loop(int event_fd) : event_fd_(event_fd) {}
  ~Loop() {
    while (Bh* bh = incoming_.load()) {
      incoming_ = bh->next;
      if (!(bh->flags & (Bh::deleted | Bh::oneshot))) std::abort();
      delete bh;
    }
    close(event_fd_);
  }

  // Any thread. Work was published before.
  void notify() {
    notified_.exchange(true);
    if (sleeping_.load()) {
      std::uint64_t one = 1;
      while (write(event_fd_, &one, sizeof one) < 0 && errno == EINTR) {
      }
    }
  }

  void enqueue(Bh* bh, unsigned flags) {
    Loop* loop = bh->loop;  // the bh may be gone once it was pushed
    if (!(bh->flags.fetch_or(flags | Bh::pending) & Bh::pending)) {
      bh->next = loop->incoming_.load(std::memory_order_relaxed);
      while (!loop->incoming_.compare_exchange_weak(bh->next, bh, std::memory_order_release,
                                                    std::memory_order_relaxed)) {
      }
    }
    loop->notify();
  }

  void set_fd(int fd, Callback read, Callback write, void* opaque) {
    auto handler = std::make_shared<Handler>(fd, read, write, opaque);
    {
      std::lock_guard lock(mutex_);
      auto& place = handlers_[fd];
      if (place) place->alive = false;
      place = std::move(handler);
    }
    notify();
  }

  void remove_fd(int fd) {
    {
      std::lock_guard lock(mutex_);
      auto it = handlers_.find(fd);
      if (it == handlers_.end()) return;
      it->second->alive = false;
      handlers_.erase(it);
    }
    notify();
  }

  void arm(Timer* timer, std::int64_t deadline) {
    {
      std::lock_guard lock(mutex_);
      unlink(timer);
      timer->deadline = deadline;
      timer->number = ++timer_number_;
      timers_.emplace(std::pair(deadline, timer->number), timer);
    }
    notify();
  }

  void disarm(Timer* timer) {
    std::lock_guard lock(mutex_);
    unlink(timer);
  }

  // Home thread.
  bool poll(bool blocking) {
    std::int64_t deadline = blocking ? compute_deadline() : 0;
    std::vector<pollfd> fds{{event_fd_, POLLIN, 0}};
    std::vector<std::shared_ptr<Handler>> watched;
    {
      std::lock_guard lock(mutex_);
      for (auto& [fd, handler] : handlers_) {
        short events = (handler->read ? POLLIN : 0) | (handler->write ? POLLOUT : 0);
        if (!events) continue;
        fds.push_back({fd, events, 0});
        watched.push_back(handler);
      }
    }
    if (deadline != 0) {
      sleeping_.store(true);
      if (notified_.load()) deadline = 0;
    }
    wait(fds, deadline);
    sleeping_.store(false, std::memory_order_release);
    notified_.exchange(false);
    if (fds[0].revents) {
      std::uint64_t count;
      while (read(event_fd_, &count, sizeof count) < 0 && errno == EINTR) {
      }
    }
    for (std::size_t i = 0; i < watched.size(); ++i)
      if (fds[i + 1].revents) watched[i]->revents = fds[i + 1].revents;

    bool progress = run_bottom_halves();
    for (auto& handler : watched) progress |= dispatch(*handler);
    progress |= run_timers();
    return progress;
  }

 private:
  struct Slice {
    Bh* head;
    Slice* next;
  };

  // -1: for ever, 0: at once, else a time.
  std::int64_t compute_deadline() {
    std::int64_t deadline = -1;
    auto look = [&](Bh* bh) {
      for (; bh; bh = bh->next) {
        unsigned flags = bh->flags.load();
        if (flags & Bh::deleted) continue;
        if (flags & Bh::scheduled) return true;
        if ((flags & Bh::idle) && deadline < 0) deadline = now_ns() + 10'000'000;
      }
      return false;
    };
    if (look(incoming_.load(std::memory_order_acquire))) return 0;
    for (Slice* slice = slices_; slice; slice = slice->next)
      if (look(slice->head)) return 0;
    std::lock_guard lock(mutex_);
    if (!timers_.empty()) {
      std::int64_t first = timers_.begin()->first.first;
      if (first <= now_ns()) return 0;
      if (deadline < 0 || first < deadline) deadline = first;
    }
    return deadline;
  }

  static void wait(std::vector<pollfd>& fds, std::int64_t deadline) {
    for (;;) {
      timespec t{};
      if (deadline > 0) {
        std::int64_t left = deadline - now_ns();
        if (left > 0) t = {left / 1'000'000'000, left % 1'000'000'000};
      }
      if (ppoll(fds.data(), fds.size(), deadline < 0 ? nullptr : &t, nullptr) >= 0) return;
      if (errno != EINTR) {
        for (auto& fd : fds) fd.revents = 0;
        return;
      }
    }
  }

  bool run_bottom_halves() {
    bool progress = false;
    Slice mine{incoming_.exchange(nullptr, std::memory_order_acquire), nullptr};
    Slice** end = &slices_;
    while (*end) end = &(*end)->next;
    *end = &mine;
    while (Slice* slice = slices_) {
      Bh* bh = slice->head;
      if (!bh) {
        slices_ = slice->next;
        continue;
      }
      slice->head = bh->next;
      unsigned old = bh->flags.fetch_and(~(Bh::pending | Bh::scheduled | Bh::idle));
      if (!(old & Bh::deleted) && (old & (Bh::scheduled | Bh::idle))) {
        progress |= (old & Bh::scheduled) != 0;
        bh->callback(bh->opaque);
      }
      if (old & (Bh::deleted | Bh::oneshot)) delete bh;
    }
    return progress;
  }

  bool dispatch(Handler& handler) {
    short revents = std::exchange(handler.revents, 0);
    bool progress = false;
    auto call = [&](Callback callback, short events) {
      if (!callback || !(revents & events) || !handler.alive) return;
      callback(handler.opaque);
      progress = true;
    };
    call(handler.read, POLLIN | POLLHUP | POLLERR);
    call(handler.write, POLLOUT | POLLERR);
    return progress;
  }

  bool run_timers() {
    bool progress = false;
    std::unique_lock lock(mutex_);
    const std::uint64_t last = timer_number_;  // what is armed from now on waits for the next poll
    const std::int64_t now = timers_.empty() ? 0 : now_ns();
    for (auto it = timers_.begin(); it != timers_.end() && it->first.first <= now;) {
      Timer* timer = it->second;
      if (timer->number > last) {
        ++it;
        continue;
      }
      unlink(timer);
      lock.unlock();
      timer->callback(timer->opaque);
      progress = true;
      lock.lock();
      it = timers_.begin();
    }
    return progress;
  }

  void unlink(Timer* timer) {
    if (timer->number) timers_.erase({timer->deadline, timer->number});
    timer->number = 0;
  }

  const int event_fd_;
  std::atomic<bool> notified_{false}, sleeping_{false};
  std::atomic<Bh*> incoming_{nullptr};
  Slice* slices_ = nullptr;
  std::mutex mutex_;
  std::map<int, std::shared_ptr<Handler>> handlers_;
  std::map<std::pair<std::int64_t, std::uint64_t>, Timer*> timers_;
  std::uint64_t timer_number_ = 0;
};

}  // namespace mini
