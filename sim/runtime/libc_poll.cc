// Waiting for fds: epoll and poll. On a thread under test the calls go to the simulated kernel;
// else to the host's, past the fault points.
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>

#include <cstdlib>

#include "fault/host_calls.h"
#include "runtime/libc_call.h"
#include "runtime/signal_set.h"

namespace aiosim::runtime {
namespace {

namespace host = fault::host;

constexpr std::int64_t millisecond_ns = 1'000'000;

std::int64_t ms_to_ns(int timeout_ms) { return timeout_ms < 0 ? -1 : timeout_ms * millisecond_ns; }

// Under test. A null timeout waits for ever; false, and errno, for one that makes no sense.
bool parse_timeout(const timespec* timeout, std::int64_t& timeout_ns) {
  timeout_ns = -1;
  if (timeout == nullptr) return true;
  if (!is_valid(*timeout)) {
    errno = EINVAL;
    return false;
  }
  timeout_ns = to_ns(*timeout);
  return true;
}

int simulated_epoll_wait(int epfd, epoll_event* events, int max, std::int64_t timeout_ns,
                         const sigset_t* mask, const void* pc) {
  const RuntimeScope scope;
  return libc_result(world().kernel->epoll_wait(epfd, events, max, timeout_ns,
                                                MaskArgument(mask).get(), pc));
}

int simulated_poll(pollfd* fds, nfds_t count, std::int64_t timeout_ns, const sigset_t* mask,
                   const char* call, const void* pc) {
  const RuntimeScope scope;
  return libc_result(
      world().kernel->poll(fds, count, timeout_ns, MaskArgument(mask).get(), call, pc));
}

int any_ppoll(pollfd* fds, nfds_t count, const timespec* timeout, const sigset_t* mask,
              const void* pc) {
  if (!under_test()) return host::ppoll(fds, count, timeout, mask);
  std::int64_t timeout_ns = -1;
  if (!parse_timeout(timeout, timeout_ns)) return -1;
  return simulated_poll(fds, count, timeout_ns, mask, "ppoll", pc);
}

int any_poll(pollfd* fds, nfds_t count, int timeout_ms, const void* pc) {
  if (!under_test()) return host::poll(fds, count, timeout_ms);
  return simulated_poll(fds, count, ms_to_ns(timeout_ms), nullptr, "poll", pc);
}

// What _FORTIFY_SOURCE promises.
void check_room(nfds_t count, std::size_t room) {
  if (room / sizeof(pollfd) < count) std::abort();
}

}  // namespace
}  // namespace aiosim::runtime

using namespace aiosim::runtime;

extern "C" {

int epoll_create1(int flags) noexcept {
  if (!under_test()) return host::epoll_create1(flags);
  const RuntimeScope scope;
  return libc_result(world().kernel->epoll_create1(flags, CALLER));
}

int epoll_create(int size) noexcept {
  if (!under_test()) return host::epoll_create(size);
  if (size <= 0) return libc_result(-EINVAL);
  const RuntimeScope scope;
  return libc_result(world().kernel->epoll_create1(0, CALLER));
}

int epoll_ctl(int epfd, int op, int fd, epoll_event* event) noexcept {
  if (!under_test()) return host::epoll_ctl(epfd, op, fd, event);
  const RuntimeScope scope;
  return libc_result(world().kernel->epoll_ctl(epfd, op, fd, event, CALLER));
}

int epoll_wait(int epfd, epoll_event* events, int max, int timeout_ms) {
  if (!under_test()) return host::epoll_wait(epfd, events, max, timeout_ms);
  return simulated_epoll_wait(epfd, events, max, ms_to_ns(timeout_ms), nullptr, CALLER);
}

int epoll_pwait(int epfd, epoll_event* events, int max, int timeout_ms, const sigset_t* mask) {
  if (!under_test()) return host::epoll_pwait(epfd, events, max, timeout_ms, mask);
  return simulated_epoll_wait(epfd, events, max, ms_to_ns(timeout_ms), mask, CALLER);
}

int epoll_pwait2(int epfd, epoll_event* events, int max, const timespec* timeout,
                 const sigset_t* mask) {
  if (!under_test()) return host::epoll_pwait2(epfd, events, max, timeout, mask);
  std::int64_t timeout_ns = -1;
  if (!parse_timeout(timeout, timeout_ns)) return -1;
  return simulated_epoll_wait(epfd, events, max, timeout_ns, mask, CALLER);
}

int poll(pollfd* fds, nfds_t count, int timeout_ms) {
  return any_poll(fds, count, timeout_ms, CALLER);
}

int __poll_chk(pollfd* fds, nfds_t count, int timeout_ms, std::size_t room) {
  check_room(count, room);
  return any_poll(fds, count, timeout_ms, CALLER);
}

int ppoll(pollfd* fds, nfds_t count, const timespec* timeout, const sigset_t* mask) {
  return any_ppoll(fds, count, timeout, mask, CALLER);
}

int __ppoll_chk(pollfd* fds, nfds_t count, const timespec* timeout, const sigset_t* mask,
                std::size_t room) {
  check_room(count, room);
  return any_ppoll(fds, count, timeout, mask, CALLER);
}

}  // extern "C"
