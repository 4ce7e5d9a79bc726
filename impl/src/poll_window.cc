#include "aio/poll_window.h"

#include <algorithm>

#include "aio/timer.h"
#include "aio/trace.h"
#include "check.h"
#include "timeout.h"

namespace aio {

namespace {
constexpr std::int64_t quiet_ns = 7'000'000'000;  // after which polling a source is given up (R63)
}  // namespace

// ---- one handler ----

bool PollWindow::test(FdHandler& handler) {
  walking_ = true;
  const bool ready = detail::call(handler.callbacks.io_poll, handler.callbacks.opaque);
  walking_ = false;
  return ready;
}

void PollWindow::begin(FdHandler& handler) {
  if (handler.poll_begun) return;
  handler.poll_begun = true;
  if (handler.callbacks.io_poll_begin == nullptr) return;
  walking_ = true;
  detail::call(handler.callbacks.io_poll_begin, handler.callbacks.opaque);
  walking_ = false;
}

void PollWindow::end(FdHandler& handler) {
  if (!handler.poll_begun) return;
  handler.poll_begun = false;
  if (handler.callbacks.io_poll_end == nullptr) return;
  walking_ = true;
  detail::call(handler.callbacks.io_poll_end, handler.callbacks.opaque);
  walking_ = false;
}

void PollWindow::join(FdHandler& handler) {
  if (!handler.pollable() || handler.polling_hook.linked()) return;
  polling_.push_front(handler.polling_hook);
  if (!handler.is_notifier) ++listed_;
  if (started_) begin(handler);
}

bool PollWindow::end_polling(FdHandler& handler) {
  if (handler.polling_hook.linked()) {
    handler.polling_hook.unlink();
    handler.quiet_since_ns = -1;
    if (!handler.is_notifier) --listed_;
  }
  const bool last_poll_due = handler.poll_begun || handler.poll_once_more;
  end(handler);
  handler.poll_once_more = false;
  // What a last poll found of it and nobody has dispatched is not lost with it: its source was
  // silent.
  return last_poll_due ? test(handler) : handler.poll_marked;
}

void PollWindow::call_poll_ready(FdHandler& handler, ReadyList& found_afterwards) {
  handler.in_poll_ready = true;
  detail::call(handler.callbacks.io_poll_ready, handler.callbacks.opaque);
  handler.in_poll_ready = false;
  if (!handler.poll_once_more || handler.is_deleted()) return;  // end_polling() looks for it
  handler.poll_once_more = false;
  if (test(handler)) found_afterwards.add_polled(handler);
}

// ---- all of them ----

/// Polls each listed handler once.
bool PollWindow::walk(ReadyList& ready) {
  bool progress = false;
  for (auto* hook = polling_.begin(); hook != polling_.end(); hook = hook->next()) {
    FdHandler& handler = *hook->owner();
    if (handler.is_notifier || handler.in_poll_ready || handler.is_deleted()) continue;
    if (test(handler)) {
      ready.add_polled(handler);
      progress = true;
    }
  }
  return progress;
}

void PollWindow::test_all(ReadyList& ready) {
  if (handlers_.live() == handlers_.unpollable()) return;  // thousands of fds, none to poll
  for (FdHandler* handler = handlers_.first(); handler != nullptr; handler = handler->next) {
    if (!handler->pollable() || handler->is_notifier || handler->in_poll_ready) continue;
    if (!handler->is_deleted() && test(*handler)) ready.add_polled(*handler);
  }
}

// ---- for how long ----

void PollWindow::refresh() {
  if (!time_.take_over()) return;
  for (FdHandler* handler = handlers_.first(); handler != nullptr; handler = handler->next) {
    handler->poll_ns = 0;
  }
}

std::int64_t PollWindow::longest_time_ns() const {
  std::int64_t longest_ns = 0;
  for (auto* hook = polling_.begin(); hook != polling_.end(); hook = hook->next()) {
    const FdHandler& handler = *hook->owner();
    if (!handler.is_deleted()) longest_ns = std::max(longest_ns, handler.poll_ns);
  }
  return longest_ns;
}

void PollWindow::adjust(FdHandler& handler, std::int64_t block_ns) {
  if (!handler.polling_hook.linked()) return;
  const std::int64_t was_ns = handler.poll_ns;
  handler.poll_ns = time_.adjusted(was_ns, block_ns);
  TraceEvent event{TraceKind::poll_time, &context_, handler.poll_ns};
  event.fd = handler.fd;
  event.was_ns = was_ns;
  event.block_ns = block_ns;
  trace(event);
}

// ---- polling mode ----

bool PollWindow::take_found(ReadyList& ready) {
  if (handlers_.live() == handlers_.unpollable()) return false;
  bool progress = false;
  // Not all of them are listed: a successor is marked by what was found of its predecessor.
  for (FdHandler* handler = handlers_.first(); handler != nullptr; handler = handler->next) {
    if (!handler->poll_marked || handler->in_poll_ready || handler->is_deleted()) continue;
    if (test(*handler)) {
      ready.add_polled(*handler);
      progress = true;
    }
  }
  return progress;
}

void PollWindow::start() {
  if (started_) return;
  started_ = true;
  for (auto* hook = polling_.begin(); hook != polling_.end(); hook = hook->next()) {
    if (!hook->owner()->is_deleted()) begin(*hook->owner());
  }
}

bool PollWindow::leave(ReadyList& ready) {
  if (!started_) return false;
  started_ = false;
  bool progress = false;
  for (auto* hook = polling_.begin(); hook != polling_.end(); hook = hook->next()) {
    FdHandler& handler = *hook->owner();
    if (handler.is_notifier || handler.is_deleted()) continue;  // end_polling() is due for it
    end(handler);
    if (handler.in_poll_ready) {
      handler.poll_once_more = true;
    } else if (test(handler)) {  // what came before the end took effect sent no signal
      ready.add_polled(handler);
      progress = true;
    }
  }
  return progress;
}

PollWindow::Outcome PollWindow::run(ReadyList& ready, std::int64_t* timeout_ns) {
  if (*timeout_ns == 0) {
    // No time to poll, but sources that were told to be silent must be looked at (D6).
    if (started_) walk(ready);
    return {};
  }
  const std::int64_t longest_ns = longest_time_ns();
  if (longest_ns == 0) return {};
  if (monitor_.need_wait() && !tell_kernel(ready)) {
    if (!ready.empty()) *timeout_ns = 0;
    return {};
  }
  return busy_poll(ready, detail::sooner(*timeout_ns, longest_ns), timeout_ns);
}

/// Polling may begin only when the monitor has nothing to do (R57). With io_uring that can be had
/// at once, by telling the kernel of the handlers that have been served since: or else every event
/// of an fd would keep the poll after it from polling. True iff polling may begin.
bool PollWindow::tell_kernel(ReadyList& ready) {
  if (!monitor_.supports_busy_polling()) return false;
  monitor_.wait(ready, 0);
  return ready.empty() && !monitor_.need_wait();
}

/// Busy polling is over at `now_ns`: sources that it has found nothing of for too long leave the
/// list; their fds are watched. True iff a last poll found one ready, which is served as any other
/// and so listed again (R56).
bool PollWindow::drop_quiet(ReadyList& ready, std::int64_t now_ns) {
  bool progress = false;
  for (auto* hook = polling_.begin(); hook != polling_.end();) {
    FdHandler& handler = *hook->owner();
    hook = hook->next();
    if (handler.is_notifier || handler.in_poll_ready || handler.is_deleted()) continue;
    if (handler.poll_marked) {
      handler.quiet_since_ns = -1;
    } else if (handler.quiet_since_ns < 0) {
      handler.quiet_since_ns = now_ns;
    } else if (now_ns - handler.quiet_since_ns >= quiet_ns && end_polling(handler)) {
      ready.add_polled(handler);
      progress = true;
    }
  }
  return progress;
}

PollWindow::Outcome PollWindow::busy_poll(ReadyList& ready, std::int64_t limit_ns,
                                          std::int64_t* timeout_ns) {
  trace({TraceKind::poll_begin, &context_, limit_ns, false, *timeout_ns});
  const std::int64_t start_ns = now_ns();
  start();
  Outcome outcome;
  std::int64_t elapsed_ns = 0;
  // Bounded by the clock; another thread's work is noticed through its notify() (R44).
  do {
    outcome.progress = walk(ready);
    elapsed_ns = now_ns() - start_ns;
  } while (!outcome.progress && !gate_.notified() && elapsed_ns < limit_ns &&
           !monitor_.need_wait());
  polling_ns_.add_ns(elapsed_ns);
  outcome.answered = outcome.progress || gate_.notified() ||
                     (monitor_.supports_busy_polling() && monitor_.need_wait());
  *timeout_ns = outcome.answered ? 0 : detail::remaining_ns(*timeout_ns, elapsed_ns);
  trace({TraceKind::poll_end, &context_, elapsed_ns, outcome.progress, *timeout_ns});
  if (monitor_.supports_busy_polling() && drop_quiet(ready, start_ns + elapsed_ns)) {
    outcome = {true, true};
    *timeout_ns = 0;
  }
  return outcome;
}

}  // namespace aio
