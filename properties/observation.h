// Observations: what the interpreter saw happen, in one order for all threads.
//
// Recorded as harness, by simulated or real threads alike: a ticket from one counter orders them,
// and each thread writes to a buffer of its own. The counter is relaxed, so that on real threads
// it gives no order to the code under test that the code itself does not give.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <vector>

#include "program.h"

namespace properties {

enum class What : std::uint8_t {
  op_begin,  // an operation that is really done (not one that came to nothing)
  op_end,
  call_begin,  // of a callback
  call_end,    // b: fd_read: the bytes read; -1: the program did not look
  touch,       // a poll function, io_poll_begin or io_poll_end was called; c: which hooks
  poll_begin,  // index: blocking; a, b, c: fds readable in the kernel, by a poll function,
               // writable; d: fds polled
  poll_end,      // index: result
  window_begin,  // busy polling; a: its ns at most; b: of the poll's, -1: for ever
  window_end,    // a: its ns; b: ns of it that the loop need not have noticed, -1: unknown;
                 // c: the fds whose handler was tested in it, a bit each
  poll_time,  // index: fd, 0 the notifier; a: registration; b, c: ns before, after; d: of the wait
  kernel_call,  // index: KernelCode; a: fd, b: result; c: the program's own fd; d: epoll_wait
  time_jump,    // index: the home thread is blocked; a, b: from, to; c: fds unserved; d: fds polled
  waited,       // wait_while returned; index: flag; b: somebody had begun to set it
  stays_open,   // home closed the fd `index`, and its other end has not been told
  no_ring,      // the own request just added could not be: the loop has no ring
  settled,      // everything asked for is done; what follows is clearing up
  destroyed,    // the loop is gone
};

enum class Source : std::uint8_t {
  none,
  bh,
  oneshot,
  fd_read,
  fd_write,
  fd_ready,
  timer,
  own,
  poll_function,
  poll_began,
  poll_ended
};

enum class KernelCode : std::uint8_t { wait, write, other };

struct Observation {
  std::uint64_t ticket = 0;
  What what = What::op_begin;
  Verb verb = Verb::poll;        // of an op
  Source source = Source::none;  // of a call or touch
  int thread = 0;                // 0 home, else the producer's number
  int index = 0;                 // bh, fd, timer, ...
  /// ops: schedule: number of this (bh, thread) schedule; oneshot: instance; fd: generation;
  /// arm: deadline; own requests: instance. calls: bh: payload seen, 16 bits a thread; oneshot, fd,
  /// own: the same as for ops.
  std::int64_t a = 0;
  std::int64_t b = 0;  // fd ops: 1 pollable, 2 write, 4 closed; oneshot call: payload; touch,
                       // own call: result
  std::int64_t c = 0;  // hooks ops: those in force from now on
  /// Calls of bottom halves, poll_end: their guard is wrong (R23).
  /// Other threads' op_begin: the home thread waits in the kernel. Touch of a poll function: in
  /// busy polling, which has found nothing of it for so long that it is to be left out.
  std::int64_t d = 0;
  std::int64_t time_ns = 0;
};

class Recorder {
 public:
  void reset();
  /// Keeps `seen`, with ticket, time and thread filled in.
  void add(int thread, const Observation& seen);
  /// Makes `out` all threads' observations by ticket. No thread may be recording.
  void merge(std::vector<Observation>& out) const;

 private:
  std::uint64_t next_ticket();

  std::atomic<std::uint64_t> tickets_{0};
  bool in_world_ = false;
  std::array<std::vector<Observation>, max_threads> threads_;
};

}  // namespace properties
