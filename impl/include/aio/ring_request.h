// RingRequest: an io_uring operation of the user's own, on the ring that the loop waits with
// (R84b).
//
//   any thread      Context::add_request()
//   home thread     `prepare`, then `complete`
//
// Life of a request; the memory is the caller's, at rest before and after:
//
//     add_request() --next wait--> prepare --kernel--> completed --next dispatch--> complete
//
// Invariants
//   1. Completions run in the order in which the kernel told of them, in the poll that sees them,
//      before its bottom halves; a nested poll runs those that its caller's poll has not yet run.
//   2. `complete` is called once, and the request is no longer used then: it may be added again, or
//      freed, from inside.
//   3. A request that is not completed when its context goes is dropped without a call. What the
//      kernel was given (buffers) has to outlive the context.
#pragma once

#include "aio/handover.h"

struct io_uring_sqe;

namespace aio {

class RingRequest : public HandoverLink<RingRequest> {
 public:
  /// Fills in the entry, by liburing's io_uring_prep_*(). One operation that completes once: not
  /// multishot, not linked. `user_data` is the loop's.
  using Prepare = void (*)(io_uring_sqe* entry, void* opaque);
  /// `result` is the operation's: >= 0, or -errno. -ECANCELED if the thread that waited when it was
  /// submitted has ended since.
  using Complete = void (*)(void* opaque, int result);

  RingRequest(Prepare prepare, Complete complete, void* opaque)
      : prepare_(prepare), complete_(complete), opaque_(opaque) {}
  RingRequest(const RingRequest&) = delete;
  RingRequest& operator=(const RingRequest&) = delete;

 private:
  friend class UringMonitor;

  const Prepare prepare_;
  const Complete complete_;
  void* const opaque_;
  int result_ = 0;
};

}  // namespace aio
