// ForeignLoop: a context that is not polled but served by somebody else's event loop, which waits
// in its place (R29 to R34): GLib's (glib_source.h), or any that waits with poll(2) or epoll(7).
//
//   home thread     everything: the thread of the foreign loop is the context's home
//
// One iteration of the foreign loop, in this order; prepare() without the rest is allowed (R32) and
// costs needless event fd writes:
//
//     prepare --> wait for the fds, at most so long --> check --> dispatch, if it said yes
//
// Between two iterations, and in callbacks, the context may be polled as well.
//
// Invariants
//   1. From prepare() to check() bit 0 of notify_me is set: every notify() writes the event fd,
//      which is one of the fds. A bit, not a count, because of R32 (R33).
//   2. Polling mode is off while the foreign loop waits (R66).
//   3. What prepare() finds ready makes its timeout 0; check() tells of it.
//
// Barriers: those of NotifyGate::raise_foreign() and lower_foreign().
#pragma once

#include <poll.h>

#include <cstdint>

#include "aio/context.h"

namespace aio {

class ForeignLoop {
 public:
  /// `context` must outlive it.
  explicit ForeignLoop(Context& context) : context_(context) {}
  /// Takes prepare() back.
  ~ForeignLoop();
  ForeignLoop(const ForeignLoop&) = delete;
  ForeignLoop& operator=(const ForeignLoop&) = delete;

  /// How long the foreign loop may wait: ms, rounded up (R28); -1 for ever, 0 not at all. (R29)
  [[nodiscard]] int prepare();

  /// An fd to wait for.
  struct Watch {
    int fd;
    short events;              ///< poll(2) bits
    std::uint64_t generation;  ///< tells it from another registration of the same fd; never 0
  };

  static constexpr std::uint64_t ring_generation = ~std::uint64_t{0};

  /// Calls `visit(const Watch&)` for each fd to wait for: io_uring's, then the handlers', the
  /// latest registered first. Between prepare() and check().
  template <class Visit>
  void for_each_watch(const Visit& visit) const;

  /// The foreign loop saw `revents`, poll(2) bits, of the watch of that generation. Nothing if it
  /// is gone. After check().
  void report(int fd, std::uint64_t generation, short revents);

  /// The wait is over; whether dispatch() is due, be it that some fd was ready, `fds_ready`, that a
  /// bottom half is scheduled, idle ones included, or that a timer has expired. (R30)
  [[nodiscard]] bool check(bool fds_ready);

  /// Runs bottom halves, then handlers of which report() told, then timers. True iff a callback
  /// made progress. (R31)
  bool dispatch();

 private:
  void ask_ring(ReadyList& ready);

  Context& context_;
};

template <class Visit>
void ForeignLoop::for_each_watch(const Visit& visit) const {
  const int ring_fd = context_.monitor_.ring_fd();
  if (ring_fd >= 0) visit(Watch{ring_fd, POLLIN, ring_generation});
  const Context::Visit visiting(context_);
  for (const FdHandler* handler = context_.handlers_.first(); handler != nullptr;
       handler = handler->next) {
    if (handler->is_deleted() || handler->events == 0 || handler->not_open) continue;
    visit(Watch{handler->fd, handler->events, std::uint64_t{handler->generation} + 1});
  }
}

}  // namespace aio
