// What the libc interposers share: results the libc way, and calls that a world does not have.
#pragma once

#include <cerrno>
#include <string>

#include "kernel/kernel.h"
#include "runtime/heap.h"
#include "runtime/live_frames.h"
#include "runtime/world.h"

namespace aiosim::runtime {

#define CALLER AIOSIM_ENTRY

/// -errno to -1 and errno.
template <typename Result>
Result libc_result(Result result) {
  if (result >= 0) return result;
  errno = static_cast<int>(-result);
  return -1;
}

/// `what` names the call, as in "socket()".
[[noreturn]] inline void not_simulated(const std::string& what) {
  const RuntimeScope scope;
  world().fail(VerdictKind::crash, what + " is not simulated");
}

/// A point at which others go first: what is tried again and again must not keep them from running.
inline void give_way(const char* operation, Object object, const void* pc) {
  World& w = world();
  w.self().yielded = true;
  w.point(operation, object, pc);
  w.self().yielded = false;
}

inline constexpr std::int64_t second_ns = 1'000'000'000;

inline bool is_valid(const timespec& time) {
  return time.tv_sec >= 0 && time.tv_nsec >= 0 && time.tv_nsec < second_ns;
}

/// Absolute times may lie before the clock's start.
inline bool is_valid_ns(const timespec& time) {
  return time.tv_nsec >= 0 && time.tv_nsec < second_ns;
}

/// Saturates far from overflow: sums with the clock stay in range.
inline std::int64_t to_ns(const timespec& time) {
  constexpr std::int64_t most_s = INT64_MAX / 4 / second_ns;
  return (time.tv_sec < most_s ? time.tv_sec : most_s) * second_ns + time.tv_nsec;
}

/// What CLOCK_MONOTONIC says when `clock` says `at`; the past if that was before the world.
inline std::int64_t monotonic_ns(const timespec& at, clockid_t clock) {
  if (at.tv_sec < 0) return 0;
  const std::int64_t offset_ns = clock == CLOCK_REALTIME ? world().realtime_offset_ns() : 0;
  const std::int64_t ns = to_ns(at) - offset_ns;
  return ns > 0 ? ns : 0;
}

/// Locks, conditions, semaphores and joins know these two (pthread_mutex_clocklock(3)).
inline bool is_waiting_clock(clockid_t clock) {
  return clock == CLOCK_REALTIME || clock == CLOCK_MONOTONIC;
}

}  // namespace aiosim::runtime
