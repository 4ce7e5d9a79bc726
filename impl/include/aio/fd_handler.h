// FdHandler: what is to happen when a file descriptor is ready; ReadyList: those that are.
//
//   FdHandler's registration fields are constant once it is published (R70: a change makes a new
//   node). `deleted` is set by any thread under the list's lock. Everything else belongs to the
//   home thread.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "aio/callback.h"
#include "aio/handover.h"
#include "aio/intrusive_list.h"

namespace aio {

/// The callbacks of one file descriptor, all with the same `opaque`, all run in the home thread.
/// A handler is pollable if it has both io_poll and io_poll_ready (R54).
struct FdCallbacks {
  Callback io_read = nullptr;        ///< readable, hung up or in error (R71)
  Callback io_write = nullptr;       ///< writable or in error
  PollCallback io_poll = nullptr;    ///< tests for work without a system call; must only test (R60)
  Callback io_poll_ready = nullptr;  ///< processes what io_poll found
  Callback io_poll_begin = nullptr;  ///< busy polling starts: the source may stop signalling its fd
  Callback io_poll_end = nullptr;    ///< busy polling stops: it must signal again; pairs with begin
  void* opaque = nullptr;            ///< passed to each
};

class FdHandler : public HandoverLink<FdHandler> {
 public:
  FdHandler(int fd_number, const FdCallbacks& wanted);
  FdHandler(const FdHandler&) = delete;
  FdHandler& operator=(const FdHandler&) = delete;

  [[nodiscard]] bool pollable() const { return callbacks.io_poll != nullptr; }
  [[nodiscard]] bool is_deleted() const { return deleted.load(std::memory_order_acquire); }

  const int fd;
  const FdCallbacks callbacks;   // io_poll is null unless pollable
  const short events;            // poll(2) events to wait for, 0 for none
  bool is_notifier = false;      // the context's own: never progress (R39); set before publishing
  std::uint32_t generation = 0;  // tells this registration of `fd` from others; likewise

  std::atomic<bool> deleted{false};  // pairs release in FdHandlerList::set() / acquire here

  FdHandler* next = nullptr;          // list of all: see FdHandlerList
  FdHandler* prev = nullptr;          // under the list's lock
  FdHandler* removed_next = nullptr;  // under the list's lock, then home thread

  ListHook<FdHandler> ready_hook{this};    // on a ReadyList; home thread from here on
  ListHook<FdHandler> polling_hook{this};  // on the polling list
  short revents = 0;                       // what the kernel said, until dispatched
  bool poll_failed = false;                // its fd cannot be waited for: not asked again
  bool poll_marked = false;                // io_poll said yes, until dispatched
  bool poll_begun = false;                 // io_poll_begin called, io_poll_end not yet
  bool in_poll_ready = false;              // io_poll_ready is running: do not poll (R68)
  bool poll_once_more = false;             // polling ended meanwhile: look again afterwards
  std::int64_t poll_ns = 0;                // busy polling that it has been worth (R64)

  std::atomic<unsigned> ring_wishes{0};  // of the io_uring monitor (ring_monitor.h): any thread
  bool ring_asked = false;               // home thread: a POLL_ADD has been made
  bool ring_removed = false;             // no other will be
  unsigned ring_position = 0;            // where in the submission queue it was made
};

/// Handlers to dispatch, in the frame of the poll that found them. Home thread. A handler is on at
/// most one ReadyList: found again by a nested poll, it leaves its parent's (R51).
class ReadyList {
 public:
  [[nodiscard]] bool empty() const { return list_.empty(); }

  /// The kernel reports `revents` (poll(2) bits) for `handler`.
  void add_events(FdHandler& handler, short revents) {
    handler.revents = revents;
    add(handler);
  }

  /// The poll function of `handler` said yes.
  void add_polled(FdHandler& handler) {
    handler.poll_marked = true;
    add(handler);
  }

  /// Moves everything from `other` here.
  void take_from(ReadyList& other) {
    while (FdHandler* handler = other.pop()) add(*handler);
  }

  FdHandler* pop() { return list_.pop_front(); }

 private:
  void add(FdHandler& handler) {
    handler.ready_hook.unlink();
    list_.push_front(handler.ready_hook);  // newest first, hence R76
  }

  IntrusiveList<FdHandler> list_;
};

}  // namespace aio
