#include "memory/store_history.h"

#include <bit>
#include <limits>

namespace aiosim::memory {

const char* order_name(int order) {
  switch (order) {
    case relaxed:
      return "relaxed";
    case consume:
      return "consume";
    case acquire:
      return "acquire";
    case release:
      return "release";
    case acq_rel:
      return "acq_rel";
    default:
      return "seq_cst";
  }
}

void StoreHistory::take_more() {
  constexpr std::uint32_t at_once = 64;
  fresh_ = &stores_[stores_.add_array(at_once)];
  fresh_end_ = fresh_ + at_once;
}

void StoreHistory::write_down(ThreadView& view) {
  Message& message = messages_[messages_.add()];
  message.clock = view.clock;
  message.fence = view.fence;
  view.known = &message;
}

Release StoreHistory::both(const Release& one, const Release& other) {
  if (one.message == nullptr) return other;
  Message& message = messages_[messages_.add()];
  message.clock = one.message->clock;
  message.clock.raise(one.thread, one.epoch);
  message.clock.join(other.message->clock);
  message.clock.raise(other.thread, other.epoch);
  message.fence = std::max(one.message->fence, other.message->fence);
  return {&message, one.epoch, one.thread, false};
}

void StoreHistory::restart(Location& location, Value value) {
  drop(location);
  Store& store = take();
  store.value = value;
  store.pc = nullptr;
  store.older = nullptr;
  store.newer = nullptr;
  store.epoch = 0;
  store.operation = 0;
  store.seq_cst = 0;
  store.readers = 0;
  store.thread = 0;
  store.order = relaxed;
  store.initial = true;
  store.released = {};
  location.newest = &store;
  location.oldest = &store;
  location.depth = 1;
}

// What is stored over another location's bytes happens after every access to that (or they race),
// so nothing of its history can be read any more, and its value is the one in memory.
void StoreHistory::drop_overlapping(const Location& location) {
  locations_.each_overlapping(location, [&](Location& other) { drop(other); });
}

// May nothing older than `store` be read? So it is if the store, or a read of it, comes before the
// load: in happens-before (CoWR, CoRR); or in S, by [atomics.order] p4, whose cases are:
//   4.1, 4.2  the load is seq_cst: seq_cst writes and reads of the store, and whatever happens
//             before any fence so far, precede it (`place` is infinite, `fences` all fences);
//   4.3, 4.4  fence X happens before the load: seq_cst writes and reads before X in S, and whatever
//             happens before a fence that precedes X, precede it.
[[gnu::always_inline]] inline bool StoreHistory::bounds(const Store& store, const ThreadView& view,
                                                        const VectorClock* fences,
                                                        std::uint32_t place) const {
  const auto before = [&](std::uint32_t thread, std::uint32_t epoch) {
    return view.happens_before_me(thread, epoch) ||
           (fences != nullptr && epoch <= (*fences)[thread]);
  };
  if (before(store.thread, store.epoch)) return true;
  if (store.seq_cst != 0 && store.seq_cst <= place) return true;
  for (std::uint32_t left = store.readers; left != 0; left &= left - 1) {
    const auto reader = static_cast<std::uint32_t>(std::countr_zero(left));
    if (before(reader, store.first_read[reader])) return true;
  }
  return false;
}

std::uint32_t StoreHistory::older_candidates(const Location& location, const ThreadView& view,
                                             std::uint32_t thread, int order,
                                             Candidates& out) const {
  const VectorClock* fences = nullptr;
  std::uint32_t place = 0;
  if (order == seq_cst) {
    fences = &seq_cst_.before_fences();
    place = std::numeric_limits<std::uint32_t>::max();
  } else if (view.fence != 0) {
    fences = &seq_cst_.before(view.fence);
    place = seq_cst_.place(view.fence);
  }
  std::uint32_t count = 0;
  for (Store* store = location.newest; store != nullptr; store = store->older) {
    out[count++] = store;
    if (bounds(*store, view, fences, place)) break;
  }
  // A store that this thread has read bounds its reads, so it is the last of them.
  const Store& oldest = *out[count - 1];
  if (count > 1 && (oldest.readers >> thread & 1) != 0 &&
      oldest.stale_reads[thread] >= max_stale_reads) {
    --count;
  }
  return count;
}

}  // namespace aiosim::memory
