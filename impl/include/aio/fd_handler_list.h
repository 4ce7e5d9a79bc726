// FdHandlerList: the handlers of a context, changed by any thread, walked by the home thread.
//
//   any thread      set(), live(), unpollable()
//   home thread     first(), has_removed(), take_removed(), free(), find_live() with the lock
//
// Life of a handler:
//
//     set() --> live --set() of the same fd--> removed --take_removed()--> retired --free()--> gone
//               (walked, looked up)            (walked, seen as deleted)   (the same)
//
// Invariants
//   1. Insertion is at the head, under the lock. `next` of a published handler is written by free()
//      only, that is by the home thread, which is also its only reader: a walk needs no lock.
//   2. Only the home thread frees, and only outside every walk and every use of a handler pointer:
//      the outermost poll, or no poll at all (R73, R74). Other threads only mark.
//   3. A removed handler is invisible to look-up at once: its fd can be set again (R75).
//   4. The kernel's set is changed before the old handler can be freed (same critical section).
//   5. live() and unpollable() equal a recount under the lock; read without it they are hints
//   (R55).
//
// Barriers: release store of head_ in set() / acquire load in first(): a handler seen is complete.
// What was removed or added before a notify() is visible after accept() (notify_gate.h).
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <vector>

#include "aio/fd_handler.h"
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

  [[nodiscard]] std::unique_lock<std::mutex> lock() { return std::unique_lock(mutex_); }

  /// Whether take_removed() has something to give.
  [[nodiscard]] bool has_removed() const { return any_removed_.load(std::memory_order_acquire); }

  /// Handlers removed since the last call, linked by removed_next.
  FdHandler* take_removed();

  /// Unlinks and frees a list linked by removed_next.
  void free(FdHandler* removed);

  /// Handlers in force, the notifier not counted.
  [[nodiscard]] std::size_t live() const { return live_.load(std::memory_order_relaxed); }

  /// Those of them without a poll function: poll_disable_cnt (R54).
  [[nodiscard]] std::size_t unpollable() const {
    return unpollable_.load(std::memory_order_relaxed);
  }

 private:
  void replace(FdHandler* old_handler, FdHandler* new_handler);
  void link(FdHandler* handler);
  void unlink(FdHandler* handler);
  void count(const FdHandler* handler, bool appears);

  NotifyGate& gate_;
  FdMonitor* monitor_ = nullptr;
  std::atomic<FdHandler*> head_{nullptr};
  std::atomic<bool> any_removed_{false};
  std::atomic<std::size_t> live_{0};
  std::atomic<std::size_t> unpollable_{0};

  std::mutex mutex_;               // guards all changes above and the rest
  std::vector<FdHandler*> by_fd_;  // live handler of each fd
  FdHandler* removed_ = nullptr;
  std::uint32_t next_generation_ = 0;
};

}  // namespace aio
