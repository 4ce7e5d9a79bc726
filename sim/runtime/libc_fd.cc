// The fd family: eventfd, pipe, read, write, close, fcntl, dup. On a thread under test the calls
// go to the simulated kernel; else to the host's, past the fault points.
#include <fcntl.h>
#include <linux/close_range.h>
#include <sys/eventfd.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdarg>
#include <cstdlib>

#include "fault/host_calls.h"
#include "runtime/libc_call.h"
#include "runtime/real.h"

namespace aiosim::runtime {
namespace {

namespace host = fault::host;

bool is_standard(int fd) { return fd >= STDIN_FILENO && fd <= STDERR_FILENO; }

ssize_t simulated_write(int fd, const void* buffer, std::size_t size, const void* pc) {
  const RuntimeScope scope;
  if (fd == STDERR_FILENO) {
    world().hear(static_cast<const char*>(buffer), size);
    return static_cast<ssize_t>(size);
  }
  if (is_standard(fd)) return host::write(fd, buffer, size);
  return libc_result(world().kernel->write(fd, buffer, size, pc));
}

ssize_t simulated_read(int fd, void* buffer, std::size_t size, const void* pc) {
  const RuntimeScope scope;
  if (is_standard(fd)) return host::read(fd, buffer, size);
  return libc_result(world().kernel->read(fd, buffer, size, pc));
}

int simulated_fcntl(int fd, int command, long argument, const void* pc) {
  const RuntimeScope scope;
  return libc_result(world().kernel->fcntl(fd, command, argument, pc));
}

}  // namespace
}  // namespace aiosim::runtime

using namespace aiosim::runtime;

extern "C" {

int eventfd(unsigned initial, int flags) noexcept {
  if (!under_test()) return host::eventfd(initial, flags);
  const RuntimeScope scope;
  return libc_result(world().kernel->eventfd(initial, flags, CALLER));
}

int eventfd_read(int fd, eventfd_t* value) {
  const ssize_t size = under_test() ? simulated_read(fd, value, sizeof *value, CALLER)
                                    : host::read(fd, value, sizeof *value);
  return size == sizeof *value ? 0 : -1;
}

int eventfd_write(int fd, eventfd_t value) {
  const ssize_t size = under_test() ? simulated_write(fd, &value, sizeof value, CALLER)
                                    : host::write(fd, &value, sizeof value);
  return size == sizeof value ? 0 : -1;
}

int pipe2(int fds[2], int flags) noexcept {
  if (!under_test()) return AIOSIM_REAL(pipe2)(fds, flags);
  const RuntimeScope scope;
  return libc_result(world().kernel->pipe2(fds, flags, CALLER));
}

int pipe(int fds[2]) noexcept {
  if (!under_test()) return AIOSIM_REAL(pipe)(fds);
  const RuntimeScope scope;
  return libc_result(world().kernel->pipe2(fds, 0, CALLER));
}

ssize_t read(int fd, void* buffer, std::size_t size) {
  if (!under_test()) return host::read(fd, buffer, size);
  return simulated_read(fd, buffer, size, CALLER);
}

ssize_t __read_chk(int fd, void* buffer, std::size_t size, std::size_t room) {
  if (size > room) std::abort();  // what _FORTIFY_SOURCE promises
  if (!under_test()) return host::read(fd, buffer, size);
  return simulated_read(fd, buffer, size, CALLER);
}

ssize_t write(int fd, const void* buffer, std::size_t size) {
  if (!under_test()) return host::write(fd, buffer, size);
  return simulated_write(fd, buffer, size, CALLER);
}

ssize_t readv(int fd, const iovec* segments, int count) {
  if (!under_test() || is_standard(fd)) return AIOSIM_REAL(readv)(fd, segments, count);
  const RuntimeScope scope;
  return libc_result(world().kernel->readv(fd, segments, count, CALLER));
}

ssize_t writev(int fd, const iovec* segments, int count) {
  if (!under_test() || is_standard(fd)) return AIOSIM_REAL(writev)(fd, segments, count);
  const RuntimeScope scope;
  return libc_result(world().kernel->writev(fd, segments, count, CALLER));
}

int close(int fd) {
  if (!under_test()) return AIOSIM_REAL(close)(fd);
  const RuntimeScope scope;
  return libc_result(world().kernel->close(fd, CALLER));
}

int close_range(unsigned first, unsigned last, int flags) noexcept {
  if (!under_test()) return AIOSIM_REAL(close_range)(first, last, flags);
  const void* pc = CALLER;
  const auto asked = static_cast<unsigned>(flags);
  if (first > last || (asked & ~(CLOSE_RANGE_CLOEXEC | CLOSE_RANGE_UNSHARE)) != 0) {
    return libc_result(-EINVAL);
  }
  const RuntimeScope scope;
  aiosim::kernel::Kernel& kernel = *world().kernel;
  for (const int fd : kernel.open_fds()) {
    const auto number = static_cast<unsigned>(fd);
    if (number < first || number > last) continue;
    if ((asked & CLOSE_RANGE_CLOEXEC) != 0) {
      kernel.fcntl(fd, F_SETFD, FD_CLOEXEC, pc);
    } else {
      kernel.close(fd, pc);
    }
  }
  return 0;
}

void closefrom(int first) noexcept {
  if (!under_test()) return AIOSIM_REAL(closefrom)(first);
  close_range(static_cast<unsigned>(std::max(first, 0)), ~0U, 0);
}

/// None of a world's files is a terminal.
int isatty(int fd) noexcept {
  if (!under_test() || is_standard(fd)) return AIOSIM_REAL(isatty)(fd);
  const int flags = simulated_fcntl(fd, F_GETFD, 0, CALLER);
  if (flags >= 0) errno = ENOTTY;
  return 0;
}

int fcntl(int fd, int command, ...) {
  std::va_list list;
  va_start(list, command);
  const long argument = va_arg(list, long);
  va_end(list);
  if (!under_test()) return AIOSIM_REAL(fcntl)(fd, command, argument);
  return simulated_fcntl(fd, command, argument, CALLER);
}

int fcntl64(int fd, int command, ...) {
  std::va_list list;
  va_start(list, command);
  const long argument = va_arg(list, long);
  va_end(list);
  if (!under_test()) return AIOSIM_REAL(fcntl64)(fd, command, argument);
  return simulated_fcntl(fd, command, argument, CALLER);
}

int dup(int fd) noexcept {
  if (!under_test()) return AIOSIM_REAL(dup)(fd);
  const RuntimeScope scope;
  return libc_result(world().kernel->dup(fd, CALLER));
}

int dup2(int from, int to) noexcept {
  if (!under_test()) return AIOSIM_REAL(dup2)(from, to);
  const RuntimeScope scope;
  return libc_result(world().kernel->dup2(from, to, CALLER));
}

int dup3(int from, int to, int flags) noexcept {
  if (!under_test()) return AIOSIM_REAL(dup3)(from, to, flags);
  const RuntimeScope scope;
  return libc_result(world().kernel->dup3(from, to, flags, CALLER));
}

}  // extern "C"
