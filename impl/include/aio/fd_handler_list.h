// FdHandlerList: the handlers of a context, changed by any thread, walked by the home thread.
//
//   any thread      set(), live(), unpollable(), visits()
//   home thread     begin_visit(), end_visit(), first(), has_removed(), take_removed(), find_live()
//                   with the lock
//
// Life of a handler:
//
//     set() --> live --set() of the same fd--> removed --take_removed()--> retired
//               (walked, looked up)            (walked, seen as deleted)   (the same)
//                 |                                                           |
//                 +--the same while nobody visits, if home has no list        +--end_visit()-->
//                    of its own that it is on--> gone                             gone
//
// Invariants
//   1. The home thread walks, and uses handlers, within a visit, which is counted in the lock
//      (lock_count.h), and needs no lock for it: insertion is at the head, and nothing is unlinked
//      before the last visit has ended (R73).
//   2. Who removes a handler under the lock and finds no visit frees it at once, if home has no
//      polling of it to end (D7), no event of it to dispatch and no change of it to tell the ring.
//      Else it is marked, and freed at the end of home's outermost visit, which becomes the lock
//      for that (R74). What home keeps of a handler, it changes within a visit or the lock.
//   3. A removed handler is invisible to look-up at once: its fd can be set again (R75).
//   4. The kernel's set is changed before the old handler can be freed (same critical section).
//   5. live() and unpollable() equal a recount under the lock; else they are hints (R55).
//
// Barriers: release store of head_ in set() / acquire load in first(): a handler seen is complete.
// Others: lock_count.h. What was removed or added before a notify() is visible after accept()
// (notify_gate.h).
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "aio/fd_handler.h"
#include "aio/lock_count.h"
#include "aio/notify_gate.h"

namespace aio {

class FdMonitor;

class FdHandlerList {
 public:
  explicit FdHandlerList(NotifyGate& gate) : gate_(gate) {}
  ~FdHandlerList();
  FdHandlerList(const FdHandlerList&) = delete;
  FdHandlerList& operator=(const FdHandlerList&) = delete;

  /// Whose kernel set follows the changes. Before the first set().
  void attach(FdMonitor& monitor) { monitor_ = &monitor; }

  /// Replaces the handler of `fd`, or removes it if `callbacks` has neither io_read, io_write nor a
  /// usable io_poll; removing what is not there does nothing. Wakes the loop. O(1). Any thread.
  /// Throws std::bad_alloc with nothing changed. (R70, R72)
  void set(int fd, const FdCallbacks& callbacks, bool is_notifier = false);

  /// Like set() with only these two callbacks changed; nothing for an unknown fd. Any thread.
  void set_poll_hooks(int fd, Callback io_poll_begin, Callback io_poll_end);

  /// The newest handler; go on by `next`. Deleted ones are among them.
  [[nodiscard]] FdHandler* first() const { return head_.load(std::memory_order_acquire); }

  /// The live handler of `fd`, null if there is none. Call with lock().
  [[nodiscard]] FdHandler* find_live(int fd) const;

  [[nodiscard]] std::unique_lock<LockCount> lock() { return std::unique_lock(lock_count_); }

  /// From here no handler is freed; visits nest. Waits for the lock if there is no visit yet.
  void begin_visit() { lock_count_.inc(); }

  /// Unlinks and frees `retired`, a list linked by removed_next, of the outermost visit only.
  void end_visit(FdHandler* retired);

  /// Visits in progress.
  [[nodiscard]] std::uint32_t visits() const { return lock_count_.visits(); }

  /// Whether take_removed() has something to give.
  [[nodiscard]] bool has_removed() const { return any_removed_.load(std::memory_order_acquire); }

  /// Handlers removed since the last call, linked by removed_next.
  [[nodiscard]] FdHandler* take_removed();

  /// Handlers in force, the notifier not counted.
  [[nodiscard]] std::size_t live() const { return live_.load(std::memory_order_relaxed); }

  /// Those of them without a poll function: poll_disable_cnt (R54).
  [[nodiscard]] std::size_t unpollable() const {
    return unpollable_.load(std::memory_order_relaxed);
  }

 private:
  std::unique_ptr<FdHandler> replace(FdHandler* old_handler, FdHandler* new_handler);
  [[nodiscard]] bool may_go_at_once(const FdHandler& removed) const;
  void link(FdHandler* handler);
  void unlink(FdHandler* handler);
  void count(const FdHandler* handler, bool appears);

  NotifyGate& gate_;
  FdMonitor* monitor_ = nullptr;
  std::atomic<FdHandler*> head_{nullptr};
  std::atomic<bool> any_removed_{false};
  std::atomic<std::size_t> live_{0};
  std::atomic<std::size_t> unpollable_{0};

  LockCount lock_count_;           // guards all changes above and the rest
  std::vector<FdHandler*> by_fd_;  // live handler of each fd
  FdHandler* removed_ = nullptr;
  std::uint32_t next_generation_ = 0;
};

}  // namespace aio
