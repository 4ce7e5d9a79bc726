// Calls on fds and processes that a world does not have: under test they end the run by name,
// rather than reach the host with numbers that mean something else there.
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdarg>

#include "runtime/libc_call.h"
#include "runtime/real.h"

using namespace aiosim::runtime;

// FUNCTION(parameters) calls the real one with `arguments`. `spec` is libc's exception
// specification, which a definition has to repeat.
#define UNSIMULATED(result, function, parameters, arguments, spec) \
  result function parameters spec {                                \
    if (under_test()) not_simulated(#function "()");               \
    return AIOSIM_REAL(function) arguments;                        \
  }

extern "C" {

UNSIMULATED(int, select, (int n, fd_set* r, fd_set* w, fd_set* e, timeval* timeout),
            (n, r, w, e, timeout), )
UNSIMULATED(int, pselect,
            (int n, fd_set* r, fd_set* w, fd_set* e, const timespec* timeout, const sigset_t* mask),
            (n, r, w, e, timeout, mask), )

UNSIMULATED(int, socket, (int domain, int type, int protocol), (domain, type, protocol), noexcept)
UNSIMULATED(int, socketpair, (int domain, int type, int protocol, int fds[2]),
            (domain, type, protocol, fds), noexcept)
UNSIMULATED(int, accept, (int fd, sockaddr* address, socklen_t* size), (fd, address, size), )
UNSIMULATED(int, accept4, (int fd, sockaddr* address, socklen_t* size, int flags),
            (fd, address, size, flags), )
UNSIMULATED(int, bind, (int fd, const sockaddr* address, socklen_t size), (fd, address, size),
            noexcept)
UNSIMULATED(int, listen, (int fd, int backlog), (fd, backlog), noexcept)
UNSIMULATED(int, connect, (int fd, const sockaddr* address, socklen_t size), (fd, address, size), )
UNSIMULATED(int, shutdown, (int fd, int how), (fd, how), noexcept)
UNSIMULATED(ssize_t, send, (int fd, const void* data, std::size_t size, int flags),
            (fd, data, size, flags), )
UNSIMULATED(ssize_t, recv, (int fd, void* data, std::size_t size, int flags),
            (fd, data, size, flags), )
UNSIMULATED(ssize_t, sendto,
            (int fd, const void* data, std::size_t size, int flags, const sockaddr* address,
             socklen_t address_size),
            (fd, data, size, flags, address, address_size), )
UNSIMULATED(ssize_t, recvfrom,
            (int fd, void* data, std::size_t size, int flags, sockaddr* address,
             socklen_t* address_size),
            (fd, data, size, flags, address, address_size), )
UNSIMULATED(ssize_t, sendmsg, (int fd, const msghdr* message, int flags), (fd, message, flags), )
UNSIMULATED(ssize_t, recvmsg, (int fd, msghdr* message, int flags), (fd, message, flags), )

UNSIMULATED(int, signalfd, (int fd, const sigset_t* mask, int flags), (fd, mask, flags), noexcept)
UNSIMULATED(pid_t, fork, (), (), noexcept)
UNSIMULATED(ssize_t, pread, (int fd, void* data, std::size_t size, off_t at),
            (fd, data, size, at), )
UNSIMULATED(ssize_t, pwrite, (int fd, const void* data, std::size_t size, off_t at),
            (fd, data, size, at), )
UNSIMULATED(ssize_t, pread64, (int fd, void* data, std::size_t size, off64_t at),
            (fd, data, size, at), )
UNSIMULATED(ssize_t, pwrite64, (int fd, const void* data, std::size_t size, off64_t at),
            (fd, data, size, at), )
UNSIMULATED(ssize_t, splice,
            (int in, off64_t* in_at, int out, off64_t* out_at, std::size_t size, unsigned flags),
            (in, in_at, out, out_at, size, flags), )
UNSIMULATED(ssize_t, sendfile, (int out, int in, off_t* at, std::size_t size), (out, in, at, size),
            noexcept)
UNSIMULATED(int, pause, (), (), )

// The mode is there only if a file may be made; passing on what is not there harms nobody.
#define OPENING(function, parameters, arguments, last) \
  int function parameters {                            \
    if (under_test()) not_simulated(#function "()");   \
    std::va_list list;                                 \
    va_start(list, last);                              \
    const unsigned mode = va_arg(list, unsigned);      \
    va_end(list);                                      \
    return AIOSIM_REAL(function) arguments;            \
  }

OPENING(open, (const char* path, int flags, ...), (path, flags, mode), flags)
OPENING(open64, (const char* path, int flags, ...), (path, flags, mode), flags)
OPENING(openat, (int at, const char* path, int flags, ...), (at, path, flags, mode), flags)

int ioctl(int fd, unsigned long request, ...) noexcept {
  if (under_test()) not_simulated("ioctl()");
  std::va_list list;
  va_start(list, request);
  void* argument = va_arg(list, void*);
  va_end(list);
  return AIOSIM_REAL(ioctl)(fd, request, argument);
}

}  // extern "C"
