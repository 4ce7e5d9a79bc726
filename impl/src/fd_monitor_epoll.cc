// Waiting by epoll(7).
#include <poll.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <cerrno>

#include "aio/fd_monitor.h"
#include "check.h"
#include "ppoll_until.h"
#include "timeout.h"

namespace aio {

namespace {

constexpr int most_events = 128;  // R82

std::uint32_t to_epoll_events(short events) {
  std::uint32_t result = 0;
  if ((events & POLLIN) != 0) result |= EPOLLIN;
  if ((events & POLLOUT) != 0) result |= EPOLLOUT;
  return result;  // hang-up and error are always reported
}

short to_poll_events(std::uint32_t events) {
  int result = 0;
  if ((events & EPOLLIN) != 0) result |= POLLIN;
  if ((events & EPOLLOUT) != 0) result |= POLLOUT;
  if ((events & EPOLLHUP) != 0) result |= POLLHUP;
  if ((events & EPOLLERR) != 0) result |= POLLERR;
  return static_cast<short>(result);
}

/// What the kernel keeps for a handler: its fd and which registration of that fd it is.
std::uint64_t to_key(const FdHandler& handler) {
  return (std::uint64_t{handler.generation} << 32) | static_cast<std::uint32_t>(handler.fd);
}

FdHandler* from_key(const FdHandlerList& handlers, std::uint64_t key) {
  FdHandler* handler = handlers.find_live(static_cast<int>(key & 0xffffffffU));
  return handler != nullptr && handler->generation == key >> 32 ? handler : nullptr;
}

int epoll_wait_through_signals(int fd, epoll_event* events, int timeout_ms) {
  int count;
  do {
    count = epoll_wait(fd, events, most_events, timeout_ms);
  } while (count < 0 && errno == EINTR);  // only 0 and -1 come here: nothing to subtract from
  return count;
}

}  // namespace

EpollMonitor::EpollMonitor(bool wanted)
    : fd_(wanted ? epoll_create1(EPOLL_CLOEXEC) : -1),
      state_(fd_ >= 0 ? State::reserve : State::closed) {}

EpollMonitor::~EpollMonitor() {
  if (fd_ >= 0) close(fd_);
}

bool EpollMonitor::upgrade(FdHandlerList& handlers) {
  const auto guard = handlers.lock();
  bool added = true;
  for (FdHandler* handler = handlers.first(); handler != nullptr && added;
       handler = handler->next) {
    if (handler->is_deleted() || handler->events == 0) continue;
    added = control(EPOLL_CTL_ADD, *handler);
  }
  state_.store(added ? State::active : State::broken, std::memory_order_release);
  return added;
}

void EpollMonitor::close_fd(FdHandlerList& handlers) {
  const auto guard = handlers.lock();
  close(fd_);
  fd_ = -1;
  state_.store(State::closed, std::memory_order_release);
}

void EpollMonitor::update(const FdHandler* old_handler, const FdHandler* new_handler) {
  if (state_.load(std::memory_order_relaxed) != State::active) return;
  const bool was = old_handler != nullptr && old_handler->events != 0;
  const bool is = new_handler != nullptr && new_handler->events != 0;
  bool done = true;
  if (is) {
    done = control(was ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, *new_handler);
  } else if (was) {
    done = control(EPOLL_CTL_DEL, *old_handler);
  }
  if (!done) state_.store(State::broken, std::memory_order_release);
}

bool EpollMonitor::control(int operation, const FdHandler& handler) {
  epoll_event event{};
  event.events = to_epoll_events(handler.events);
  event.data.u64 = to_key(handler);
  return epoll_ctl(fd_, operation, handler.fd, &event) == 0;
}

void EpollMonitor::wait(FdHandlerList& handlers, ReadyList& ready, std::int64_t timeout_ns) {
  if (timeout_ns > 0) {
    pollfd self{fd_, POLLIN, 0};
    if (detail::ppoll_until(&self, 1, timeout_ns) == 0) return;
    timeout_ns = 0;  // its events may have gone since: do not wait twice
  }
  epoll_event events[most_events];
  const int count = epoll_wait_through_signals(fd_, events, detail::ns_to_ms(timeout_ns));
  if (count == 0) return;
  const auto guard = handlers.lock();
  if (count < 0) state_.store(State::broken, std::memory_order_release);
  for (int i = 0; i < count; ++i) {
    if (FdHandler* handler = from_key(handlers, events[i].data.u64)) {
      ready.add_events(*handler, to_poll_events(events[i].events));
    }
  }
}

}  // namespace aio
