// The calls on any fd: read, write, close, fcntl, ioctl, dup.
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <cerrno>
#include <climits>

#include "kernel/epoll.h"
#include "kernel/memfd.h"
#include "kernel/pipe.h"
#include "kernel/socket.h"
#include "kernel/state.h"

namespace aiosim::kernel {
namespace {

bool may_read(const File& file) { return (file.flags & O_ACCMODE) != O_WRONLY; }
bool may_write(const File& file) { return (file.flags & O_ACCMODE) != O_RDONLY; }
bool waits(const File& file, const Io& io) {
  return (file.flags & O_NONBLOCK) == 0 && (io.flags & MSG_DONTWAIT) == 0;
}

bool can_read(void* file) { return static_cast<File*>(file)->can_read(); }

struct Writing {
  File* file;
  const Io* io;
};
bool can_write(void* data) {
  const auto& writing = *static_cast<Writing*>(data);
  return writing.file->can_write(*writing.io);
}

// What was written before an error counts.
ssize_t so_far(const Io& io, ssize_t error) {
  return io.moved() > 0 ? static_cast<ssize_t>(io.moved()) : error;
}

// Sockets keep quiet after a part was sent, as on Linux.
bool sends_sigpipe(const File& file, const Io& io) {
  if (io.moved() > 0 && dynamic_cast<const PipeEnd*>(&file) == nullptr) return false;
  return !io.quiet && (io.flags & MSG_NOSIGNAL) == 0;
}

}  // namespace

void shorten(State& k, fault::PointId point, const File& file, Io& io) {
  if (!file.is_stream() || io.left() < 2 || !fault::strikes(point)) return;
  const std::size_t sizes[] = {io.left() / 2, 1, io.left() - 1};
  io.limit(sizes[k.world.choose(Kind::io_length, 3)]);
}

ssize_t read_from(State& k, File& file, int fd, Io& io, const char* call, const void* pc) {
  using fault::PointId;
  const bool at_once = !waits(file, io) || file.can_read();
  if (at_once && fault::strikes(PointId::read_eintr)) return -EINTR;
  shorten(k, PointId::read_short, file, io);
  ssize_t result = file.read(io);
  while (result == -EAGAIN && waits(file, io)) {
    const int woken = k.wait(call, fd_object(fd), -1, PointId::read_eintr, can_read, &file);
    if (woken == -EINTR) return -EINTR;
    io.slept = true;
    result = file.read(io);
  }
  if (result < 0) return result;
  k.acquire(file.messages().readable);
  io.for_each_moved(
      [&](void* at, std::size_t size) { k.world.memory.plain_write(k.thread(), at, size, pc); });
  k.release(file.to_writer());
  k.world.state_changed();
  return result;
}

ssize_t write_to(State& k, File& file, int fd, Io& io, const char* call, const void* pc) {
  using fault::PointId;
  // Before the write releases: what it reads is ordered by it.
  io.for_each_segment([&](const void* at, std::size_t size) {
    k.world.memory.plain_read(k.thread(), at, size, pc);
  });
  const bool at_once = !waits(file, io) || file.can_write(io);
  if (at_once && fault::strikes(PointId::write_eintr)) return -EINTR;
  shorten(k, PointId::write_short, file, io);
  Writing writing{&file, &io};
  // A socket decides once, a pipe looks at O_NONBLOCK each time.
  const bool is_socket = dynamic_cast<const Socket*>(&file) != nullptr;
  const bool waited = waits(file, io);
  for (;;) {
    const ssize_t result = file.write(io);
    if (result > 0) k.release(file.to_reader());
    k.world.state_changed();
    if (result == -EPIPE && sends_sigpipe(file, io)) k.signals.send_sigpipe();
    if (result < 0 && result != -EAGAIN) return so_far(io, result);
    const bool complete = result >= 0 && (io.left() == 0 || !file.is_stream());
    if (complete || !(is_socket ? waited : waits(file, io))) return so_far(io, result);
    const int woken = k.wait(call, fd_object(fd), -1, PointId::write_eintr, can_write, &writing);
    if (woken == -EINTR) return so_far(io, -EINTR);
    io.slept = true;
    k.acquire(file.messages().writable);
  }
}

namespace {

ssize_t read_once(State& k, int fd, const iovec* segments, int count, bool vector, const void* pc) {
  k.enter("read", fd_object(fd), pc);
  if (count < 0 || count > IOV_MAX) return k.leave("read", fd, ssize_t{-EINVAL}, pc);
  File* const file = k.file(fd);
  if (file == nullptr || !may_read(*file)) return k.leave("read", fd, ssize_t{-EBADF}, pc);
  Io io(segments, count);
  if (vector && io.left() == 0 && file->reads()) return k.leave("read", fd, ssize_t{0}, pc);
  k.pin(*file);
  const ssize_t result = read_from(k, *file, fd, io, "read", pc);
  k.drop(*file);
  return k.leave("read", fd, result, pc, io.figure);
}

// Writes of this kind commute with one another, so each of them counts as one that only looks.
bool only_adds(File& file, const Io& io) {
  std::uint64_t value = 0;
  if (!file.only_adds() || io.first_segment() != sizeof value) return false;
  io.peek(&value, sizeof value);
  if (value >> 56 != 0) return false;  // so that no number of threads fills the counter up
  for (const Watch& watch : file.watchers) {
    if ((watch.event.events & EPOLLEXCLUSIVE) != 0 || watch.epoll->tells_order()) return false;
  }
  return true;
}

ssize_t write_once(State& k, int fd, const iovec* segments, int count, bool vector,
                   const void* pc) {
  k.enter("write", fd_object(fd), pc);
  if (count < 0 || count > IOV_MAX) return k.leave("write", fd, ssize_t{-EINVAL}, pc);
  File* const file = k.file(fd);
  if (file == nullptr || !may_write(*file)) return k.leave("write", fd, ssize_t{-EBADF}, pc);
  Io io(segments, count);
  if (vector && io.left() == 0 && file->writes()) return k.leave("write", fd, ssize_t{0}, pc);
  k.pin(*file);
  const bool commutes = only_adds(*file, io);
  const ssize_t result = write_to(k, *file, fd, io, "write", pc);
  if (commutes && result > 0) k.world.wrote_nothing(the_kernel);
  k.drop(*file);
  return k.leave("write", fd, result, pc, io.figure);
}

}  // namespace

ssize_t Kernel::read(int fd, void* buffer, std::size_t size, const void* pc) {
  const iovec segment{buffer, size};
  return read_segments(fd, &segment, 1, false, pc);
}

ssize_t Kernel::write(int fd, const void* buffer, std::size_t size, const void* pc) {
  const iovec segment{const_cast<void*>(buffer), size};
  return write_segments(fd, &segment, 1, false, pc);
}

ssize_t Kernel::readv(int fd, const iovec* segments, int count, const void* pc) {
  return read_segments(fd, segments, count, true, pc);
}

ssize_t Kernel::writev(int fd, const iovec* segments, int count, const void* pc) {
  return write_segments(fd, segments, count, true, pc);
}

ssize_t Kernel::read_segments(int fd, const iovec* segments, int count, bool vector,
                              const void* pc) {
  return state_->signals.repeat(
      true, [&] { return read_once(*state_, fd, segments, count, vector, pc); });
}

ssize_t Kernel::write_segments(int fd, const iovec* segments, int count, bool vector,
                               const void* pc) {
  return state_->signals.repeat(
      true, [&] { return write_once(*state_, fd, segments, count, vector, pc); });
}

int Kernel::close(int fd, const void* pc) {
  State& k = *state_;
  k.enter("close", fd_object(fd), pc);
  File* const file = k.file(fd);
  if (file == nullptr) {
    const bool was_open = fd >= FdTable::first && fd < k.fds.end();
    if (was_open && k.closed_twice.empty()) {
      k.closed_twice = std::string(k.world.self().name) + " closes fd " + std::to_string(fd) +
                       ", which is not open any more, at " + k.world.describe_pc(pc);
    }
    return k.leave("close", fd, -EBADF, pc);
  }
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
  if (k.fds.reserved(to)) return done(-EBUSY);  // another thread's accept will put its fd there
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
  if (command == F_GETPIPE_SZ || command == F_SETPIPE_SZ) {
    auto* const pipe = dynamic_cast<PipeEnd*>(file);
    if (pipe == nullptr) return done(-EBADF);
    return done(command == F_GETPIPE_SZ ? pipe->capacity() : pipe->set_capacity(argument));
  }
  k.world.fail(VerdictKind::crash,
               "fcntl command " + std::to_string(command) + " is not simulated");
}

int Kernel::ioctl(int fd, unsigned long request, void* argument, const void* pc) {
  State& k = *state_;
  k.enter("ioctl", fd_object(fd), pc);
  const auto done = [&](int result) {
    return k.leave("ioctl", fd, result, pc, static_cast<std::int64_t>(request));
  };
  File* const file = k.file(fd);
  if (file == nullptr) return done(-EBADF);
  if (request != FIONBIO && request != FIONREAD) {
    k.world.fail(VerdictKind::crash,
                 "ioctl request " + std::to_string(request) + " is not simulated");
  }
  auto* const value = static_cast<int*>(argument);
  if (request == FIONBIO) {
    k.world.memory.plain_read(k.thread(), value, sizeof *value, pc);
    file->flags = *value != 0 ? file->flags | O_NONBLOCK : file->flags & ~O_NONBLOCK;
    k.world.state_changed();
    return done(0);
  }
  const auto* const memfd = dynamic_cast<const MemFd*>(file);
  const int unread = memfd != nullptr ? memfd->to_end() : file->unread();
  if (unread < 0 && memfd == nullptr) return done(unread);
  k.world.memory.plain_write(k.thread(), value, sizeof *value, pc);
  *value = unread;
  k.acquire(file->messages().readable);
  return done(0);
}

}  // namespace aiosim::kernel
