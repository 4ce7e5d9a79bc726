// The calls on any fd: read, write, close, fcntl, dup.
#include <fcntl.h>
#include <sys/uio.h>

#include <cerrno>
#include <climits>

#include "kernel/pipe.h"
#include "kernel/state.h"

namespace aiosim::kernel {
namespace {

bool may_read(const File& file) { return (file.flags & O_ACCMODE) != O_WRONLY; }
bool may_write(const File& file) { return (file.flags & O_ACCMODE) != O_RDONLY; }
bool waits(const File& file) { return (file.flags & O_NONBLOCK) == 0; }

bool can_read(void* file) { return static_cast<File*>(file)->can_read(); }

struct Writing {
  File* file;
  const Io* io;
};
bool can_write(void* data) {
  const auto& writing = *static_cast<Writing*>(data);
  return writing.file->can_write(*writing.io);
}

ssize_t read_from(State& k, File& file, int fd, Io& io, const void* pc) {
  using fault::PointId;
  const bool at_once = !waits(file) || file.can_read();
  if (at_once && fault::strikes(PointId::read_eintr)) return -EINTR;
  ssize_t result = file.read(io);
  while (result == -EAGAIN && waits(file)) {
    const int woken = k.wait("read", fd_object(fd), -1, PointId::read_eintr, can_read, &file);
    if (woken == -EINTR) return -EINTR;
    result = file.read(io);
  }
  if (result < 0) return result;
  k.acquire(file.messages().readable);
  io.for_each_moved(
      [&](void* at, std::size_t size) { k.world.memory.plain_write(k.thread(), at, size, pc); });
  k.release(file.messages().writable);
  k.world.state_changed();
  return result;
}

// What was written before an error counts.
ssize_t so_far(const Io& io, ssize_t error) {
  return io.moved() > 0 ? static_cast<ssize_t>(io.moved()) : error;
}

ssize_t write_to(State& k, File& file, int fd, Io& io) {
  using fault::PointId;
  const bool at_once = !waits(file) || file.can_write(io);
  if (at_once && fault::strikes(PointId::write_eintr)) return -EINTR;
  Writing writing{&file, &io};
  for (;;) {
    const ssize_t result = file.write(io);
    if (result > 0) k.release(file.messages().readable);
    k.world.state_changed();
    if (result < 0 && result != -EAGAIN) return so_far(io, result);
    const bool complete = result >= 0 && (io.left() == 0 || !file.is_stream());
    if (complete || !waits(file)) return so_far(io, result);
    const int woken = k.wait("write", fd_object(fd), -1, PointId::write_eintr, can_write, &writing);
    if (woken == -EINTR) return so_far(io, -EINTR);
    k.acquire(file.messages().writable);
  }
}

}  // namespace

ssize_t Kernel::read(int fd, void* buffer, std::size_t size, const void* pc) {
  const iovec segment{buffer, size};
  return readv(fd, &segment, 1, pc);
}

ssize_t Kernel::write(int fd, const void* buffer, std::size_t size, const void* pc) {
  const iovec segment{const_cast<void*>(buffer), size};
  return writev(fd, &segment, 1, pc);
}

ssize_t Kernel::readv(int fd, const iovec* segments, int count, const void* pc) {
  State& k = *state_;
  k.enter("read", fd_object(fd), pc);
  if (count < 0 || count > IOV_MAX) return k.leave("read", fd, ssize_t{-EINVAL}, pc);
  File* const file = k.file(fd);
  if (file == nullptr || !may_read(*file)) return k.leave("read", fd, ssize_t{-EBADF}, pc);
  Io io(segments, count);
  k.pin(*file);
  const ssize_t result = read_from(k, *file, fd, io, pc);
  k.drop(*file);
  return k.leave("read", fd, result, pc, io.figure);
}

ssize_t Kernel::writev(int fd, const iovec* segments, int count, const void* pc) {
  State& k = *state_;
  k.enter("write", fd_object(fd), pc);
  if (count < 0 || count > IOV_MAX) return k.leave("write", fd, ssize_t{-EINVAL}, pc);
  File* const file = k.file(fd);
  if (file == nullptr || !may_write(*file)) return k.leave("write", fd, ssize_t{-EBADF}, pc);
  Io io(segments, count);
  for (int i = 0; i < count; ++i) {  // before the write releases: what it reads is ordered by it
    k.world.memory.plain_read(k.thread(), segments[i].iov_base, segments[i].iov_len, pc);
  }
  k.pin(*file);
  const ssize_t result = write_to(k, *file, fd, io);
  k.drop(*file);
  return k.leave("write", fd, result, pc, io.figure);
}

int Kernel::close(int fd, const void* pc) {
  State& k = *state_;
  k.enter("close", fd_object(fd), pc);
  File* const file = k.file(fd);
  if (file == nullptr) return k.leave("close", fd, -EBADF, pc);
  k.fds.remove(fd);
  k.drop(*file);
  return k.leave("close", fd, 0, pc);
}

int Kernel::dup(int fd, const void* pc) {
  State& k = *state_;
  k.enter("dup", fd_object(fd), pc);
  File* const file = k.file(fd);
  const int result = file != nullptr ? k.fds.add(*file, false) : -EBADF;
  return k.leave("dup", fd, result, pc);
}

int Kernel::dup2(int from, int to, const void* pc) {
  if (from != to) return dup3(from, to, 0, pc);
  State& k = *state_;
  k.enter("dup2", fd_object(from), pc);
  return k.leave("dup2", from, k.file(from) != nullptr ? to : -EBADF, pc);
}

int Kernel::dup3(int from, int to, int flags, const void* pc) {
  State& k = *state_;
  k.enter("dup3", fd_object(from), pc);
  const auto done = [&](int result) { return k.leave("dup3", from, result, pc, to); };
  if ((flags & ~O_CLOEXEC) != 0 || from == to) return done(-EINVAL);
  if (to < 0 || to >= FdTable::limit) return done(-EBADF);
  File* const file = k.file(from);
  if (file == nullptr) return done(-EBADF);
  File* const old = k.file(to);
  k.fds.remove(to);
  k.fds.put(to, *file, (flags & O_CLOEXEC) != 0);
  if (old != nullptr) k.drop(*old);
  return done(to);
}

namespace {

int duplicate_from(State& k, File& file, long lowest, bool close_on_exec) {
  if (lowest < 0 || lowest >= FdTable::limit) return -EINVAL;
  return k.fds.add(file, close_on_exec, static_cast<int>(lowest));
}

int set_status_flags(State& k, File& file, long flags) {
  constexpr int settable = O_NONBLOCK | O_APPEND;
  if ((flags & O_DIRECT) != 0) return -EINVAL;
  if ((flags & O_ASYNC) != 0) k.world.fail(VerdictKind::crash, "O_ASYNC is not simulated");
  file.flags = (file.flags & ~settable) | (static_cast<int>(flags) & settable);
  k.world.state_changed();
  return 0;
}

}  // namespace

int Kernel::fcntl(int fd, int command, long argument, const void* pc) {
  State& k = *state_;
  k.enter("fcntl", fd_object(fd), pc);
  const auto done = [&](int result) { return k.leave("fcntl", fd, result, pc, command); };
  File* const file = k.file(fd);
  if (file == nullptr) return done(-EBADF);
  switch (command) {
    case F_DUPFD:
      return done(duplicate_from(k, *file, argument, false));
    case F_DUPFD_CLOEXEC:
      return done(duplicate_from(k, *file, argument, true));
    case F_GETFD:
      return done(k.fds.close_on_exec(fd) ? FD_CLOEXEC : 0);
    case F_SETFD:
      k.fds.set_close_on_exec(fd, (argument & FD_CLOEXEC) != 0);
      return done(0);
    case F_GETFL:
      return done(file->flags);
    case F_SETFL:
      return done(set_status_flags(k, *file, argument));
    default:
      break;
  }
  if (command == F_GETPIPE_SZ) {
    if (dynamic_cast<PipeEnd*>(file) == nullptr) return done(-EBADF);
    return done(static_cast<int>(Pipe::page * Pipe::pages));
  }
  k.world.fail(VerdictKind::crash,
               "fcntl command " + std::to_string(command) + " is not simulated");
}

}  // namespace aiosim::kernel
