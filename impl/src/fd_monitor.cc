#include "aio/fd_monitor.h"

#include "aio/trace.h"

namespace aio {

FdMonitor::FdMonitor(const Context& context, FdHandlerList& handlers, const FdMonitorPolicy& policy)
    : context_(context), handlers_(handlers), policy_(policy), epoll_(policy.use_epoll) {
  handlers_.attach(*this);
}

void FdMonitor::reserve() {
  // One more than live(): the notifier. Handlers added later find the array too short; see wait().
  poll_.reserve(handlers_.live() + 1);
}

void FdMonitor::update(const FdHandler* old_handler, const FdHandler* new_handler) {
  epoll_.update(old_handler, new_handler);
}

void FdMonitor::wait(ReadyList& ready, std::int64_t timeout_ns) {
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

bool FdMonitor::supports_busy_polling() const { return false; }

bool FdMonitor::need_wait() const { return handlers_.unpollable() != 0; }

const char* FdMonitor::name() const { return epoll_.active() ? "epoll" : "ppoll"; }

}  // namespace aio
