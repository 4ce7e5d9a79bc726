// The single order S of the seq_cst operations: the order in which they were executed.
//
// [atomics.order] p4 ties S to the coherence order through fences: a load may not read a store if
// something newer (a store after it, or a read of such a store) stands before the load in S, be it
// directly or by way of seq_cst fences that happen before or after. Fences get no happens-before
// among themselves: that would hide races. Instead two views are kept, see StoreHistory.
#pragma once

#include <cstdint>

#include "memory/pool.h"
#include "memory/thread_view.h"

namespace aiosim::memory {

class SeqCst {
 public:
  void reset() {
    number_ = 0;
    before_fences_.clear();
    fences_.reset();
  }

  /// The place in S of an operation that is executed now.
  std::uint32_t next() { return ++number_; }

  void fence(ThreadView& thread) {
    before_fences_.join(thread.clock);
    thread.fence = fences_.add();
    thread.known = nullptr;
    Fence& fence = fences_[thread.fence];
    fence.clock = before_fences_;
    fence.place = next();
  }

  /// Everything that happens before some fence executed so far.
  const VectorClock& before_fences() const { return before_fences_; }
  /// Everything that happens before `fence` or a fence that precedes it in S.
  const VectorClock& before(std::uint32_t fence) const { return fences_[fence].clock; }
  /// The place of `fence` in S.
  std::uint32_t place(std::uint32_t fence) const { return fences_[fence].place; }

 private:
  struct Fence {
    VectorClock clock;
    std::uint32_t place;
  };

  std::uint32_t number_ = 0;
  VectorClock before_fences_;
  Pool<Fence> fences_;
};

}  // namespace aiosim::memory
