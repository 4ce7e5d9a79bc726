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
  /// Clock and fence but for the thread's own epoch; null once they have changed.
  const Message* known = nullptr;
  Message acquired;  // what relaxed reads saw: an acquire fence takes it over
  Release released;  // what the last release fence published: relaxed stores carry it

  void reset() {
    clock.clear();
    fence = 0;
    operations = 0;
    spurious_failures = 0;
    newest_next = false;
    has_acquired = false;
    known = nullptr;
    released = {};
  }

  void acquire(const Message& message) { acquire(message.clock, message.fence); }
  void acquire(const VectorClock& from, std::uint32_t from_fence) {
    if (clock.join(from) || from_fence > fence) known = nullptr;
    fence = std::max(fence, from_fence);
  }
  void acquire(const Release& from) {
    acquire(*from.message);
    if (clock.raise(from.thread, from.epoch)) known = nullptr;
  }
  /// For a later acquire fence.
  void remember(const Release& from) {
    if (!has_acquired) {
      acquired = *from.message;
      has_acquired = true;
    } else {
      acquired.clock.join(from.message->clock);
      acquired.fence = std::max(acquired.fence, from.message->fence);
    }
    acquired.clock.raise(from.thread, from.epoch);
  }
  bool knows(const Release& of) const {
    return of.is_clock && happens_before_me(of.thread, of.epoch);
  }
  bool happens_before_me(std::uint32_t thread, std::uint32_t epoch) const {
    return epoch <= clock[thread];
  }
  /// What follows a release must not look as if it were released too.
  void tick(std::uint32_t thread) { clock.advance(thread); }
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
