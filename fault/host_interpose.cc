// The system calls of a binary without the simulator: each passes by the fault points.
//
// Linked as an object, so that the executable's definitions come before libc's and a sanitizer's;
// fault/next.h finds those again.
#include <stdarg.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>

#include "fault/host_calls.h"

namespace host = aiosim::fault::host;

extern "C" {

int epoll_create(int size) { return host::epoll_create(size); }
int epoll_create1(int flags) { return host::epoll_create1(flags); }
int epoll_ctl(int epfd, int op, int fd, epoll_event* event) {
  return host::epoll_ctl(epfd, op, fd, event);
}
int epoll_wait(int epfd, epoll_event* events, int max, int timeout) {
  return host::epoll_wait(epfd, events, max, timeout);
}
int epoll_pwait(int epfd, epoll_event* events, int max, int timeout, const sigset_t* mask) {
  return host::epoll_pwait(epfd, events, max, timeout, mask);
}
int epoll_pwait2(int epfd, epoll_event* events, int max, const timespec* timeout,
                 const sigset_t* mask) {
  return host::epoll_pwait2(epfd, events, max, timeout, mask);
}
int eventfd(unsigned initial, int flags) { return host::eventfd(initial, flags); }
int eventfd_read(int fd, eventfd_t* value) {
  return host::read(fd, value, sizeof *value) == sizeof *value ? 0 : -1;
}
int eventfd_write(int fd, eventfd_t value) {
  return host::write(fd, &value, sizeof value) == sizeof value ? 0 : -1;
}
int poll(pollfd* fds, nfds_t count, int timeout) { return host::poll(fds, count, timeout); }
int ppoll(pollfd* fds, nfds_t count, const timespec* timeout, const sigset_t* mask) {
  return host::ppoll(fds, count, timeout, mask);
}
ssize_t read(int fd, void* buffer, size_t size) { return host::read(fd, buffer, size); }
ssize_t write(int fd, const void* buffer, size_t size) { return host::write(fd, buffer, size); }
int socket(int domain, int type, int protocol) { return host::socket(domain, type, protocol); }
int socketpair(int domain, int type, int protocol, int fds[2]) {
  return host::socketpair(domain, type, protocol, fds);
}
int accept(int fd, sockaddr* address, socklen_t* size) {
  return host::accept4(fd, address, size, 0);
}
int accept4(int fd, sockaddr* address, socklen_t* size, int flags) {
  return host::accept4(fd, address, size, flags);
}
int connect(int fd, const sockaddr* address, socklen_t size) {
  return host::connect(fd, address, size);
}
ssize_t send(int fd, const void* buffer, size_t size, int flags) {
  return host::send(fd, buffer, size, flags);
}
ssize_t recv(int fd, void* buffer, size_t size, int flags) {
  return host::recv(fd, buffer, size, flags);
}
int nanosleep(const timespec* request, timespec* remain) {
  return host::nanosleep(request, remain);
}
int clock_nanosleep(clockid_t clock, int flags, const timespec* request, timespec* remain) {
  return host::clock_nanosleep(clock, flags, request, remain);
}

long syscall(long number, ...) noexcept {
  va_list list;
  va_start(list, number);
  long a[6];
  for (long& argument : a) argument = va_arg(list, long);
  va_end(list);
  return host::syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

int pthread_create(pthread_t* out, const pthread_attr_t* attributes, void* (*start)(void*),
                   void* argument) {
  return host::pthread_create(out, attributes, start, argument);
}
int pthread_cond_wait(pthread_cond_t* condition, pthread_mutex_t* mutex) {
  return host::cond_wait(condition, mutex);
}
int pthread_cond_timedwait(pthread_cond_t* condition, pthread_mutex_t* mutex,
                           const timespec* deadline) {
  return host::cond_timedwait(condition, mutex, deadline);
}
int pthread_cond_clockwait(pthread_cond_t* condition, pthread_mutex_t* mutex, clockid_t clock,
                           const timespec* deadline) {
  return host::cond_clockwait(condition, mutex, clock, deadline);
}

}  // extern "C"
