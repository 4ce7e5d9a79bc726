// The host's system calls, each asking the fault points that apply to it first.
//
// Any thread. Results and errno are libc's. The interposers (libaiosim's outside a world, and
// host_interpose.cc in binaries without the simulator) call these. The clock points, which
// bend time itself, exist in a simulated world only.
#pragma once

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <time.h>

#include <cstddef>

namespace aiosim::fault::host {

int epoll_create(int size);
int epoll_create1(int flags);
int epoll_ctl(int epfd, int op, int fd, epoll_event* event);
int epoll_wait(int epfd, epoll_event* events, int max, int timeout_ms);
int epoll_pwait(int epfd, epoll_event* events, int max, int timeout_ms, const sigset_t* mask);
int epoll_pwait2(int epfd, epoll_event* events, int max, const timespec* timeout,
                 const sigset_t* mask);
int eventfd(unsigned initial, int flags);
int poll(pollfd* fds, nfds_t count, int timeout_ms);
int ppoll(pollfd* fds, nfds_t count, const timespec* timeout, const sigset_t* mask);
ssize_t read(int fd, void* buffer, std::size_t size);
ssize_t write(int fd, const void* buffer, std::size_t size);
int socket(int domain, int type, int protocol);
int socketpair(int domain, int type, int protocol, int fds[2]);
int accept4(int fd, sockaddr* address, socklen_t* size, int flags);
int connect(int fd, const sockaddr* address, socklen_t size);
ssize_t send(int fd, const void* buffer, std::size_t size, int flags);
ssize_t recv(int fd, void* buffer, std::size_t size, int flags);
int nanosleep(const timespec* request, timespec* remain);
int clock_nanosleep(clockid_t clock, int flags, const timespec* request, timespec* remain);

/// syscall(2): futex waits ask their points, everything else goes straight through.
long syscall(long number, long a, long b, long c, long d, long e, long f);

int pthread_create(pthread_t* out, const pthread_attr_t* attributes, void* (*start)(void*),
                   void* argument);
int cond_wait(pthread_cond_t* condition, pthread_mutex_t* mutex);
int cond_timedwait(pthread_cond_t* condition, pthread_mutex_t* mutex, const timespec* deadline);
int cond_clockwait(pthread_cond_t* condition, pthread_mutex_t* mutex, clockid_t clock,
                   const timespec* deadline);

}  // namespace aiosim::fault::host
