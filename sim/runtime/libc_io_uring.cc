// liburing's functions that are symbols. Those in its headers work on the rings' memory and are
// compiled into the code under test. What is not simulated ends the run by name.
#include <liburing.h>

#include <cstring>

#include "runtime/libc_call.h"
#include "runtime/real.h"

namespace aiosim::runtime {
namespace {

int enter(::io_uring* ring, unsigned submit, unsigned complete, unsigned flags, const void* pc) {
  return world().kernel->io_uring_enter(ring->enter_ring_fd, submit, complete, flags, pc);
}

/// Hands the entries that were filled in to the kernel: how many.
unsigned publish(::io_uring* ring) {
  io_uring_sq& sq = ring->sq;
  sq.sqe_head = sq.sqe_tail;
  *sq.ktail = sq.sqe_tail;
  return sq.sqe_tail - *sq.khead;
}

/// As liburing: no system call unless there is something to submit, to wait for, or to fetch.
int submit(::io_uring* ring, unsigned complete, bool fetch, const void* pc) {
  const RuntimeScope scope;
  const unsigned entries = publish(ring);
  const bool overflow = (*ring->sq.kflags & (IORING_SQ_CQ_OVERFLOW | IORING_SQ_TASKRUN)) != 0;
  fetch = fetch || complete != 0 || overflow;
  if (entries == 0 && !fetch) return 0;
  return enter(ring, entries, complete, fetch ? IORING_ENTER_GETEVENTS : 0, pc);
}

int set_up(unsigned entries, ::io_uring* ring, io_uring_params* params, const void* pc) {
  const RuntimeScope scope;
  const int fd = world().kernel->io_uring_setup(entries, ring, params, pc);
  return fd < 0 ? fd : 0;
}

}  // namespace
}  // namespace aiosim::runtime

using namespace aiosim::runtime;

#define UNSIMULATED(result, function, parameters, arguments) \
  result function parameters {                               \
    if (under_test()) not_simulated(#function "()");         \
    return AIOSIM_REAL(function) arguments;                  \
  }

extern "C" {

int io_uring_queue_init_params(unsigned entries, struct io_uring* ring,
                               struct io_uring_params* params) {
  if (!under_test()) return AIOSIM_REAL(io_uring_queue_init_params)(entries, ring, params);
  return set_up(entries, ring, params, CALLER);
}

int io_uring_queue_init(unsigned entries, struct io_uring* ring, unsigned flags) {
  if (!under_test()) return AIOSIM_REAL(io_uring_queue_init)(entries, ring, flags);
  io_uring_params params;
  std::memset(&params, 0, sizeof params);
  params.flags = flags;
  return set_up(entries, ring, &params, CALLER);
}

void io_uring_queue_exit(struct io_uring* ring) {
  if (!under_test()) return AIOSIM_REAL(io_uring_queue_exit)(ring);
  const void* pc = CALLER;
  const RuntimeScope scope;
  world().kernel->io_uring_close(ring->ring_fd, pc);
}

int io_uring_submit(struct io_uring* ring) {
  if (!under_test()) return AIOSIM_REAL(io_uring_submit)(ring);
  return submit(ring, 0, false, CALLER);
}

int io_uring_submit_and_wait(struct io_uring* ring, unsigned complete) {
  if (!under_test()) return AIOSIM_REAL(io_uring_submit_and_wait)(ring, complete);
  return submit(ring, complete, false, CALLER);
}

int io_uring_submit_and_get_events(struct io_uring* ring) {
  if (!under_test()) return AIOSIM_REAL(io_uring_submit_and_get_events)(ring);
  return submit(ring, 0, true, CALLER);
}

int io_uring_get_events(struct io_uring* ring) {
  if (!under_test()) return AIOSIM_REAL(io_uring_get_events)(ring);
  const void* pc = CALLER;
  const RuntimeScope scope;
  return enter(ring, 0, 0, IORING_ENTER_GETEVENTS, pc);
}

UNSIMULATED(int, __io_uring_get_cqe,
            (struct io_uring * ring, struct io_uring_cqe** entry, unsigned submit,
             unsigned complete, sigset_t* mask),
            (ring, entry, submit, complete, mask))
UNSIMULATED(int, io_uring_wait_cqes,
            (struct io_uring * ring, struct io_uring_cqe** entry, unsigned complete,
             struct __kernel_timespec* time, sigset_t* mask),
            (ring, entry, complete, time, mask))
UNSIMULATED(int, io_uring_wait_cqe_timeout,
            (struct io_uring * ring, struct io_uring_cqe** entry, struct __kernel_timespec* time),
            (ring, entry, time))
UNSIMULATED(int, io_uring_submit_and_wait_timeout,
            (struct io_uring * ring, struct io_uring_cqe** entry, unsigned complete,
             struct __kernel_timespec* time, sigset_t* mask),
            (ring, entry, complete, time, mask))
UNSIMULATED(unsigned, io_uring_peek_batch_cqe,
            (struct io_uring * ring, struct io_uring_cqe** entries, unsigned count),
            (ring, entries, count))
UNSIMULATED(struct io_uring_probe*, io_uring_get_probe_ring, (struct io_uring * ring), (ring))
UNSIMULATED(struct io_uring_probe*, io_uring_get_probe, (void), ())
UNSIMULATED(int, io_uring_setup, (unsigned entries, struct io_uring_params* params),
            (entries, params))
UNSIMULATED(int, io_uring_enter,
            (unsigned fd, unsigned submit, unsigned complete, unsigned flags, sigset_t* mask),
            (fd, submit, complete, flags, mask))
UNSIMULATED(int, io_uring_enter2,
            (unsigned fd, unsigned submit, unsigned complete, unsigned flags, sigset_t* mask,
             std::size_t size),
            (fd, submit, complete, flags, mask, size))
UNSIMULATED(int, io_uring_register,
            (unsigned fd, unsigned operation, const void* argument, unsigned count),
            (fd, operation, argument, count))
UNSIMULATED(int, io_uring_register_eventfd, (struct io_uring * ring, int fd), (ring, fd))
UNSIMULATED(int, io_uring_register_ring_fd, (struct io_uring * ring), (ring))

}  // extern "C"
