// Bottom halves: callbacks that any thread asks for and that the home thread runs in its next poll.
//
//   any thread      schedule(), schedule_idle(), cancel(), delete_(), BottomHalfQueue::create(),
//                   BottomHalfQueue::schedule_oneshot()
//   home thread     BottomHalfQueue::Slice, run(), follow_accept(), timeout_ns()
//
// State of one bottom half; every arrow is one read-modify-write of its flag word:
//
//     idle ---- schedule / schedule_idle / delete_ ----> PENDING + what was asked   (and pushed)
//     PENDING --schedule...--> PENDING, more flags       (not pushed again)
//     PENDING --cancel-------> PENDING, nothing asked    (popped later without a call)
//     PENDING --dequeue------> idle; then called, freed, both or neither by the old flags
//
// Order in which callbacks run (D1, R13, R14): each poll takes everything pushed so far as one
// slice. WITHIN A SLICE THE NEWEST RUNS FIRST; slices run oldest first, so a nested poll finishes
// what its callers had begun before it runs its own. Scheduling a pending bottom half again does
// not move it.
//
// Two lists are pushed to: any thread pushes to the incoming one, and home, where it finds that one
// empty, to one of its own, at the price of a plain store. What home pushes afterwards, and what
// others have pushed and home knows of, is newer than all of home's list: a slice is the incoming
// list, then home's.
//
// Invariants
//   1. PENDING is set before the push and cleared after the unlink: a bottom half is on at most one
//      list (R5), and `next` belongs to whoever turned PENDING on, then to the home thread.
//   2. Only the thread that turned PENDING on pushes; everybody notifies (R3), who pushed by a look
//      at notified, who did not by a read-modify-write of it: a flag seen set may be stale (N-4a).
//      Not so home's own look: it is home that accepts.
//   3. Flags are cleared before the callback runs: a schedule from then on makes another run (R10).
//   4. After the push the pusher does not touch the bottom half: it may be gone (R4).
//   5. A plain schedule outranks an idle one in either order, and cancel forgets both (D2): the two
//      wishes are separate bits, read together in one load.
//
// Barriers
//   * release CAS in push() / acquire exchange in the Slice: the pusher's earlier writes are
//     visible to the callback (R6).
//   * release half of fetch_or in enqueue() / acquire half of exchange in dequeue(): the same for
//     somebody who found PENDING already set and pushed nothing.
//   * release half of exchange in dequeue() / acquire half of fetch_or in enqueue(): the unlink
//     is over before `next` is written again.
//   * acquire half of push() / release half of the Slice's exchange: a push that the take-over
//     missed comes after it and after the accept() before it, so its notification is not the one
//     cleared: notify_pushed() (notify_gate.h, v). follow_accept() is such a one too.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "aio/callback.h"
#include "aio/counters.h"
#include "aio/home_thread.h"
#include "aio/notify_gate.h"

namespace aio {

class BottomHalfQueue;
class Context;

/// Shared by the bottom halves of one device: set while one of them runs, so that what the device
/// does meanwhile can tell. Home thread. It must outlive them. (R23)
struct ReentrancyGuard {
  bool engaged = false;
};

class BottomHalf {
 public:
  BottomHalf(const BottomHalf&) = delete;
  BottomHalf& operator=(const BottomHalf&) = delete;

  /// Asks for one call in the home thread; asks once however often it is said before the call.
  /// Any thread. Wakes the loop. (R3)
  void schedule();

  /// Like schedule(), but the call is no progress, and a sleeping loop may take 10 ms to make it.
  /// A plain schedule(), earlier or later, outranks it. Any thread. (R8, D2)
  void schedule_idle();

  /// Withdraws schedule() and schedule_idle(); cannot stop a call already begun. Does not wake the
  /// loop. Any thread. (R19)
  void cancel();

  /// Gives the bottom half up: it is not called any more (a call already begun goes on) and its
  /// memory goes in a later poll. The caller must not use it afterwards. Any thread. (R20, R21)
  void delete_();

  /// The name given at creation; shown if the context is destroyed while this is pending.
  [[nodiscard]] const char* name() const { return name_; }

