// What the libc interposers share: results the libc way, and calls that a world does not have.
#pragma once

#include <cerrno>
#include <string>

#include "kernel/kernel.h"
#include "runtime/heap.h"
#include "runtime/world.h"

namespace aiosim::runtime {

#define CALLER __builtin_return_address(0)

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

inline constexpr std::int64_t second_ns = 1'000'000'000;

inline bool is_valid(const timespec& time) {
  return time.tv_sec >= 0 && time.tv_nsec >= 0 && time.tv_nsec < second_ns;
}

/// Saturates far from overflow: sums with the clock stay in range.
inline std::int64_t to_ns(const timespec& time) {
  constexpr std::int64_t most_s = INT64_MAX / 4 / second_ns;
  return (time.tv_sec < most_s ? time.tv_sec : most_s) * second_ns + time.tv_nsec;
}

}  // namespace aiosim::runtime
