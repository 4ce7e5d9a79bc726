// What happened in a run of parts, in one order for all threads.
//
// Written as harness by simulated or real threads alike. One relaxed counter gives each event its
// place and orders nothing else: on real threads it adds no synchronisation that the code under
// test does not have. Read it when every thread has been joined.
#pragma once

#include <pthread.h>

#include <atomic>
#include <cstdint>
#include <vector>

#include "aiosim/observe.h"

namespace properties {

template <typename What>
struct Event {
  What what{};
  int index = 0;
  std::int64_t a = 0;
  std::int64_t b = 0;
  std::uint64_t thread = 0;
  std::int64_t time_ns = 0;
};

template <typename What>
class Log {
 public:
  void reset() { used_.store(0, std::memory_order_relaxed); }

  void add(What what, int index = 0, std::int64_t a = 0, std::int64_t b = 0) {
    const std::size_t at = used_.fetch_add(1, std::memory_order_relaxed);
    if (at < events_.size()) events_[at] = {what, index, a, b, who(), aiosim::now_ns()};
  }

  /// More was said than there is room for: programs are too short for that.
  bool full() const { return used_.load(std::memory_order_relaxed) > events_.size(); }

  std::vector<Event<What>> events() const {
    const auto used = static_cast<std::ptrdiff_t>(used_.load(std::memory_order_relaxed));
    return {events_.begin(), events_.begin() + used};
  }

 private:
  /// A thread that was joined may have lent its pthread_t to another.
  static std::uint64_t who() {
    return aiosim::in_world() ? aiosim::thread_index() : pthread_self();
  }

  static constexpr std::size_t most_events = 4'096;
  std::vector<Event<What>> events_ = std::vector<Event<What>>(most_events);
  std::atomic<std::size_t> used_{0};
};

}  // namespace properties
