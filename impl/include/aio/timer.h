// Timers: a callback at a time of the monotonic clock.
//
//   any thread      Timer::arm_at(), arm_after(), cancel(), armed(); TimerList::set_enabled()
//   home thread     TimerList::deadline_ns(), run(); Timer's destruction (or with the loop at rest)
//
// State of one timer, all under the list's lock:
//
//     unarmed --arm--> in the heap --due in a run()--> expiring --called--> unarmed
//        ^                |                               |
//        +----cancel------+-------------cancel------------+       (arm moves it back to the heap)
//
// Invariants
//   1. The heap is ordered by (deadline, order of arming): equal deadlines run in the order armed.
//      Arming is O(1), cancelling and expiring O(log n) amortised.
//   2. A run takes what is due at ONE reading of the clock; what a callback arms, even in the past,
//      waits for the next run (D9). A nested run finishes what its callers had taken.
//   3. Arming notifies only if the timer becomes the next to expire; cancelling never does (R90).
//   4. A disabled list runs nothing and has no deadline (R92).
//   5. When a callback runs its timer is already unarmed and not touched again: the callback may
//      arm or destroy it.
//
// Barriers: the list's mutex orders everything (R43).
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>

#include "aio/callback.h"
#include "aio/intrusive_list.h"
#include "aio/notify_gate.h"

namespace aio {

class Context;
class TimerList;

/// Nanoseconds of CLOCK_MONOTONIC.
std::int64_t now_ns();

class Timer {
 public:
  /// A timer of `context`, not armed. Any thread.
  Timer(Context& context, Callback callback, void* opaque);
  /// Cancels it. Not while another thread may be in its callback.
  ~Timer();
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  /// The clock of deadlines: CLOCK_MONOTONIC, as now_ns(). clock_gettime(2)
  using Clock = std::chrono::steady_clock;

  /// Calls back once at `deadline` or later; replaces an earlier wish. Any thread.
  void arm_at(Clock::time_point deadline);
  /// Calls back once, `delay` from now or later (0 or less: in the next poll); replaces an earlier
  /// wish. Any thread.
  void arm_after(std::chrono::nanoseconds delay) { arm_after(std::int64_t{delay.count()}); }

  /// The same in ns: of now_ns(), and from now.
  void arm_at(std::int64_t deadline_ns);
  void arm_after(std::int64_t delay_ns);
  /// Takes the wish back; cannot stop a call already begun. Any thread.
  void cancel();
  /// Whether a call is to come. Any thread.
  [[nodiscard]] bool armed() const;

 private:
  friend class TimerList;
  friend class TimerHeap;

  enum class State { unarmed, in_heap, expiring };

  TimerList& list_;
  const Callback callback_;
  void* const opaque_;

  State state_ = State::unarmed;  // from here on under the list's lock
  std::int64_t deadline_ns_ = 0;
  std::uint64_t order_ = 0;
  ListHook<Timer> expiring_hook_{this};
  Timer* child_ = nullptr;    // first child in the heap
  Timer* sibling_ = nullptr;  // next child of the same parent
  Timer* back_ = nullptr;     // previous sibling, or the parent of a first child
};

/// A pairing heap through the timers themselves. Not synchronised.
class TimerHeap {
 public:
  [[nodiscard]] Timer* top() const { return root_; }
  void insert(Timer& timer);
  void remove(Timer& timer);

 private:
  static bool before(const Timer& a, const Timer& b);
  static Timer* meld(Timer* a, Timer* b);
  static Timer* meld_children(Timer* first);

  Timer* root_ = nullptr;
};

class TimerList {
 public:
  explicit TimerList(NotifyGate& gate) : gate_(gate) {}
  /// Aborts if a timer is still armed (R98).
  ~TimerList();
  TimerList(const TimerList&) = delete;
  TimerList& operator=(const TimerList&) = delete;

  /// -1 if there is nothing to wait for, 0 if something is due, else ns until it is (R89).
  [[nodiscard]] std::int64_t deadline_ns();

  /// Calls what is due; true iff something was called (R91).
  bool run();

  /// Lets timers run (at first they do) or holds them. Holding waits until a run in progress is
  /// over, unless called from one of its callbacks, which is then the last. Any thread. (R92)
  void set_enabled(bool enabled);

 private:
  friend class Timer;

  void arm(Timer& timer, std::int64_t deadline_ns);
  void cancel(Timer& timer);
  bool armed(const Timer& timer);
  void unlink(Timer& timer);

  NotifyGate& gate_;
  std::mutex mutex_;
  std::condition_variable pass_over_;
  TimerHeap heap_;
  IntrusiveList<Timer> expiring_;
  std::uint64_t next_order_ = 0;
  int passes_ = 0;              // runs in progress, nested ones counted
  std::thread::id running_in_;  // their thread
  bool enabled_ = true;
};

}  // namespace aio
