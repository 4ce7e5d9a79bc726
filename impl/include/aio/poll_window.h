// PollWindow: busy polling of handlers before the loop goes to sleep (R54 to R69).
//
//   any thread      set_parameters(), set_max(), parameters()
//   home thread     everything else
//
// State ("polling mode"):
//
//     off --run() attempts polling--> on: io_poll_begin of each listed handler was called
//     on  --leave() before a sleep--> off: io_poll_end of each, then one last poll of each
//
// A handler joins the polling list when it is first dispatched (R56). It leaves it when removed,
// and with io_uring, which tells of its fd meanwhile, when busy polling has found nothing of it for
// 7 s (R63); then its next event lists it again.
//
// Invariants
//   1. io_poll_begin and io_poll_end of a handler alternate, beginning with begin, whatever happens
//      to it meanwhile (D7): poll_begun says which is next.
//   2. Polling mode is off whenever the loop sleeps in the kernel (R66).
//   3. A handler whose io_poll_ready is running is not polled, at any depth (R68). If its polling
//      ends meanwhile, it is polled once afterwards.
//   4. A deleted handler is not polled; what end_polling() does for it is the one exception (D7).
//   5. The loop polls for the longest time of a listed handler, 0 being none (R57, R64).
//   6. Poll functions, io_poll_begin and io_poll_end do not poll the context: lists stand still
//      during a walk.
#pragma once

#include <cstddef>
#include <cstdint>

#include "aio/counters.h"
#include "aio/fd_handler.h"
#include "aio/fd_handler_list.h"
#include "aio/fd_monitor.h"
#include "aio/notify_gate.h"
#include "aio/poll_time.h"

namespace aio {

class Context;

class PollWindow {
 public:
  PollWindow(const Context& context, NotifyGate& gate, FdHandlerList& handlers, FdMonitor& monitor,
             const PollParameters& parameters, Counter& polling_ns)
      : context_(context),
        gate_(gate),
        handlers_(handlers),
        monitor_(monitor),
        time_(parameters),
        polling_ns_(polling_ns) {}
  PollWindow(const PollWindow&) = delete;
  PollWindow& operator=(const PollWindow&) = delete;

  /// For how long to poll. In force from the next poll on, every handler's time being 0 then; the
  /// caller notifies.
  void set_parameters(const PollParameters& parameters) { time_.set(parameters); }
  void set_max(std::chrono::nanoseconds max) { time_.set_max(max); }
  [[nodiscard]] PollParameters parameters() const { return time_.parameters(); }

  /// Puts new parameters in force: a poll begins, or somebody asks for a handler's time.
  void refresh();

  /// Whether there is a time to poll, so that the loop has to look at the clock for adjust().
  [[nodiscard]] bool enabled() const { return time_.max_ns() > 0; }

  /// What polling found.
  struct Outcome {
    bool progress = false;  ///< a handler other than the notifier is ready
    bool answered = false;  ///< it, or a notification, ended the busy polling
  };

  /// Polls the listed handlers for the longest of their times but not past *timeout_ns, at least
  /// once, if that is not 0 (R57, R59). Lowers a finite *timeout_ns by the time spent (R61), to 0
  /// if something was found.
  Outcome run(ReadyList& ready, std::int64_t* timeout_ns);

  /// Polls every pollable handler once, listed or not (D6).
  void test_all(ReadyList& ready);

  /// Leaves polling mode; true iff a last poll found something ready (R66).
  bool leave(ReadyList& ready);

  /// For a nested poll, before it sleeps: takes over what a last poll found for a caller, which has
  /// not come to it. The kernel cannot tell, the source was silent (S14.9). True iff any is ready.
  bool take_found(ReadyList& ready);

  /// `handler` is being dispatched: from now on it is polled (R56).
  void join(FdHandler& handler);

  /// Runs io_poll_ready of `handler`, which is not polled meanwhile (R68).
  void call_poll_ready(FdHandler& handler, ReadyList& found_afterwards);

  /// `handler`, if listed, was dispatched `block_ns` after the poll had begun: its time grows,
  /// shrinks or stays. After the dispatch, which may have listed it (R64, R65).
  void adjust(FdHandler& handler, std::int64_t block_ns);

  /// Takes `handler` off the list for good; if its polling had begun, ends it and polls it one last
  /// time. True iff that, or a poll whose finding nobody has dispatched, found it ready (D7).
  bool end_polling(FdHandler& handler);

  /// Handlers on the polling list, the notifier not counted.
  [[nodiscard]] std::size_t listed() const { return listed_; }
  /// Whether polling mode is on.
  [[nodiscard]] bool started() const { return started_; }
  /// Whether a poll function, io_poll_begin or io_poll_end is running.
  [[nodiscard]] bool walking() const { return walking_; }

 private:
  void start();
  bool walk(ReadyList& ready);
  bool tell_kernel(ReadyList& ready);
  [[nodiscard]] std::int64_t longest_time_ns() const;
  bool drop_quiet(ReadyList& ready, std::int64_t now_ns);
  Outcome busy_poll(ReadyList& ready, std::int64_t limit_ns, std::int64_t* timeout_ns);
  bool test(FdHandler& handler);
  void begin(FdHandler& handler);
  void end(FdHandler& handler);

  const Context& context_;
  NotifyGate& gate_;
  FdHandlerList& handlers_;
  FdMonitor& monitor_;
  PollTime time_;
  Counter& polling_ns_;
  IntrusiveList<FdHandler> polling_;
  std::size_t listed_ = 0;
  bool started_ = false;
  bool walking_ = false;
};

}  // namespace aio
