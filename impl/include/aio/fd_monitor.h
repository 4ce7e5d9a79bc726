// FdMonitor: waits in the kernel for the handlers of a list: by io_uring where that is wanted and
// to be had (R83, R84); else by ppoll, and epoll once there are many (R78 to R82).
//
//   any thread      update(), with the handler list's lock; add()
//   home thread     reserve(), wait(), need_wait(), name()
//
// State, without io_uring, which is chosen at the start and for life:
//
//     ppoll, epoll fd in reserve --upgrade: many fds, every one added--> epoll
//              |                                                          |
//              +--upgrade failed--> ppoll for life <--epoll_ctl failed----+
//
// Invariants
//   1. The handler list is complete whatever the state: ppoll can take over at any time.
//   2. Any thread may declare epoll failed; only the home thread closes the epoll fd, so a number
//      that another thread got in the meantime is never waited on or closed by mistake.
//   3. The kernel is given (fd, generation), never a pointer: an event of a registration that is
//      gone finds nobody. A removed handler may be freed once may_free() says so.
//   4. A blocking wait ends early only for readiness or a spurious report of it, never for a signal
//      (D8).
//   5. The ppoll arrays are empty except inside wait() (R78).
//
// Barriers: none of its own. A failure declared by update() is followed by the notify() of the
// change that failed, which ends the wait; the state is then read again.
#pragma once

#include <poll.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "aio/fd_handler_list.h"

namespace aio {

class Context;
class RingMonitor;
class RingRequest;

/// Waits by ppoll(2). Home thread.
class PollMonitor {
 public:
  /// Makes room for `handlers` of them. Throws std::bad_alloc with nothing changed.
  void reserve(std::size_t handlers);

  /// Collects the live handlers; returns how many. Without room for all, `truncated()`.
  std::size_t fill(const FdHandlerList& handlers);
  /// Collects `ring` itself and the live handlers that it has not asked the kernel about.
  void fill_beside(const FdHandlerList& handlers, const RingMonitor& ring);
  [[nodiscard]] bool truncated() const { return truncated_; }

  /// Empties what fill() collected.
  void reset();

  /// Waits for what fill() collected, at most `timeout_ns` (-1: for ever), and empties it.
  void wait(ReadyList& ready, std::int64_t timeout_ns);

 private:
  bool add(int fd, short events, FdHandler* handler);

  std::vector<pollfd> fds_;
  std::vector<FdHandler*> nodes_;
  bool truncated_ = false;
};

/// Waits by epoll(7).
class EpollMonitor {
 public:
  /// Opens an epoll fd in reserve if wanted; without one it is unusable for good (R80).
  explicit EpollMonitor(bool wanted);
  ~EpollMonitor();
  EpollMonitor(const EpollMonitor&) = delete;
  EpollMonitor& operator=(const EpollMonitor&) = delete;

  /// Whether upgrade() may be tried. Home thread.
  [[nodiscard]] bool in_reserve() const { return state() == State::reserve; }
  /// Whether wait() may be called. Home thread.
  [[nodiscard]] bool active() const { return state() == State::active; }
  /// Whether the epoll fd waits to be closed after a failure. Home thread.
  [[nodiscard]] bool broken() const { return state() == State::broken; }

  /// Adds every live handler; on any failure it is broken. True on success. Home thread.
  bool upgrade(FdHandlerList& handlers);
  /// Closes the epoll fd for good. Home thread.
  void close_fd(FdHandlerList& handlers);
  /// Follows a change; a failure breaks it. Any thread, list locked. (R81)
  void update(const FdHandler* old_handler, const FdHandler* new_handler);
  /// Waits at most `timeout_ns` (-1: for ever). Home thread. (R82)
  void wait(FdHandlerList& handlers, ReadyList& ready, std::int64_t timeout_ns);

 private:
  enum class State { reserve, active, broken, closed };
  [[nodiscard]] State state() const { return state_.load(std::memory_order_acquire); }
  bool control(int operation, const FdHandler& handler);

  int fd_;                    // changed under the list's lock, by the home thread
  std::atomic<State> state_;  // changed under the list's lock
};

/// When to use which of them.
struct FdMonitorPolicy {
  bool use_io_uring = false;    ///< if it can be set up; else as if it had not been asked for (R34)
  unsigned ring_entries = 256;  ///< of its submission queue; the completion queue has twice as many
  bool use_epoll = true;
  std::size_t upgrade_threshold = 64;  ///< fds from which epoll is used; 0: from the start
};

class FdMonitor {
 public:
  FdMonitor(const Context& context, FdHandlerList& handlers, const FdMonitorPolicy& policy);
  ~FdMonitor();
  FdMonitor(const FdMonitor&) = delete;
  FdMonitor& operator=(const FdMonitor&) = delete;

  /// Makes room so that wait() need not allocate. Throws std::bad_alloc with nothing changed.
  void reserve();

  /// The kernel's set follows a change of handlers. Any thread, list locked.
  void update(FdHandler* old_handler, FdHandler* new_handler);

  /// Whether nothing here refers to `removed`, which is not live any more. If not, a later wait()
  /// makes it so.
  bool may_free(FdHandler& removed);

  /// Whether the list of changes refers to `handler`. Any thread, list locked.
  [[nodiscard]] bool refers_to(const FdHandler& handler) const;

  /// Has the next wait() submit `request`. False without io_uring. Any thread. (R84b)
  [[nodiscard]] bool add(RingRequest& request);

  /// Whether wait() saw requests completed that nobody has been called back for. (R84b)
  [[nodiscard]] bool has_completions() const;

  /// Calls back for them: only if there are any.
  void run_completions();

  /// Adds the handlers that are ready to `ready`; waits for one at most `timeout_ns` (0: not at
  /// all, -1: for ever). May return early with none.
  void wait(ReadyList& ready, std::int64_t timeout_ns);

  /// Whether busy polling may go on beside handlers without a poll function, because a look at
  /// need_wait() tells of their events without a system call: io_uring (R58, R63).
  [[nodiscard]] bool supports_busy_polling() const;

  /// Whether busy polling has to end, or not to begin, because wait() has something to do: with
  /// ppoll and epoll while some handler has no poll function; with io_uring when there are
  /// completions, or changes that the kernel does not know of yet (R58, R59, R84.7). Home thread.
  [[nodiscard]] bool need_wait() const;

  /// Readable when need_wait() has become true, with io_uring; else -1. For ForeignLoop.
  [[nodiscard]] int ring_fd() const;

  /// "ppoll", "epoll" or "io_uring".
  [[nodiscard]] const char* name() const;

 private:
  void wait_by_ring(ReadyList& ready, std::int64_t timeout_ns);
  bool try_upgrade(std::size_t fds);

  const Context& context_;
  FdHandlerList& handlers_;
  FdMonitorPolicy policy_;
  std::unique_ptr<RingMonitor> ring_;  // null: not wanted, or not to be had
  PollMonitor poll_;
  EpollMonitor epoll_;
};

}  // namespace aio
