#include "aio/context.h"

#include <poll.h>

#include "check.h"
#include "poll_max_ns.h"
#include "timeout.h"

namespace aio {

namespace {

FdMonitorPolicy policy_of(const ContextOptions& options) {
  FdMonitorPolicy policy;
  policy.use_io_uring = options.monitor == Monitor::io_uring;
  policy.ring_entries = options.ring_entries;
  policy.use_epoll = options.monitor != Monitor::ppoll;
  policy.upgrade_threshold = options.monitor == Monitor::epoll ? 0 : options.upgrade_threshold;
  return policy;
}

PollParameters poll_parameters_of(const ContextOptions& options) {
  PollParameters parameters;
  parameters.max = std::chrono::nanoseconds(options.poll_max_ns ? *options.poll_max_ns
                                                                : detail::default_poll_max_ns());
  parameters.grow = options.poll_grow;
  parameters.shrink = options.poll_shrink;
  return parameters;
}

constexpr std::int64_t not_measured = -1;

}  // namespace

Context::Context(const ContextOptions& options)
    : measure_sleeps_(options.measure_sleeps),
      handlers_(gate_),
      monitor_(*this, handlers_, policy_of(options)),
      window_(*this, gate_, handlers_, monitor_, poll_parameters_of(options), counters_.polling_ns),
      bottom_halves_(*this, home_, gate_),
      timers_(gate_) {
  FdCallbacks notifier;
  notifier.io_read = [](void* context) { static_cast<Context*>(context)->take_event(); };
  notifier.io_poll = [](void* context) { return static_cast<Context*>(context)->gate_.notified(); };
  notifier.io_poll_ready = [](void*) {};  // every poll accepts
  notifier.opaque = this;
  handlers_.set(gate_.event().fd(), notifier, true);
  gate_.accept();  // of the line above; nobody else has a word yet
}

Context::~Context() {
  AIO_CHECK(visits_ == 0);
  const Visit visit(*this);  // polling that had begun ends with it (D7)
  handlers_.set(gate_.event().fd(), FdCallbacks{});
  for (FdHandler* handler = handlers_.first(); handler != nullptr; handler = handler->next) {
    if (!handler->is_deleted()) handlers_.set(handler->fd, FdCallbacks{});
  }
}

// ---- the home thread ----

void Context::claim_home_thread() {
  const bool polled_by_its_home_thread = home_.claim();
  AIO_CHECK(polled_by_its_home_thread);
}

void Context::bind_home_thread() {
  AIO_CHECK(visits_ == 0);
  home_.bind();
}

void Context::release_home_thread() {
  AIO_CHECK(in_home_thread() && visits_ == 0);
  home_.release();
}

// ---- one poll ----

bool Context::poll(bool blocking) {
  claim_home_thread();
  AIO_CHECK(!window_.walking());  // poll functions only test (R60)
  monitor_.reserve();             // the one step that can fail, before anything has happened
  counters_.polls.add(1);
  ++visits_;
  bool progress = false;
  if (blocking || handlers_in_play()) {
    progress = poll_handlers(blocking);
  } else {
    gate_.accept();
    progress = run_bottom_halves();
  }
  --visits_;
  if (timers_.run()) progress = true;
  return progress;
}

/// Whether a poll that does not block has to look at handlers or at what the monitor has to do.
bool Context::handlers_in_play() const {
  return handlers_.live() != 0 || handlers_.has_removed() || retired_ != nullptr ||
         !found_late_.empty() || monitor_.need_wait();
}

/// One poll without its timers.
bool Context::poll_handlers(bool blocking) {
  const Visit visit(*this);
  retire_removed();
  window_.refresh();
  const std::int64_t begin_ns = window_.enabled() ? now_ns() : not_measured;
  ReadyList ready;
  std::int64_t timeout = blocking ? timeout_ns() : 0;
  if (!found_late_.empty()) {
    ready.take_from(found_late_);
    timeout = 0;
  }
  PollWindow::Outcome polled;
  if (blocking) {
    polled = window_.run(ready, &timeout);
  } else {
    window_.test_all(ready);
  }
  bool progress = polled.progress;
  AIO_CHECK(timeout == 0 || !progress);  // R53
  if (wait_for_events(ready, timeout, polled.answered)) progress = true;
  gate_.accept();
  const bool measure = begin_ns != not_measured && !ready.empty();
  const std::int64_t block_ns = measure ? now_ns() - begin_ns : not_measured;
  if (run_bottom_halves()) progress = true;
  if (dispatch(ready, block_ns)) progress = true;
  return progress;
}

/// Asks the kernel, sleeping up to `timeout`. True iff leaving polling mode found something ready.
bool Context::wait_for_events(ReadyList& ready, std::int64_t timeout, bool answered) {
  bool progress = timeout != 0 && visits_ > 1 && window_.take_found(ready);
  if (progress) timeout = 0;
  const bool armed = timeout != 0;  // remembered: below, timeout can become 0 (R41)
  if (armed) {
    gate_.raise();
    if (gate_.notified()) timeout = 0;  // it came before the event fd would have been written
  }
  if (timeout != 0 && window_.leave(ready)) {
    timeout = 0;
    progress = true;
  }
  if (timeout != 0) {
    sleep(ready, timeout);
  } else if (kernel_may_know_more(answered)) {
    monitor_.wait(ready, 0);
  }
  if (armed) gate_.lower();
  return progress;
}

void Context::sleep(ReadyList& ready, std::int64_t timeout) {
  counters_.sleeps.add(1);
  const std::int64_t begin_ns = measure_sleeps_ ? now_ns() : 0;
  monitor_.wait(ready, timeout);
  if (measure_sleeps_) counters_.sleeping_ns.add_ns(now_ns() - begin_ns);
}

/// The event fd was set: somebody notified while the loop slept or was about to.
void Context::take_event() {
  const std::uint64_t writes = gate_.clear_event();
  if (writes == 0) return;
  counters_.wakeups.add(1);
  counters_.event_fd_writes.add(writes);
}

/// Whether a poll that does not sleep has to ask the kernel: some handler's fd was not covered by
/// poll functions (R50, D6). `answered`: busy polling found something, so that its sources were
/// looked at.
bool Context::kernel_may_know_more(bool answered) const {
  const std::size_t live = handlers_.live();
  return monitor_.need_wait() || (answered ? live != window_.listed() : live != 0);
}

/// And before them the callbacks of completed requests (R84b).
bool Context::run_bottom_halves() {
  const bool completed = monitor_.has_completions();
  if (completed) {
    bottom_halves_.follow_accept();  // they may poll
    monitor_.run_completions();
  }
  BottomHalfQueue::Slice slice(bottom_halves_);
  // A bottom half may free what a handler removed before it was scheduled used: the handler's last
  // callback, io_poll_end, comes first. Hence after the take-over, before the calls.
  if (handlers_.has_removed()) {
    const Visit visit(*this);
    retire_removed();
  }
  return bottom_halves_.run(counters_.bottom_halves) || completed;
}

std::int64_t Context::timeout_ns() {
  const std::int64_t timeout = bottom_halves_.timeout_ns();
  if (timeout == 0) return 0;
  return detail::sooner(timeout, timers_.deadline_ns());
}

int Context::timeout_ms() { return detail::ns_to_ms(timeout_ns()); }

bool Context::add_request(RingRequest& request) {
  if (!monitor_.add(request)) return false;
  gate_.notify();  // unless home itself adds it, it may sleep
  return true;
}

void Context::set_poll_parameters(const PollParameters& parameters) {
  window_.set_parameters(parameters);
  gate_.notify();
}

void Context::set_poll_max_ns(std::int64_t ns) {
  window_.set_max(std::chrono::nanoseconds(ns));
  gate_.notify();
}

std::int64_t Context::handler_poll_ns(int fd) {
  const Visit visit(*this);
  window_.refresh();
  const auto guard = handlers_.lock();
  const FdHandler* handler = handlers_.find_live(fd);
  return handler != nullptr ? handler->poll_ns : 0;
}

// ---- handlers ----

/// `block_ns`: from the poll's beginning to the end of its wait.
bool Context::dispatch(ReadyList& ready, std::int64_t block_ns) {
  bool progress = false;
  while (FdHandler* handler = ready.pop()) {
    if (dispatch_one(*handler, block_ns)) progress = true;
  }
  return progress;
}

namespace {

bool calls_io_read(const FdHandler& handler, int revents) {
  return (revents & (POLLIN | POLLHUP | POLLERR)) != 0 && handler.callbacks.io_read != nullptr;
}

}  // namespace

/// Runs the callbacks that are due. io_read stands in for io_poll_ready (R68), io_write does not:
/// what was found in the last poll of a silent source would be lost.
bool Context::dispatch_one(FdHandler& handler, std::int64_t block_ns) {
  const int revents = handler.revents & handler.events;
  const bool polled = handler.poll_marked && !calls_io_read(handler, revents);
  if (handler.is_deleted()) return false;  // with its mark, which is the successor's
  handler.revents = 0;
  handler.poll_marked = false;
  if (revents == 0 && !polled) return false;
  window_.join(handler);
  bool called = polled && !handler.in_poll_ready;
  if (called) window_.call_poll_ready(handler, found_late_);
  if (call_fd_callbacks(handler, revents)) called = true;
  if (called && block_ns != not_measured) window_.adjust(handler, block_ns);
  return called && !handler.is_notifier;  // R39
}

/// Deletion is looked at before each (R75).
bool Context::call_fd_callbacks(FdHandler& handler, int revents) {
  const FdCallbacks& callbacks = handler.callbacks;
  bool called = false;
  if (calls_io_read(handler, revents) && !handler.is_deleted()) {
    detail::call(callbacks.io_read, callbacks.opaque);
    called = true;
  }
  if ((revents & (POLLOUT | POLLERR)) != 0 && callbacks.io_write != nullptr &&
      !handler.is_deleted()) {
    detail::call(callbacks.io_write, callbacks.opaque);
    called = true;
  }
  return called;
}

void Context::set_fd_handler(int fd, const FdCallbacks& callbacks) {
  handlers_.set(fd, callbacks);
  after_change();
}

void Context::set_fd_poll_hooks(int fd, Callback io_poll_begin, Callback io_poll_end) {
  handlers_.set_poll_hooks(fd, io_poll_begin, io_poll_end);
  after_change();
}

/// The home thread does not return from a change before the polling of all that is removed has
/// ended, another thread's removals included: no callback of them starts later (R69). From inside a
/// poll function, as for a change by another thread, it ends in the next visit.
void Context::after_change() {
  if (!in_home_thread() || window_.walking()) return;
  if (!handlers_.has_removed() && retired_ == nullptr) return;
  const Visit retires_them(*this);
}

/// The handler that replaced one found ready by its last poll inherits the finding.
void Context::mark_successor_ready(int fd) {
  const auto guard = handlers_.lock();
  FdHandler* handler = handlers_.find_live(fd);
  if (handler != nullptr && handler->pollable()) found_late_.add_polled(*handler);
}

/// Ends the polling of handlers removed since the last time. Within a visit: neighbours of theirs
/// on home's lists change.
void Context::retire_removed() {
  if (!handlers_.has_removed()) return;
  AIO_CHECK(handlers_.visits() != 0);
  FdHandler* handler = handlers_.take_removed();
  while (handler != nullptr) {
    FdHandler* next = handler->removed_next;
    handler->removed_next = retired_;
    retired_ = handler;
    handler->ready_hook.unlink();
    if (window_.end_polling(*handler)) mark_successor_ready(handler->fd);
    handler = next;
  }
}

/// The outermost visit frees what was removed meanwhile (R74).
void Context::end_visit() {
  retire_removed();
  handlers_.end_visit(handlers_.visits() == 1 ? take_free_retired() : nullptr);
}

/// Of the retired handlers those that nothing refers to.
FdHandler* Context::take_free_retired() {
  FdHandler* retired = retired_;
  FdHandler* unreferenced = nullptr;
  retired_ = nullptr;
  while (FdHandler* handler = retired) {
    retired = handler->removed_next;
    FdHandler*& list = monitor_.may_free(*handler) ? unreferenced : retired_;
    handler->removed_next = list;
    list = handler;
  }
  return unreferenced;
}

}  // namespace aio
