// Life: a context on every monitor at once, from being made to being destroyed, under one plan of
// faults; and the account of it.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "soak/memory.h"
#include "soak/users.h"

namespace soak {

struct LifePlan {
  std::uint64_t seed = 0;
  std::string faults;
  int batches = 1;  ///< of work; between them everything is at rest
  int steps = 100;  ///< of each user in a batch
  Plant plant = Plant::none;
};

/// What monitors wait with.
inline constexpr std::array<const char*, 3> mechanisms = {"ppoll", "epoll", "io_uring"};

/// What a monitor came to, over all its lives.
struct Account {
  std::uint64_t lives = 0;
  std::array<std::uint64_t, 3> ended_as{};  ///< lives that ended on mechanisms[i]
  std::uint64_t refused = 0;                ///< set-ups that failed for want of an fd
  std::array<std::uint64_t, kind_count> kept{};
  std::uint64_t causes = 0;
  std::uint64_t polls = 0;
  std::uint64_t sleeps = 0;
  std::int64_t idle_wall_ns = 0;
  std::int64_t idle_cpu_ns = 0;
};

/// Lives it, adds to `accounts` (one a monitor), calls `rested` between batches (returns whether to
/// go on). Ends the process if anything was lost, done twice, leaked, or spun.
void live(const LifePlan& plan, std::vector<Account>& accounts,
          const std::function<bool()>& rested);

}  // namespace soak
