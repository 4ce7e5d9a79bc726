// Counters: what a context has done since it was made.
//
//   any thread      reading
//   home thread     everything that counts
//
// Written by plain stores of relaxed atomics, one writer: counting costs neither a system call nor
// a locked instruction. A reader sees each figure as it was a moment ago, not all at one moment.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

namespace aio {

/// Figures since the context was made.
struct Counters {
  std::uint64_t polls = 0;               ///< iterations of the loop, nested ones too
  std::uint64_t sleeps = 0;              ///< waits in the kernel that were allowed to block
  std::uint64_t wakeups = 0;             ///< times that the event fd was found set
  std::uint64_t event_fd_writes = 0;     ///< of notify(), as far as they have been read back
  std::uint64_t bottom_halves = 0;       ///< called
  std::chrono::nanoseconds polling{0};   ///< in busy polling
  std::chrono::nanoseconds sleeping{0};  ///< in those waits, if ContextOptions::measure_sleeps
};

/// One figure: counted by one thread, read by any.
class Counter {
 public:
  void add(std::uint64_t more) {
    value_.store(value_.load(std::memory_order_relaxed) + more, std::memory_order_relaxed);
  }
  void add_ns(std::int64_t ns) { add(static_cast<std::uint64_t>(ns)); }
  [[nodiscard]] std::uint64_t get() const { return value_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::chrono::nanoseconds get_ns() const { return std::chrono::nanoseconds(get()); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

/// Those of a context.
struct LiveCounters {
  Counter polls;
  Counter sleeps;
  Counter wakeups;
  Counter event_fd_writes;
  Counter bottom_halves;
  Counter polling_ns;
  Counter sleeping_ns;

  [[nodiscard]] Counters get() const {
    return {.polls = polls.get(),
            .sleeps = sleeps.get(),
            .wakeups = wakeups.get(),
            .event_fd_writes = event_fd_writes.get(),
            .bottom_halves = bottom_halves.get(),
            .polling = polling_ns.get_ns(),
            .sleeping = sleeping_ns.get_ns()};
  }
};

}  // namespace aio
