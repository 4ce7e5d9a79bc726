#include "fault/host_calls.h"

#include <linux/futex.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include "aiosim/choice.h"
#include "fault/next.h"
#include "fault/points.h"

namespace aiosim::fault {

std::function<bool(PointId)> host_decider(std::uint64_t seed, std::uint32_t per_million) {
  auto asked = std::make_shared<std::atomic<std::uint64_t>>(0);
  return [seed, per_million, asked](PointId) {
    return Random(mix64(seed) + asked->fetch_add(1)).chance(per_million);
  };
}

namespace host {
namespace {

constinit Next<::epoll_create> next_epoll_create{"epoll_create"};
constinit Next<::epoll_create1> next_epoll_create1{"epoll_create1"};
constinit Next<::epoll_ctl> next_epoll_ctl{"epoll_ctl"};
constinit Next<::epoll_pwait> next_epoll_pwait{"epoll_pwait"};
constinit Next<::epoll_pwait2> next_epoll_pwait2{"epoll_pwait2"};
constinit Next<::epoll_wait> next_epoll_wait{"epoll_wait"};
constinit Next<::eventfd> next_eventfd{"eventfd"};
constinit Next<::poll> next_poll{"poll"};
constinit Next<::ppoll> next_ppoll{"ppoll"};
constinit Next<::read> next_read{"read"};
constinit Next<::write> next_write{"write"};
constinit Next<::socket> next_socket{"socket"};
constinit Next<::socketpair> next_socketpair{"socketpair"};
constinit Next<::accept4> next_accept4{"accept4"};
constinit Next<::connect> next_connect{"connect"};
constinit Next<::send> next_send{"send"};
constinit Next<::recv> next_recv{"recv"};
constinit Next<::nanosleep> next_nanosleep{"nanosleep"};
constinit Next<::clock_nanosleep> next_clock_nanosleep{"clock_nanosleep"};
constinit Next<::syscall> next_syscall{"syscall"};
constinit Next<::pthread_create> next_pthread_create{"pthread_create"};
constinit Next<::pthread_cond_wait> next_cond_wait{"pthread_cond_wait"};
constinit Next<::pthread_cond_timedwait> next_cond_timedwait{"pthread_cond_timedwait"};
constinit Next<::pthread_cond_clockwait> next_cond_clockwait{"pthread_cond_clockwait"};

int fails(int error) {
  errno = error;
  return -1;
}

bool is_zero(const timespec* timeout) {
  return timeout != nullptr && timeout->tv_sec == 0 && timeout->tv_nsec == 0;
}

bool is_epoll(int fd) {
  char link[32];
  std::snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  char target[64] = {};
  const ssize_t length = ::readlink(link, target, sizeof target - 1);
  return length > 0 && std::strcmp(target, "anon_inode:[eventpoll]") == 0;
}

// Readiness that vanishes: an epoll fd that nothing is ready in is said to be readable.
int spurious_readiness(pollfd* fds, nfds_t count) {
  if (!detail::armed[static_cast<std::size_t>(PointId::epoll_wait_spurious)]) return 0;
  for (nfds_t i = 0; i < count; ++i) {
    if (fds[i].fd < 0 || (fds[i].events & POLLIN) == 0 || !is_epoll(fds[i].fd)) continue;
    if (!strikes_host(PointId::epoll_wait_spurious)) continue;
    fds[i].revents = POLLIN;
    return 1;
  }
  return 0;
}

// A wait that would block: what is ready at once comes first, as in Linux; then the faults.
int faulted_poll(pollfd* fds, nfds_t count) {
  const int ready = next_poll(fds, count, 0);
  if (ready != 0) return ready;
  if (spurious_readiness(fds, count) != 0) return 1;
  return strikes_host(PointId::ppoll_eintr) ? fails(EINTR) : 0;
}

int faulted_epoll_wait(int epfd, epoll_event* events, int max) {
  if (!strikes_host(PointId::epoll_wait_eintr)) return 0;
  const int ready = next_epoll_wait(epfd, events, max, 0);
  return ready != 0 ? ready : fails(EINTR);
}

bool is_armed(PointId one, PointId other) {
  return detail::armed[static_cast<std::size_t>(one)] ||
         detail::armed[static_cast<std::size_t>(other)];
}

bool poll_is_armed() { return is_armed(PointId::ppoll_eintr, PointId::epoll_wait_spurious); }

}  // namespace

int epoll_create(int size) {
  if (strikes_host(PointId::epoll_create1_emfile)) return fails(EMFILE);
  return next_epoll_create(size);
}

int epoll_create1(int flags) {
  if (strikes_host(PointId::epoll_create1_emfile)) return fails(EMFILE);
  return next_epoll_create1(flags);
}

int epoll_ctl(int epfd, int op, int fd, epoll_event* event) {
  if (op == EPOLL_CTL_ADD) {
    if (strikes_host(PointId::epoll_ctl_enomem)) return fails(ENOMEM);
    if (strikes_host(PointId::epoll_ctl_enospc)) return fails(ENOSPC);
  }
  return next_epoll_ctl(epfd, op, fd, event);
}

int epoll_wait(int epfd, epoll_event* events, int max, int timeout_ms) {
  if (timeout_ms != 0) {
    const int ready = faulted_epoll_wait(epfd, events, max);
    if (ready != 0) return ready;
  }
  return next_epoll_wait(epfd, events, max, timeout_ms);
}

int epoll_pwait(int epfd, epoll_event* events, int max, int timeout_ms, const sigset_t* mask) {
  if (timeout_ms != 0) {
    const int ready = faulted_epoll_wait(epfd, events, max);
    if (ready != 0) return ready;
  }
  return next_epoll_pwait(epfd, events, max, timeout_ms, mask);
}

int epoll_pwait2(int epfd, epoll_event* events, int max, const timespec* timeout,
                 const sigset_t* mask) {
  if (next_epoll_pwait2.lookup() == nullptr) return fails(ENOSYS);
  if (!is_zero(timeout)) {
    const int ready = faulted_epoll_wait(epfd, events, max);
    if (ready != 0) return ready;
  }
  return next_epoll_pwait2(epfd, events, max, timeout, mask);
}

int eventfd(unsigned initial, int flags) {
  if (strikes_host(PointId::eventfd_emfile)) return fails(EMFILE);
  return next_eventfd(initial, flags);
}

int poll(pollfd* fds, nfds_t count, int timeout_ms) {
  if (timeout_ms != 0 && poll_is_armed()) {
    const int ready = faulted_poll(fds, count);
    if (ready != 0) return ready;
  }
  return next_poll(fds, count, timeout_ms);
}

int ppoll(pollfd* fds, nfds_t count, const timespec* timeout, const sigset_t* mask) {
  if (!is_zero(timeout) && poll_is_armed()) {
    const int ready = faulted_poll(fds, count);
    if (ready != 0) return ready;
  }
  return next_ppoll(fds, count, timeout, mask);
}

ssize_t read(int fd, void* buffer, std::size_t size) {
  if (fd > STDERR_FILENO && strikes_host(PointId::read_eintr)) return fails(EINTR);
  return next_read(fd, buffer, size);
}

ssize_t write(int fd, const void* buffer, std::size_t size) {
  if (fd > STDERR_FILENO && strikes_host(PointId::write_eintr)) return fails(EINTR);
  return next_write(fd, buffer, size);
}

int socket(int domain, int type, int protocol) {
  if (strikes_host(PointId::socket_emfile)) return fails(EMFILE);
  return next_socket(domain, type, protocol);
}

int socketpair(int domain, int type, int protocol, int fds[2]) {
  if (strikes_host(PointId::socket_emfile)) return fails(EMFILE);
  return next_socketpair(domain, type, protocol, fds);
}

int accept4(int fd, sockaddr* address, socklen_t* size, int flags) {
  if (strikes_host(PointId::accept_emfile)) return fails(EMFILE);
  return next_accept4(fd, address, size, flags);
}

int connect(int fd, const sockaddr* address, socklen_t size) {
  if (strikes_host(PointId::connect_econnrefused)) return fails(ECONNREFUSED);
  return next_connect(fd, address, size);
}

ssize_t send(int fd, const void* buffer, std::size_t size, int flags) {
  if (strikes_host(PointId::write_eintr)) return fails(EINTR);
  return next_send(fd, buffer, size, flags);
}

ssize_t recv(int fd, void* buffer, std::size_t size, int flags) {
  if (strikes_host(PointId::read_eintr)) return fails(EINTR);
  return next_recv(fd, buffer, size, flags);
}

int nanosleep(const timespec* request, timespec* remain) {
  if (strikes_host(PointId::nanosleep_eintr)) {
    if (remain != nullptr) *remain = *request;
    return fails(EINTR);
  }
  return next_nanosleep(request, remain);
}

int clock_nanosleep(clockid_t clock, int flags, const timespec* request, timespec* remain) {
  if (strikes_host(PointId::nanosleep_eintr)) {
    if (remain != nullptr && (flags & TIMER_ABSTIME) == 0) *remain = *request;
    return EINTR;
  }
  return next_clock_nanosleep(clock, flags, request, remain);
}

long syscall(long number, long a, long b, long c, long d, long e, long f) {
  const int command = static_cast<int>(b) & FUTEX_CMD_MASK;
  if (number == SYS_futex && is_armed(PointId::futex_eintr, PointId::futex_spurious) &&
      (command == FUTEX_WAIT || command == FUTEX_WAIT_BITSET)) {
    const auto* word = reinterpret_cast<std::atomic<int>*>(a);
    if (word->load() == static_cast<int>(c)) {  // else EAGAIN comes first
      if (strikes_host(PointId::futex_eintr)) return fails(EINTR);
      if (strikes_host(PointId::futex_spurious)) return 0;
    }
  }
  return next_syscall(number, a, b, c, d, e, f);
}

namespace {
// A wait that returns at once has still let the mutex go.
bool spurious_condition(pthread_mutex_t* mutex) {
  if (!strikes_host(PointId::cond_wait_spurious)) return false;
  pthread_mutex_unlock(mutex);
  pthread_mutex_lock(mutex);
  return true;
}
}  // namespace

int pthread_create(pthread_t* out, const pthread_attr_t* attributes, void* (*start)(void*),
                   void* argument) {
  if (strikes_host(PointId::pthread_create_eagain)) return EAGAIN;
  return next_pthread_create(out, attributes, start, argument);
}

int cond_wait(pthread_cond_t* condition, pthread_mutex_t* mutex) {
  return spurious_condition(mutex) ? 0 : next_cond_wait(condition, mutex);
}

int cond_timedwait(pthread_cond_t* condition, pthread_mutex_t* mutex, const timespec* deadline) {
  return spurious_condition(mutex) ? 0 : next_cond_timedwait(condition, mutex, deadline);
}

int cond_clockwait(pthread_cond_t* condition, pthread_mutex_t* mutex, clockid_t clock,
                   const timespec* deadline) {
  return spurious_condition(mutex) ? 0 : next_cond_clockwait(condition, mutex, clock, deadline);
}

}  // namespace host
}  // namespace aiosim::fault
