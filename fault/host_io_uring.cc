// liburing's calls in a binary without the simulator: each passes by the fault points.
//
// Results are liburing's: 0 or more, or -errno. Nothing is taken by a call that a fault strikes.
#include <liburing.h>

#include <cerrno>

#include "fault/next.h"
#include "fault/points.h"

namespace aiosim::fault {
namespace {

constinit Next<::io_uring_queue_init> next_queue_init{"io_uring_queue_init"};
constinit Next<::io_uring_submit> next_submit{"io_uring_submit"};
constinit Next<::io_uring_submit_and_wait> next_submit_and_wait{"io_uring_submit_and_wait"};
constinit Next<::io_uring_submit_and_get_events> next_get_events{"io_uring_submit_and_get_events"};

/// 0, or the error of a submission that the kernel does not take.
int not_taken(io_uring* ring) {
  if (io_uring_sq_ready(ring) == 0) return 0;
  if (strikes_host(PointId::io_uring_submit_eagain)) return -EAGAIN;
  return strikes_host(PointId::io_uring_submit_ebusy) ? -EBUSY : 0;
}

}  // namespace
}  // namespace aiosim::fault

using namespace aiosim::fault;

extern "C" {

int io_uring_queue_init(unsigned entries, io_uring* ring, unsigned flags) {
  if (strikes_host(PointId::io_uring_setup_enomem)) return -ENOMEM;
  return next_queue_init(entries, ring, flags);
}

int io_uring_submit(io_uring* ring) {
  const int error = not_taken(ring);
  return error != 0 ? error : next_submit(ring);
}

int io_uring_submit_and_get_events(io_uring* ring) {
  const int error = not_taken(ring);
  return error != 0 ? error : next_get_events(ring);
}

/// As in Linux a signal is told of only if nothing was submitted and nothing is there.
int io_uring_submit_and_wait(io_uring* ring, unsigned wait_for) {
  const int error = not_taken(ring);
  if (error != 0) return error;
  const bool would_wait = wait_for > io_uring_cq_ready(ring) && io_uring_sq_ready(ring) == 0;
  if (would_wait && strikes_host(PointId::io_uring_enter_eintr)) return -EINTR;
  return next_submit_and_wait(ring, wait_for);
}

}  // extern "C"
