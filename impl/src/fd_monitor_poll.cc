// Waiting by ppoll(2).
#include <poll.h>

#include <cerrno>

#include "aio/fd_monitor.h"
#include "aio/timer.h"
#include "check.h"
#include "ppoll_until.h"
#include "ring_monitor.h"
#include "timeout.h"

namespace aio {

namespace detail {

int ppoll_until(pollfd* fds, std::size_t count, std::int64_t timeout_ns) {
  const std::int64_t start_ns = timeout_ns > 0 ? now_ns() : 0;
  std::int64_t left_ns = timeout_ns;
  for (;;) {
    const timespec left = ns_to_timespec(left_ns < 0 ? 0 : left_ns);
    const int ready = ppoll(fds, count, left_ns < 0 ? nullptr : &left, nullptr);
    if (ready >= 0 || errno != EINTR) return ready;
    // A signal shortens nothing (D8): wait for what is left.
    if (timeout_ns > 0) left_ns = remaining_ns(timeout_ns, now_ns() - start_ns);
  }
}

}  // namespace detail

void PollMonitor::reserve(std::size_t handlers) {
  if (handlers <= fds_.capacity() && handlers <= nodes_.capacity()) return;
  fds_.reserve(2 * handlers);
  nodes_.reserve(2 * handlers);
}

std::size_t PollMonitor::fill(const FdHandlerList& handlers) {
  AIO_CHECK(fds_.empty());
  truncated_ = false;
  for (FdHandler* handler = handlers.first(); handler != nullptr; handler = handler->next) {
    if (handler->is_deleted() || handler->events == 0 || handler->poll_failed) continue;
    if (!add(handler->fd, handler->events, handler)) break;
  }
  return fds_.size();
}

void PollMonitor::fill_beside(const FdHandlerList& handlers, const RingMonitor& ring) {
  AIO_CHECK(fds_.empty());
  truncated_ = false;
  add(ring.fd(), POLLIN, nullptr);
  for (FdHandler* handler = handlers.first(); handler != nullptr; handler = handler->next) {
    if (handler->is_deleted() || handler->events == 0 || handler->poll_failed) continue;
    if (ring.asked(*handler)) continue;
    if (!add(handler->fd, handler->events, handler)) break;
  }
}

bool PollMonitor::add(int fd, short events, FdHandler* handler) {
  truncated_ = fds_.size() == fds_.capacity() || nodes_.size() == nodes_.capacity();
  if (truncated_) return false;
  fds_.push_back({fd, events, 0});
  nodes_.push_back(handler);
  return true;
}

void PollMonitor::reset() {
  fds_.clear();
  nodes_.clear();
}

void PollMonitor::wait(ReadyList& ready, std::int64_t timeout_ns) {
  const int count = detail::ppoll_until(fds_.data(), fds_.size(), timeout_ns);
  // An error (ENOMEM, say) is a wake-up for nothing: the arrays' revents mean nothing then.
  for (std::size_t i = 0; count > 0 && i < fds_.size(); ++i) {
    if (fds_[i].revents == 0 || nodes_[i] == nullptr) continue;  // null: a ring's own
    // Closed under its handler, which hears of an error, once: the next ppoll would not sleep.
    nodes_[i]->poll_failed = (fds_[i].revents & POLLNVAL) != 0;
    ready.add_events(*nodes_[i], nodes_[i]->poll_failed ? short{POLLERR} : fds_[i].revents);
  }
  reset();  // before any callback runs: a nested wait uses the same arrays (R78)
}

}  // namespace aio
