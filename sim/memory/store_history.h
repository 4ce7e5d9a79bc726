// The stores of each atomic location that a load may still read, and which of them it may.
//
// Invariants:
// 1. Modification order is execution order; the newest store's value is in real memory.
// 2. Only the bound of candidates() decides what is readable. A history may be cut to its newest
//    stores at any time: that loses behaviours and never allows a wrong one.
// 3. A thread that read a store reads it, or a newer one, ever after (CoRR), and reads one stale
//    store at most `max_stale_reads` times, so that loops which wait for a value end.
#pragma once

#include <array>
#include <cstdint>

#include "memory/location.h"
#include "memory/memory.h"
#include "memory/pool.h"
#include "memory/seq_cst.h"
#include "memory/thread_view.h"
#include "memory/value.h"

namespace aiosim::memory {

inline constexpr std::uint32_t max_history = 32;
inline constexpr std::uint8_t max_stale_reads = 8;

struct Store {
  Value value;
  const void* pc;
  Store* older;
  Store* newer;
  std::uint32_t epoch;      // the writer's; 0 for a value that was there before the first atomic
  std::uint32_t operation;  // the writer's count
  std::uint32_t seq_cst;    // place in S of the first seq_cst operation that wrote or read it, or 0
  std::uint32_t readers;    // threads; the arrays below count for these alone
  std::uint8_t thread;
  std::uint8_t order;
  bool initial;                                       // not written by an atomic operation
  Release released;                                   // what an acquiring reader synchronises with
  std::array<std::uint32_t, max_threads> first_read;  // epoch
  std::array<std::uint8_t, max_threads> stale_reads;
};

using Candidates = std::array<Store*, max_history>;

class StoreHistory {
 public:
  StoreHistory(SeqCst& order, Locations& locations) : seq_cst_(order), locations_(locations) {}

  void reset() {
    stores_.reset();
    messages_.reset();
    free_ = nullptr;
    fresh_ = fresh_end_ = nullptr;
  }

  /// Brings the history up to date with memory, which holds `value` now.
  template <unsigned size = 16>
  void refresh(Location& location, Value value) {
    using Word = WordOf<size>;
    if (location.newest == nullptr ||
        static_cast<Word>(location.newest->value) != static_cast<Word>(value)) [[unlikely]] {
      restart(location, value);
    }
  }

  /// What `thread` releases now; its clock ticks afterwards.
  [[gnu::always_inline]] Release release(ThreadView& view, std::uint32_t thread) {
    if (view.known == nullptr) [[unlikely]]
      write_down(view);
    return {view.known, view.clock[thread], static_cast<std::uint8_t>(thread), true};
  }

  /// The stores that `thread` may read with this order, newest first; their number.
  std::uint32_t candidates(const Location& location, const ThreadView& view, std::uint32_t thread,
                           int order, Candidates& out) const {
    out[0] = location.newest;
    if (view.happens_before_me(out[0]->thread, out[0]->epoch)) return 1;
    return older_candidates(location, view, thread, order, out);
  }

  /// `thread` reads `store`: coherence and synchronisation follow.
  void read(const Location& location, Store& store, ThreadView& view, std::uint32_t thread,
            int order);

  /// Adds the newest store. A read-modify-write gives the store it read as `continued`: it goes
  /// on with its release sequence. `keep` false: nobody can read the older ones.
  void append(Location& location, ThreadView& view, std::uint32_t thread, int order, Value value,
              const Store* continued, bool keep, const void* pc);

  /// The location's value came from elsewhere (a plain write, another size).
  void drop(Location& location);

 private:
  std::uint32_t older_candidates(const Location& location, const ThreadView& view,
                                 std::uint32_t thread, int order, Candidates& out) const;
  Store& take();
  void take_more();
  void write_down(ThreadView& view);
  Release both(const Release& one, const Release& other);
  void restart(Location& location, Value value);
  void drop_overlapping(const Location& location);
  bool bounds(const Store& store, const ThreadView& view, const VectorClock* fences,
              std::uint32_t place) const;

  SeqCst& seq_cst_;
  Locations& locations_;
  Pool<Store> stores_;
  Pool<Message> messages_;
  Store* free_ = nullptr;  // linked by `older`
  Store* fresh_ = nullptr;
  Store* fresh_end_ = nullptr;
};

inline Store& StoreHistory::take() {
  if (free_ != nullptr) {
    Store& store = *free_;
    free_ = store.older;
    return store;
  }
  if (fresh_ == fresh_end_) [[unlikely]]
    take_more();
  return *fresh_++;
}

inline void StoreHistory::drop(Location& location) {
  if (location.newest == nullptr) return;
  location.oldest->older = free_;
  free_ = location.newest;
  location.newest = nullptr;
  location.oldest = nullptr;
  location.depth = 0;
}

[[gnu::always_inline]] inline void StoreHistory::read(const Location& location, Store& store,
                                                      ThreadView& view, std::uint32_t thread,
                                                      int order) {
  if ((store.readers >> thread & 1) == 0) {
    store.readers |= 1U << thread;
    store.first_read[thread] = view.clock[thread];
    store.stale_reads[thread] = 0;
  }
  if (&store != location.newest) ++store.stale_reads[thread];
  if (order == seq_cst) {
    const std::uint32_t place = seq_cst_.next();
    if (store.seq_cst == 0) store.seq_cst = place;
  }
  if (store.released.message == nullptr || view.knows(store.released)) return;
  if (acquires(order)) {
    view.acquire(store.released);
  } else {
    view.remember(store.released);
  }
}

[[gnu::always_inline]] inline void StoreHistory::append(Location& location, ThreadView& view,
                                                        std::uint32_t thread, int order,
                                                        Value value, const Store* continued,
                                                        bool keep, const void* pc) {
  Store* store;
  if (location.depth == max_history) {
    store = location.oldest;
    location.oldest = store->newer;
    location.oldest->older = nullptr;
    --location.depth;
  } else {
    store = &take();
  }
  store->value = value;
  store->pc = pc;
  store->epoch = view.clock[thread];
  store->operation = view.operations;
  store->seq_cst = order == seq_cst ? seq_cst_.next() : 0;
  store->readers = 0;
  store->thread = static_cast<std::uint8_t>(thread);
  store->order = static_cast<std::uint8_t>(order);
  store->initial = false;
  store->released = releases(order) ? release(view, thread) : view.released;
  // What was acquired, or is known, is in the clock.
  if (continued != nullptr && continued->released.message != nullptr &&
      !(releases(order) && (acquires(order) || view.knows(continued->released)))) {
    store->released = both(store->released, continued->released);
  }
  if (!keep) drop(location);
  if (location.overlapped) [[unlikely]]
    drop_overlapping(location);
  store->newer = nullptr;
  store->older = location.newest;
  if (location.newest != nullptr) {
    location.newest->newer = store;
  } else {
    location.oldest = store;
  }
  location.newest = store;
  ++location.depth;
}

}  // namespace aiosim::memory
