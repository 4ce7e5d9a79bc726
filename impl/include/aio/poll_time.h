// PollTime: for how long busy polling is worth it, handler by handler (R64).
//
//   any thread      set(), set_max(), parameters()
//   home thread     take_over(), max_ns(), adjusted()
//
// A handler's time begins at 0. Each time the handler was ready, the time that the poll took until
// then says whether polling longer would have found it without a sleep:
//
//     found within its time ------------------> stays
//     slept, but not longer than the maximum --> grows: 4,000 ns, then times `grow`
//     slept for longer than the maximum -------> shrinks: divided by `shrink`, or to 0
//
// Barriers: the mutex orders the parameters; changed_ only says that a look is worth it, and what
// home misses now it sees after the next accept() (set() is followed by a notify()).
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>

namespace aio {

/// How a context polls busily before it sleeps.
struct PollParameters {
  std::chrono::nanoseconds max{0};  ///< at most, before each sleep; 0 or less: no busy polling
  std::uint32_t grow = 0;           ///< factor by which a time grows; 0 means 2
  std::uint32_t shrink = 0;         ///< divisor by which it shrinks; 0: to nothing at once
};

class PollTime {
 public:
  explicit PollTime(const PollParameters& parameters) : current_(parameters), wanted_(parameters) {}
  PollTime(const PollTime&) = delete;
  PollTime& operator=(const PollTime&) = delete;

  /// In force from the home thread's next take_over(). Any thread; the caller notifies.
  void set(const PollParameters& parameters);
  void set_max(std::chrono::nanoseconds max);

  /// What was set last. Any thread.
  [[nodiscard]] PollParameters parameters() const;

  /// Puts in force what set() said; true iff it was called since: every handler's time is then to
  /// begin at 0 again. Home thread.
  bool take_over();

  /// The maximum in force, in ns; never negative. Home thread.
  [[nodiscard]] std::int64_t max_ns() const {
    return current_.max.count() > 0 ? current_.max.count() : 0;
  }

  /// The time, in ns, of a handler that had `poll_ns` and was ready `block_ns` after the poll had
  /// begun, busy polling included (R64). Home thread.
  [[nodiscard]] std::int64_t adjusted(std::int64_t poll_ns, std::int64_t block_ns) const;

 private:
  PollParameters current_;  // home thread
  std::atomic<bool> changed_{false};
  mutable std::mutex mutex_;
  PollParameters wanted_;  // under the mutex
};

}  // namespace aio
