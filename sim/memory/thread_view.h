// What one thread knows: its place in the happens-before order.
#pragma once

#include <algorithm>
#include <cstdint>

#include "memory/memory.h"

namespace aiosim::memory {

struct ThreadView {
  VectorClock clock;             // of the thread's current operation
  std::uint32_t fence = 0;       // the last seq_cst fence that happens before it, 0 if none
  std::uint32_t operations = 0;  // atomics and synchronisations so far: names its reads and stores
  std::uint8_t spurious_failures = 0;  // of weak compare-exchanges, in a row
  bool newest_next = false;      // the next load reads the newest store
  bool has_acquired = false;
  bool has_released = false;
  Message acquired;  // what relaxed reads saw: an acquire fence takes it over
  Message released;  // what the last release fence published: relaxed stores carry it

  void reset() {
    clock.clear();
    fence = 0;
    operations = 0;
    spurious_failures = 0;
    newest_next = false;
    has_acquired = false;
    has_released = false;
  }

  void acquire(const Message& message) { acquire(message.clock, message.fence); }
  void acquire(const VectorClock& from, std::uint32_t from_fence) {
    clock.join(from);
    fence = std::max(fence, from_fence);
  }
  /// For a later acquire fence.
  void remember(const Message& message) {
    if (!has_acquired) {
      acquired = message;
      has_acquired = true;
      return;
    }
    acquired.clock.join(message.clock);
    acquired.fence = std::max(acquired.fence, message.fence);
  }
  bool happens_before_me(std::uint32_t thread, std::uint32_t epoch) const {
    return epoch <= clock[thread];
  }
  /// What follows a release must not look as if it were released too.
  void tick(std::uint32_t thread) { clock.set(thread, clock[thread] + 1); }
};

/// Memory orders as the ABI numbers them. A consume is an acquire, as in every compiler.
enum Order : int { relaxed, consume, acquire, release, acq_rel, seq_cst };

/// GCC sets bits above the order for __sync_* and lock elision.
inline int order_of(int abi) {
  const int order = abi & 0x7fff;
  return order > seq_cst ? seq_cst : order;
}
inline bool acquires(int order) {
  return order == consume || order == acquire || order == acq_rel || order == seq_cst;
}
inline bool releases(int order) { return order >= release; }
const char* order_name(int order);

}  // namespace aiosim::memory
