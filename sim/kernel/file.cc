#include "kernel/file.h"

#include <cerrno>

#include "kernel/epoll.h"
#include "kernel/state.h"

namespace aiosim::kernel {

ssize_t File::read(Io&) { return -EINVAL; }
ssize_t File::write(Io&) { return -EINVAL; }

void File::acquire_readiness(std::uint32_t mask) {
  if ((mask & ~(EPOLLOUT | EPOLLWRNORM)) != 0) state_.acquire(messages().readable);
  if ((mask & (EPOLLOUT | EPOLLWRNORM | EPOLLERR)) != 0) state_.acquire(messages().writable);
}

void File::wake(std::uint32_t mask) {
  state_.world.state_changed();
  for (Watch& watch : watchers) {
    const bool woke = watch.epoll->notice(watch, mask);
    if (woke && (watch.event.events & EPOLLEXCLUSIVE) != 0) return;
  }
}

void File::wake_all() {
  state_.world.state_changed();
  for (Watch& watch : watchers) watch.epoll->notice(watch, Epoll::anything);
}

}  // namespace aiosim::kernel
