// Arithmetic of timeouts: ns, negative for "for ever", 0 for "not at all" (R25, R28, R61).
#pragma once

#include <time.h>

#include <cstdint>
#include <limits>

namespace aio::detail {

inline constexpr std::int64_t infinite_ns = -1;
inline constexpr std::int64_t idle_bottom_half_ns = 10'000'000;  // R24

/// The smaller timeout. Compared as unsigned, -1 is the largest value there is.
constexpr std::int64_t sooner(std::int64_t a_ns, std::int64_t b_ns) {
  return static_cast<std::uint64_t>(a_ns) < static_cast<std::uint64_t>(b_ns) ? a_ns : b_ns;
}

/// What is left of a timeout after `elapsed_ns`; never below 0, and "for ever" stays.
constexpr std::int64_t remaining_ns(std::int64_t timeout_ns, std::int64_t elapsed_ns) {
  if (timeout_ns < 0) return infinite_ns;
  return elapsed_ns < timeout_ns ? timeout_ns - elapsed_ns : 0;
}

/// For poll(2): rounded up, so that a wait never ends before its time; capped.
constexpr int ns_to_ms(std::int64_t timeout_ns) {
  if (timeout_ns < 0) return -1;
  const std::int64_t ms = timeout_ns / 1'000'000 + (timeout_ns % 1'000'000 != 0 ? 1 : 0);
  constexpr std::int64_t most = std::numeric_limits<std::int32_t>::max();
  return static_cast<int>(ms < most ? ms : most);
}

/// For ppoll(2), of a timeout that is not negative; capped so that time_t cannot overflow.
constexpr timespec ns_to_timespec(std::int64_t timeout_ns) {
  constexpr std::int64_t most = std::numeric_limits<std::int32_t>::max();
  const std::int64_t seconds = timeout_ns / 1'000'000'000;
  timespec result{};
  result.tv_sec = static_cast<time_t>(seconds < most ? seconds : most);
  result.tv_nsec = static_cast<long>(timeout_ns % 1'000'000'000);
  return result;
}

}  // namespace aio::detail
