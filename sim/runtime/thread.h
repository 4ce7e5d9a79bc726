// A simulated thread, as the world and the hooks see it.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "aiosim/choice.h"
#include "memory/shadow.h"
#include "memory/thread_view.h"
#include "runtime/object.h"
#include "runtime/stack.h"

namespace aiosim::runtime {

struct Thread;
struct Tcb;

extern __attribute__((visibility("hidden"))) Thread* g_current;

/// A loop without a point in it is never left by the scheduler; one that ends has far fewer plain
/// accesses than this. Of the running thread, how many are left since its last point.
inline constexpr std::uint64_t max_plain_accesses = 20'000'000;
extern __attribute__((visibility("hidden"))) std::uint64_t g_plain_left;

/// Why a thread is blocked: the predicate it waits for is re-evaluated whenever the kernel's
/// state has changed (World::state_changed), so a blocked world is a structural fact.
struct Wait {
  bool (*ready)(void* data);       // must not block, allocate in the arena, or choose
  void* data;
  std::int64_t deadline_ns = -1;   // absolute simulated time, -1 for none
  const char* operation = "";      // "epoll_wait"
  Object object;
  bool interruptible = false;      // a fault was drawn: the wait ends early, at a chosen time
  bool signals_end = false;        // a signal ends the wait, which then delivers it; else the wait
                                   // goes on once the handlers have run
};
enum class Wake : std::uint8_t { ready, timeout, interrupted };

/// What a thread re-reads without a change: it waits for somebody else to change it.
struct Spin {
  struct Read {
    const void* at = nullptr;
    unsigned size = 0;
    std::uint64_t value = 0;
  };
  std::array<Read, 4> reads{};  // the last different ones
  std::uint32_t next = 0;
  std::uint32_t idle = 0;       // reads in a row that were in `reads` already
  // A bit for each of `reads`, and perhaps more: most reads are found to be new by it.
  std::uint64_t marks = 0;
  std::uint64_t older_marks = 0;

  [[gnu::always_inline]] void note(const void* at, unsigned size, std::uint64_t value) {
    const std::uint64_t mark =
        std::uint64_t{1} << ((reinterpret_cast<std::uintptr_t>(at) + value) * spread >> 58);
    if (((marks | older_marks) & mark) != 0 && knows(at, value)) {
      ++idle;
      return;
    }
    const std::size_t place = next++ % reads.size();
    if (place == 0) {
      older_marks = marks;
      marks = 0;
    }
    marks |= mark;
    reads[place] = {at, size, value};
    idle = 0;
  }

 private:
  static constexpr std::uint64_t spread = 0x9e3779b97f4a7c15ULL;

  bool knows(const void* at, std::uint64_t value) const {
    return std::any_of(reads.begin(), reads.end(), [&](const Read& read) {
      return read.at == at && read.value == value;
    });
  }
};

struct Thread {
  std::uint32_t id = 0;
  int harness = 0;                    // > 0: not under test
  memory::ThreadView* view = nullptr;
  char name[16] = {};
  char first_name[16] = {};  // of each run
  enum class State : std::uint8_t { enabled, blocked, finished } state = State::enabled;
  bool yielded = false;
  bool detached = false;
  bool of_kernel = false;          // works for the simulated kernel, and never ends
  bool joined = false;
  // A signal waits that is not blocked: deliver_signals(). Who sets it calls state_changed().
  bool signal_ready = false;
  bool spins = false;              // blocked until what it re-reads changes
  bool unseen = false;             // blocked before an operation that would wait
  Touch next{};                    // what its next operation works on
  // Who runs? The question with what it has in common each time, its answers, and what the dull one
  // adds to the hash: right at World::runnable_version_.
  std::uint64_t listed_version = 0;
  std::uint64_t dull_who_runs = 0;
  bool asks = false;  // the question is put
  Question who_runs;
  std::array<std::uint32_t, memory::max_threads + 4> candidates;  // and what is written beyond
  Spin spin{};
  std::uint32_t counts[kind_count] = {};
  Wait wait{};
  std::uint64_t checked_version = 0;  // state_version at the last evaluation of wait.ready
  std::int64_t blocked_since_ns = 0;
  std::int64_t blocked_total_ns = 0;
  void* context = nullptr;            // fcontext_t while not running
  const void* live_from = nullptr;    // while not running: frames below have returned
  const void* live_pc = nullptr;      // where it entered the runtime, if known
  std::unique_ptr<Stack> stack;
  Tcb* tcb = nullptr;                 // its own, or that of a thread that was joined
  Tcb* own_tcb = nullptr;
  unsigned tcb_generation = 0;        // of own_tcb
  bool ready = false;                 // wait.ready at checked_version
  std::int64_t interrupt_ns = -1;     // wait.interruptible: when, absolute
  void* (*start)(void*) = nullptr;
  void* argument = nullptr;
  void* result = nullptr;
  int cancel_state = 0;               // PTHREAD_CANCEL_ENABLE
  int cancel_type = 0;                // PTHREAD_CANCEL_DEFERRED
  /// Destructors of thread_local objects, run last to first when the thread ends.
  std::vector<std::pair<void (*)(void*), void*>> exit_handlers;
  std::vector<void*> specific;        // pthread_setspecific, by simulated key

  /// A plain access of it, now, that does not leave a cell.
  [[gnu::always_inline]] memory::Access access(const void* at, std::size_t size, bool write,
                                               const void* pc) const {
    return memory::Access::of(
        pc, id, view->clock[id],
        memory::Shadow::part_of(reinterpret_cast<std::uintptr_t>(at), size), write, size);
  }
};

}  // namespace aiosim::runtime
