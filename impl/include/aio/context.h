// Context: an event loop. One thread polls it; any thread gives it work.
//
//   any thread      notify(), new_bh(), schedule_oneshot(), set_fd_handler(), remove_fd_handler(),
//                   set_fd_poll_hooks(), set_event_notifier(), set_poll_parameters(),
//                   set_poll_max_ns(), timers of it
//   home thread     poll(), timeout_ns(), timeout_ms(), handler_poll_ns(), release_home_thread()
//
// The home thread is the first one that polls, or the one that said bind_home_thread(), until it
// says release_home_thread(). Polling from another thread aborts (R45).
//
// One poll (R46):
//
//     timeout --> busy polling --> arm --> kernel wait --> disarm --> accept --> bottom halves
//         --> ready handlers --> free removed handlers --> timers
//
// Callbacks may poll their own context (nested); see bottom_half.h, fd_handler.h and timer.h for
// what a nested poll runs.
//
// Invariants
//   1. notify_me is the same before and after a poll.
//   2. While a poll looks at handlers none is freed. Polls that find nothing but bottom halves and
//      timers do not visit the handlers.
//   3. The event fd is written only between arm and disarm (R36).
//   4. Work announced before a completed notify() is looked at by a poll that does not sleep first.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "aio/bottom_half.h"
#include "aio/coroutine_queue.h"
#include "aio/counters.h"
#include "aio/fd_handler_list.h"
#include "aio/fd_monitor.h"
#include "aio/home_thread.h"
#include "aio/notify_gate.h"
#include "aio/poll_window.h"
#include "aio/ring_request.h"
#include "aio/timer.h"

namespace aio {

/// How a context waits in the kernel.
enum class Monitor {
  ppoll,       ///< ppoll(2) always
  epoll_auto,  ///< ppoll(2), and epoll(7) from upgrade_threshold fds on (R80)
  epoll,       ///< epoll(7) from the start
  io_uring,    ///< io_uring(7); where it cannot be set up, as epoll_auto
};

struct ContextOptions {
  Monitor monitor = Monitor::epoll_auto;
  /// Fds from which epoll_auto uses epoll; the context's own event fd counts.
  std::size_t upgrade_threshold = 64;
  /// Entries of io_uring's submission queue, a power of two; more work goes in several parts.
  unsigned ring_entries = 256;
  /// Busy polling at most so many ns before each sleep; 0: none. Not given: the environment
  /// variable QEMU_AIO_POLL_MAX_NS, else 0 (D3).
  std::optional<std::int64_t> poll_max_ns = std::nullopt;
  std::uint32_t poll_grow = 0;    ///< see PollParameters
  std::uint32_t poll_shrink = 0;  ///< see PollParameters
  /// Counters::sleeping is kept: two looks at the clock a sleep.
  bool measure_sleeps = true;
};

class Context {
 public:
  /// Throws std::system_error if the event fd cannot be made, std::bad_alloc; nothing is left
  /// behind then. Without epoll the context uses ppoll. (R97)
  explicit Context(const ContextOptions& options = {});

  /// With no thread in any method. Handlers still set are removed. Aborts if a bottom half is
  /// pending and not deleted, naming it, or if a timer is armed. (R98)
  ~Context();

  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  /// Makes a poll in progress return, or the next one not block; by itself it is no progress.
  /// Any thread; the context must stay alive until it returns. (R36)
  void notify() { gate_.notify(); }

  /// One iteration. `blocking`: sleeps until there is something to do or notify(); otherwise looks
  /// at everything once and returns. True iff a callback made progress (R48); a blocking call may
  /// return false. Signals do not end it (D8). Home thread; callbacks may nest it. Throws
  /// std::bad_alloc before it has done anything.
  bool poll(bool blocking);

  /// A bottom half, not scheduled; the caller deletes it. `name` must outlive it, as must `guard`,
  /// which is engaged while its callback runs (R23). Any thread. Throws std::bad_alloc.
  [[nodiscard]] BottomHalf* new_bh(Callback callback, void* opaque, const char* name = "bh",
                                   ReentrancyGuard* guard = nullptr) {
    return bottom_halves_.create(callback, opaque, name, guard);
  }

  /// The same, deleted by its owner's going.
  [[nodiscard]] BottomHalfHandle make_bh(Callback callback, void* opaque, const char* name = "bh",
                                         ReentrancyGuard* guard = nullptr) {
    return BottomHalfHandle(new_bh(callback, opaque, name, guard));
  }

  /// Calls back once in the home thread. Any thread. Throws std::bad_alloc. (R22)
  void schedule_oneshot(Callback callback, void* opaque, const char* name = "oneshot") {
    bottom_halves_.schedule_oneshot(callback, opaque, name);
  }

  /// Sets or replaces the callbacks of `fd`; with none, removes them. Level-triggered. Any thread;
  /// but a removal by another thread does not wait for a callback in progress: its opaque may go
  /// once a bottom half scheduled after the removal has run. In the home thread none of the
  /// callbacks starts after the removal returns. Remove before closing `fd`: a handler whose fd is
  /// closed may hear of an error, once, and is not heard of again until it is set again; its number
  /// may be another file's by then. Throws std::bad_alloc with nothing changed. (R70 to R75, R81,
  /// R84.9, D7)
  void set_fd_handler(int fd, const FdCallbacks& callbacks);
  void remove_fd_handler(int fd) { set_fd_handler(fd, FdCallbacks{}); }

