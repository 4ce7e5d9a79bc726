// RingMonitor: waits by io_uring(7). What FdMonitor knows of it; liburing stays behind it.
//
//   any thread      update() and refers_to() with the handler list's lock, add()
//   home thread     everything else: only it touches the ring (R83)
//
// A handler's registration, as the home thread sees it; other threads only push it on the list of
// changes, with what they want, once until it is taken off (as bottom halves, R3 and R9):
//
//     at rest --ADD taken--> asked (POLL_ADD made, one-shot)
//     asked --completion--> at rest, ready, pushed with ADD again (level trigger: R84.3, R84.8)
//     asked --completion with an error--> at rest for good; the handler hears POLLERR (R84.9)
//     any --REMOVE taken--> gone; POLL_REMOVE if it was asked
//
// Invariants
//   1. The kernel is given (fd, generation), never a pointer: a completion of a registration that
//      is gone finds nobody, in whatever order it and its removal complete. So handlers need not
//      outlive their POLL_ADD (R84.3).
//   2. A handler is freed only when it is not on the list of changes: may_free().
//   3. A TIMEOUT's time is read by the kernel at submission: it lives as long as the ring (R84.4).
//   4. wait() ends only for a ready handler, a completed request or its deadline: completions that
//      concern nobody (a TIMEOUT's own, a removal's) never end it (R84.9), nor do signals (D8).
//
// Barriers: release push / acquire take-over of the lists (handover.h); release fetch_or of a
// handler's wishes / acquire exchange when it is taken off, for those who found it there already.
#pragma once

#include <cstdint>
#include <memory>

#include "aio/fd_handler_list.h"
#include "aio/ring_request.h"

namespace aio {

class RingMonitor {
 public:
  virtual ~RingMonitor() = default;

  /// Follows a change of handlers; either may be null. (R84.1)
  virtual void update(FdHandler* old_handler, FdHandler* new_handler) = 0;

  /// Whether `removed`, a handler that is not live any more, may be freed: nothing here refers to
  /// it. If not, it may after a later wait().
  virtual bool may_free(FdHandler& removed) = 0;

  /// Whether `handler` is on the list of changes.
  [[nodiscard]] virtual bool refers_to(const FdHandler& handler) const = 0;

  /// Has `request` submitted by the next wait().
  virtual void add(RingRequest& request) = 0;

  /// Adds what is ready to `ready`. `deadline_ns`: CLOCK_MONOTONIC; 0: does not sleep, -1: for
  /// ever. False: the kernel takes no requests for now (EAGAIN, EBUSY, ENOMEM), so that the
  /// handlers that it was not asked about (asked()) have to be looked at in another way.
  virtual bool wait(ReadyList& ready, std::int64_t deadline_ns) = 0;

  /// Whether the kernel knows of `handler`.
  [[nodiscard]] virtual bool asked(const FdHandler& handler) const = 0;

  /// Readable when there are completions.
  [[nodiscard]] virtual int fd() const = 0;

  /// R84.7: completions, or changes that the kernel does not know of.
  [[nodiscard]] virtual bool need_wait() const = 0;

  /// Whether there are completed requests to call back for.
  [[nodiscard]] virtual bool has_completions() const = 0;
  virtual void run_completions() = 0;
};

/// Null if there is no io_uring here: an old kernel, one that forbids it, no fd left, or a build
/// without liburing. `entries`: of the submission queue.
std::unique_ptr<RingMonitor> make_ring_monitor(unsigned entries, FdHandlerList& handlers);

}  // namespace aio