 private:
  friend class BottomHalfQueue;

  enum Flag : unsigned {
    pending = 1U << 0,    // linked on the incoming list or on a slice
    scheduled = 1U << 1,  // a call is wanted
    idle = 1U << 2,       // a call is wanted, at leisure
    deleted = 1U << 3,    // free without a call
    oneshot = 1U << 4,    // free after the call
  };

  BottomHalf(BottomHalfQueue& queue, Callback callback, void* opaque, const char* name,
             ReentrancyGuard* guard)
      : queue_(&queue), callback_(callback), opaque_(opaque), name_(name), guard_(guard) {}
  ~BottomHalf() = default;

  void enqueue(unsigned flags);
  unsigned dequeue();
  void call(const Context& context);
  void call_guarded(const Context& context);

  BottomHalfQueue* queue_;
  Callback callback_;
  void* opaque_;
  const char* name_;
  ReentrancyGuard* guard_;  // null for none
  BottomHalf* next_ = nullptr;
  std::atomic<unsigned> flags_{0};
};

/// Owns a bottom half and deletes it (BottomHalf::delete_) when it goes.
struct BottomHalfDeleter {
  void operator()(BottomHalf* bh) const { bh->delete_(); }
};
using BottomHalfHandle = std::unique_ptr<BottomHalf, BottomHalfDeleter>;

class BottomHalfQueue {
 public:
  BottomHalfQueue(const Context& context, const HomeThread& home, NotifyGate& gate)
      : context_(context), home_(home), gate_(gate) {}

  /// Frees deleted bottom halves that were still pending, without a call; aborts, naming it, if one
  /// is pending and not deleted (R98).
  ~BottomHalfQueue();

  BottomHalfQueue(const BottomHalfQueue&) = delete;
  BottomHalfQueue& operator=(const BottomHalfQueue&) = delete;

  /// A new bottom half, not scheduled. `name`, and `guard` if not null, must outlive it. Any
  /// thread. Throws std::bad_alloc.
  [[nodiscard]] BottomHalf* create(Callback callback, void* opaque, const char* name,
                                   ReentrancyGuard* guard = nullptr);

  /// One call, then the bottom half is freed. Any thread. Throws std::bad_alloc. (R22)
  void schedule_oneshot(Callback callback, void* opaque, const char* name);

  /// What one poll took over. Lives in that poll's frame; run() empties it. Home thread.
  class Slice {
   public:
    /// Takes what was pushed and joins the tail of the slice queue (R12).
    explicit Slice(BottomHalfQueue& queue);
    Slice(const Slice&) = delete;
    Slice& operator=(const Slice&) = delete;

   private:
    friend class BottomHalfQueue;
    BottomHalf* head_;
    BottomHalf* older_;  // home's list, behind it
    Slice* next_ = nullptr;
  };

  /// Runs every bottom half of every slice, oldest slice first. True iff one that was not idle was
  /// called (R17). Adds to `called` how many were. Home thread; callbacks may nest it.
  bool run(Counter& called);

  /// After NotifyGate::accept(), where something may sleep before a Slice is taken: timeout_ns()
  /// then sees every push that trusted a notification accepted. Changes nothing. Home thread.
  void follow_accept();

  /// How long the loop may sleep: 0 if a call is wanted, 10 ms if only idle ones are, else -1
  /// (R24). Home thread.
  [[nodiscard]] std::int64_t timeout_ns() const;

 private:
  friend class BottomHalf;

  void push(BottomHalf* bh);
  void push_incoming(BottomHalf* bh);
  static void free_pending(BottomHalf* head);
  BottomHalf* pop();
  static std::int64_t list_timeout_ns(const BottomHalf* head, std::int64_t timeout_ns);

  const Context& context_;
  const HomeThread& home_;
  NotifyGate& gate_;
  std::atomic<BottomHalf*> incoming_{nullptr};
  BottomHalf* pushed_at_home_ = nullptr;  // home thread only, as are the next lines
  Slice* first_slice_ = nullptr;
  Slice* last_slice_ = nullptr;
};

}  // namespace aio
