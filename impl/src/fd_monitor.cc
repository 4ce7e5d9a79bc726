#include "aio/fd_monitor.h"

#include "aio/timer.h"
#include "aio/trace.h"
#include "ring_monitor.h"
#include "timeout.h"

namespace aio {

namespace {
constexpr std::int64_t ring_retry_ns = 1'000'000;  // how long a ring that is short of memory rests
}  // namespace

FdMonitor::FdMonitor(const Context& context, FdHandlerList& handlers, const FdMonitorPolicy& policy)
    : context_(context),
      handlers_(handlers),
      policy_(policy),
      ring_(policy.use_io_uring ? make_ring_monitor(policy.ring_entries, handlers) : nullptr),
      epoll_(policy.use_epoll && ring_ == nullptr) {
  handlers_.attach(*this);
}

FdMonitor::~FdMonitor() = default;

void FdMonitor::reserve() {
  // More than live(): the notifier and a ring. Handlers added later find the array too short; see
  // wait().
  poll_.reserve(handlers_.live() + 2);
}

void FdMonitor::update(FdHandler* old_handler, FdHandler* new_handler) {
  if (ring_ != nullptr) {
    ring_->update(old_handler, new_handler);
  } else {
    epoll_.update(old_handler, new_handler);
  }
}

bool FdMonitor::may_free(FdHandler& removed) {
  return ring_ == nullptr || ring_->may_free(removed);
}

bool FdMonitor::refers_to(const FdHandler& handler) const {
  return ring_ != nullptr && ring_->refers_to(handler);
}

bool FdMonitor::add(RingRequest& request) {
  if (ring_ != nullptr) ring_->add(request);
  return ring_ != nullptr;
}

bool FdMonitor::has_completions() const { return ring_ != nullptr && ring_->has_completions(); }

void FdMonitor::run_completions() { ring_->run_completions(); }

/// While the kernel takes no requests, what the ring has not been told of is asked for by ppoll.
void FdMonitor::wait_by_ring(ReadyList& ready, std::int64_t timeout_ns) {
  const std::int64_t deadline_ns = timeout_ns > 0 ? now_ns() + timeout_ns : timeout_ns;
  while (!ring_->wait(ready, deadline_ns)) {
    poll_.fill_beside(handlers_, *ring_);
    const bool truncated = poll_.truncated();
    std::int64_t left_ns = timeout_ns;  // the ring may have slept
    if (timeout_ns > 0) left_ns = detail::remaining_ns(deadline_ns, now_ns());
    poll_.wait(ready, truncated ? 0 : detail::sooner(left_ns, ring_retry_ns));
    if (truncated || left_ns == 0 || !ready.empty()) return;
  }
}

void FdMonitor::wait(ReadyList& ready, std::int64_t timeout_ns) {
  if (ring_ != nullptr) {
    wait_by_ring(ready, timeout_ns);
    return;
  }
  if (epoll_.active()) {
    epoll_.wait(handlers_, ready, timeout_ns);
    return;
  }
  if (epoll_.broken()) {
    epoll_.close_fd(handlers_);
    trace({TraceKind::monitor_downgrade, &context_, 0, false});
  }
  const std::size_t fds = poll_.fill(handlers_);
  if (try_upgrade(fds)) {
    poll_.reset();
    epoll_.wait(handlers_, ready, timeout_ns);
    return;
  }
  // With some handler left out nobody may sleep; the next poll makes room first.
  poll_.wait(ready, poll_.truncated() ? 0 : timeout_ns);
}

bool FdMonitor::try_upgrade(std::size_t fds) {
  if (!epoll_.in_reserve() || fds < policy_.upgrade_threshold) return false;
  if (!epoll_.upgrade(handlers_)) return false;
  trace({TraceKind::monitor_upgrade, &context_, 0, false});
  return true;
}

bool FdMonitor::supports_busy_polling() const { return ring_ != nullptr; }

bool FdMonitor::need_wait() const {
  return ring_ != nullptr ? ring_->need_wait() : handlers_.unpollable() != 0;
}

int FdMonitor::ring_fd() const { return ring_ != nullptr ? ring_->fd() : -1; }

const char* FdMonitor::name() const {
  if (ring_ != nullptr) return "io_uring";
  return epoll_.active() ? "epoll" : "ppoll";
}

}  // namespace aio