  /// Changes io_poll_begin and io_poll_end of `fd`; counts as replacing the handler. Nothing for an
  /// unknown fd. Any thread. Throws std::bad_alloc.
  void set_fd_poll_hooks(int fd, Callback io_poll_begin, Callback io_poll_end);

  /// Has an io_uring operation of the user's own made on the context's ring; see ring_request.h.
  /// False, and nothing is done, unless monitor_name() is "io_uring". `request` is in use until its
  /// completion callback or, if that does not come, the end of the context. Any thread. Wakes the
  /// loop. (R84b)
  [[nodiscard]] bool add_request(RingRequest& request);

  /// set_fd_handler() for a notifier; io_read is expected to call test_and_clear().
  void set_event_notifier(const EventNotifier& notifier, const FdCallbacks& callbacks) {
    set_fd_handler(notifier.fd(), callbacks);
  }

  /// How to poll busily before each sleep, from the next poll on; handlers have to earn their time
  /// anew. Any thread. (R64, D3)
  void set_poll_parameters(const PollParameters& parameters);
  /// The same with only the maximum changed; in ns, 0 or less: no busy polling.
  void set_poll_max_ns(std::int64_t ns);
  /// What was set last. Any thread.
  [[nodiscard]] PollParameters poll_parameters() const { return window_.parameters(); }
  [[nodiscard]] std::int64_t poll_max_ns() const { return poll_parameters().max.count(); }

  /// How long busy polling for the handler of `fd` has been worth it, in ns; 0 for an unknown fd.
  /// The loop polls for the longest of these times. Home thread. (R64)
  [[nodiscard]] std::int64_t handler_poll_ns(int fd);

  /// How long a blocking poll may sleep as bottom halves and timers go: ns, -1 for ever, 0 not at
  /// all (R24 to R26). Home thread.
  [[nodiscard]] std::int64_t timeout_ns();
  /// The same for poll(2) and its kind: ms, rounded up, so that nobody wakes before the time (R28).
  [[nodiscard]] int timeout_ms();

  /// Makes the calling thread the home thread. Nobody may be polling; the old home thread must have
  /// ended or said release_home_thread(), and handed over (a join, a lock).
  void bind_home_thread();
  /// From here on the calling thread is one like others, and another may poll or bind. Home thread,
  /// not from within a poll.
  void release_home_thread();
  /// Whether the caller is the home thread; false while there is none.
  [[nodiscard]] bool in_home_thread() const { return home_.is_current(); }

  /// What the context has done so far. Any thread.
  [[nodiscard]] Counters counters() const { return counters_.get(); }

  [[nodiscard]] TimerList& timers() { return timers_; }

  /// See coroutine.h.
  [[nodiscard]] CoroutineQueue& coroutines() { return coroutines_; }

  /// For tests and tools: a look at what the invariants speak of. Home thread or at rest.
  [[nodiscard]] std::uint32_t notify_me() const { return gate_.notify_me(); }
  [[nodiscard]] std::size_t poll_disable_count() const { return handlers_.unpollable(); }
  [[nodiscard]] int visits() const { return visits_; }
  [[nodiscard]] std::uint32_t handler_visits() const { return handlers_.visits(); }
  [[nodiscard]] bool polling_mode() const { return window_.started(); }
  [[nodiscard]] const char* monitor_name() const { return monitor_.name(); }

 private:
  friend class ForeignLoop;

  /// Handlers are looked at: none is freed meanwhile.
  class Visit {
   public:
    explicit Visit(Context& context) : context_(context) { context_.handlers_.begin_visit(); }
    ~Visit() { context_.end_visit(); }
    Visit(const Visit&) = delete;
    Visit& operator=(const Visit&) = delete;

   private:
    Context& context_;
  };

  void claim_home_thread();
  void end_visit();
  [[nodiscard]] bool handlers_in_play() const;
  bool poll_handlers(bool blocking);
  void sleep(ReadyList& ready, std::int64_t timeout);
  void take_event();
  bool wait_for_events(ReadyList& ready, std::int64_t timeout, bool answered);
  [[nodiscard]] bool kernel_may_know_more(bool answered) const;
  bool run_bottom_halves();
  bool dispatch(ReadyList& ready, std::int64_t block_ns);
  bool dispatch_one(FdHandler& handler, std::int64_t block_ns);
  static bool call_fd_callbacks(FdHandler& handler, int revents);
  void after_change();
  void mark_successor_ready(int fd);
  void retire_removed();
  FdHandler* take_free_retired();

  NotifyGate gate_;  // first: its failure must leave nothing behind
  HomeThread home_;
  LiveCounters counters_;
  const bool measure_sleeps_;
  FdHandlerList handlers_;
  FdMonitor monitor_;
  PollWindow window_;
  BottomHalfQueue bottom_halves_;
  TimerList timers_;
  CoroutineQueue coroutines_{*this};
  int visits_ = 0;                // polls between their first step and their timers; home thread
  ReadyList found_late_;          // ready, to be dispatched by the next poll; home thread
  FdHandler* retired_ = nullptr;  // removed, polling ended, to be freed; home thread
};

}  // namespace aio
