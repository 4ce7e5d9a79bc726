// poll(2) and ppoll(2).
#include <poll.h>

#include <cerrno>

#include "kernel/epoll.h"
#include "kernel/state.h"

namespace aiosim::kernel {
namespace {

static_assert(POLLIN == EPOLLIN && POLLOUT == EPOLLOUT && POLLERR == EPOLLERR &&
              POLLHUP == EPOLLHUP && POLLRDNORM == EPOLLRDNORM && POLLWRNORM == EPOLLWRNORM);

std::uint32_t wanted(const pollfd& entry) {
  return static_cast<std::uint16_t>(entry.events) | EPOLLERR | EPOLLHUP;
}

int scan(State& k, pollfd* fds, nfds_t count) {
  int ready = 0;
  for (nfds_t i = 0; i < count; ++i) {
    pollfd& entry = fds[i];
    entry.revents = 0;
    if (entry.fd < 0) continue;
    File* const file = k.file(entry.fd);
    if (file == nullptr) {
      entry.revents = POLLNVAL;
    } else if (const std::uint32_t mask = file->readiness(true) & wanted(entry)) {
      entry.revents = static_cast<short>(mask);
      file->acquire_readiness(mask);
    }
    if (entry.revents != 0) ++ready;
  }
  return ready;
}

// Readiness that vanishes before the caller's epoll_wait can see it.
int spurious(State& k, pollfd* fds, nfds_t count) {
  int ready = 0;
  for (nfds_t i = 0; i < count; ++i) {
    if (fds[i].fd < 0 || (fds[i].events & POLLIN) == 0) continue;
    if (dynamic_cast<Epoll*>(k.file(fds[i].fd)) == nullptr) continue;
    if (!fault::strikes(fault::PointId::epoll_wait_spurious)) continue;
    fds[i].revents = POLLIN;
    ++ready;
  }
  return ready;
}

struct Sleep {
  const pollfd* fds;
  const std::vector<File*>* files;
};

bool any_ready(void* data) {
  const auto& sleep = *static_cast<Sleep*>(data);
  for (std::size_t i = 0; i < sleep.files->size(); ++i) {
    File* const file = (*sleep.files)[i];
    if (file != nullptr && (file->readiness(false) & wanted(sleep.fds[i])) != 0) return true;
  }
  return false;
}

// A sleeping poll holds on to what it polls: a close by another thread does not wake it.
int sleep_until_ready(State& k, const pollfd* fds, nfds_t count, std::int64_t deadline_ns,
                      const char* call) {
  std::vector<File*>& files = k.polled[k.thread()];
  files.clear();
  for (nfds_t i = 0; i < count; ++i) {
    files.push_back(fds[i].fd >= 0 ? k.file(fds[i].fd) : nullptr);
    if (files.back() != nullptr) k.pin(*files.back());
  }
  Sleep sleep{fds, &files};
  const runtime::Object object = count > 0 ? fd_object(fds[0].fd) : runtime::Object{};
  const int woken =
      k.wait(call, object, deadline_ns, fault::PointId::ppoll_eintr, any_ready, &sleep);
  for (File* file : files) {
    if (file != nullptr) k.drop(*file);
  }
  return woken;
}

int poll_once(State& k, pollfd* fds, nfds_t count, std::int64_t timeout_ns,
              std::int64_t& deadline_ns, const SignalSet* mask, const char* call, const void* pc) {
  const int first = count > 0 ? fds[0].fd : -1;
  k.enter(call, fd_object(first), pc);
  const auto done = [&](int result) {
    return k.leave(call, first, result, pc, static_cast<std::int64_t>(count));
  };
  if (count > static_cast<nfds_t>(FdTable::limit)) return done(-EINVAL);
  if (mask != nullptr) k.signals.set_blocked_for_call(*mask);
  if (count > 0) k.world.memory.plain_read(k.thread(), fds, count * sizeof *fds, pc);
  if (deadline_ns < 0) deadline_ns = deadline_after(k.world.now_ns(), timeout_ns);
  int result = scan(k, fds, count);
  if (result == 0) result = spurious(k, fds, count);
  bool timed_out = timeout_ns == 0;
  while (result == 0) {
    if (k.signals.interrupts()) result = -EINTR;  // Linux: before a timeout counts
    if (result != 0 || timed_out) break;
    const int woken = sleep_until_ready(k, fds, count, deadline_ns, call);
    result = scan(k, fds, count);
    if (result == 0 && woken == -EINTR) result = -EINTR;
    timed_out = woken == -ETIMEDOUT;
  }
  for (nfds_t i = 0; i < count; ++i) {
    k.world.memory.plain_write(k.thread(), &fds[i].revents, sizeof fds[i].revents, pc);
  }
  return done(result);
}

}  // namespace

int Kernel::poll(pollfd* fds, nfds_t count, std::int64_t timeout_ns, const SignalSet* mask,
                 const char* call, const void* pc) {
  std::int64_t deadline_ns = -1;
  return state_->signals.repeat(false, [&] {
    return poll_once(*state_, fds, count, timeout_ns, deadline_ns, mask, call, pc);
  });
}

}  // namespace aiosim::kernel
