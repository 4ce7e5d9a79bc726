// Litmus tests: small programs whose outcomes tell what a memory model allows.
//
// A program is plain C++: it makes threads, joins them, and returns what its registers hold. The
// outcomes that the model allows are written beside it, with the reason. Rules are cited as
//
//   CoRR CoWR CoRW CoWW   coherence, [intro.races] p14-18
//   sw                    synchronizes-with: release and acquire operations, release sequences,
//                         fences ([atomics.fences]); hb is sequenced-before and sw, transitively
//   4.1 .. 4.4            what coherence-ordered-before (co) asks of S, [atomics.order] p4
//   RMW                   a read-modify-write reads the last store before its own, p10
//   E                     ours alone, stronger than C++20: sequenced-before, reads-from,
//                         modification order (mo) and S all agree with the order of execution
//
// An outcome that nothing forbids is allowed; that each is possible shows in the exhaustive search.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <span>
#include <thread>

namespace litmus {

/// What the registers hold at the end of one execution, in the order of the program's text.
class Registers {
 public:
  static constexpr std::size_t most = 8;

  template <class... Values>
  Registers(Values... values)  // NOLINT: a list of registers is what a program returns
      : values_{static_cast<int>(values)...}, count_(sizeof...(values)) {
    static_assert(sizeof...(values) <= most);
  }
  std::size_t count() const { return count_; }
  int operator[](std::size_t i) const { return values_[i]; }

 private:
  std::array<int, most> values_;
  std::size_t count_;
};

struct Program {
  const char* name;  // letters, digits and _
  Registers (*run)();
  /// Outcomes between blanks, a digit for each register; ? is 0 or 1. Those after "but" are taken
  /// away. The word "race" is an execution with a data race.
  const char* allowed;
  /// What C++20 allows besides, and this model does not.
  const char* stronger = "";
};

struct Family {
  const char* name;
  std::span<const Program> programs;
};

using std::memory_order;
inline constexpr memory_order rlx = std::memory_order_relaxed;
inline constexpr memory_order con = std::memory_order_consume;
inline constexpr memory_order acq = std::memory_order_acquire;
inline constexpr memory_order rel = std::memory_order_release;
inline constexpr memory_order ar = std::memory_order_acq_rel;
inline constexpr memory_order sc = std::memory_order_seq_cst;

/// A fence; rlx stands for none.
template <memory_order order>
void fence() {
  if constexpr (order != rlx) std::atomic_thread_fence(order);
}

/// Runs all of them at once, the first on the calling thread.
template <class First, class... Others>
void together(First first, Others... others) {
  std::thread threads[] = {std::thread(others)...};
  first();
  for (std::thread& thread : threads) thread.join();
}

extern const Family store_buffering;
extern const Family message_passing;
extern const Family load_buffering;
extern const Family coherence;
extern const Family causality;
extern const Family independent_reads;
extern const Family write_orders;
extern const Family release_sequences;
extern const Family read_modify_write;
extern const Family compare_exchange;
extern const Family mutual_exclusion;
extern const Family seqlock;
extern const Family plain_accesses;
extern const Family sizes;

}  // namespace litmus
