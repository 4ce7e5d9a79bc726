#include "kernel/memfd.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>

#include "kernel/pipe.h"
#include "kernel/socket.h"
#include "kernel/state.h"

namespace aiosim::kernel {
namespace {

constexpr int large_file = 0100000;  // Linux's O_LARGEFILE; the header's is 0 where all files are

}  // namespace

MemFd::MemFd(State& state) : File(state, O_RDWR | large_file) {}

void MemFd::check_size(off_t size) const {
  if (size <= largest) return;
  state_.world.fail(VerdictKind::crash,
                    "a file of more than " + std::to_string(largest) + " bytes is not simulated");
}

ssize_t MemFd::read_at(Io& io, off_t offset) {
  if (offset >= size()) return 0;
  const std::size_t n = std::min(io.left(), static_cast<std::size_t>(size() - offset));
  io.copy_to_user(bytes_.data() + offset, n);
  return static_cast<ssize_t>(n);
}

ssize_t MemFd::write_at(Io& io, off_t offset) {
  if ((flags & O_APPEND) != 0) offset = size();
  const std::size_t n = io.left();
  if (n == 0) return 0;
  const off_t end = offset + static_cast<off_t>(n);
  check_size(end);
  if (end > size()) bytes_.resize(static_cast<std::size_t>(end));
  io.copy_from_user(bytes_.data() + offset, n);
  return static_cast<ssize_t>(n);
}

ssize_t MemFd::read(Io& io) {
  const ssize_t n = read_at(io, position_);
  position_ += n;
  return n;
}

ssize_t MemFd::write(Io& io) {
  if (io.left() == 0) return 0;
  if ((flags & O_APPEND) != 0) position_ = size();
  const ssize_t n = write_at(io, position_);
  position_ += n;
  return n;
}

off_t MemFd::seek(off_t offset, int whence) {
  if (whence == SEEK_DATA || whence == SEEK_HOLE) {
    state_.world.fail(VerdictKind::crash, "lseek to data or a hole is not simulated");
  }
  if (whence != SEEK_SET && whence != SEEK_CUR && whence != SEEK_END) return -EINVAL;
  const off_t base = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? position_ : size();
  off_t target = 0;
  if (__builtin_add_overflow(base, offset, &target) || target < 0) return -EINVAL;
  position_ = target;
  return target;
}

int MemFd::resize(off_t size) {
  if (size < 0) return -EINVAL;
  check_size(size);
  bytes_.resize(static_cast<std::size_t>(size));
  return 0;
}

// ---- the calls ----

int Kernel::memfd_create(const char* name, unsigned flags, const void* pc) {
  State& k = *state_;
  k.enter("memfd_create", {}, pc);
  const auto done = [&](int result) { return k.leave("memfd_create", result, result, pc); };
  constexpr unsigned known = MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_HUGETLB;
  constexpr std::size_t longest = 249;  // NAME_MAX - strlen("memfd:")
  if ((flags & known & ~MFD_CLOEXEC) != 0 || (flags & ~known & 0x1fu) != 0) {
    k.world.fail(VerdictKind::crash,
                 "memfd_create flags " + std::to_string(flags) + " are not simulated");
  }
  if ((flags & ~known) != 0 || std::strlen(name) > longest) return done(-EINVAL);
  return done(k.install(k.make<MemFd>(), (flags & MFD_CLOEXEC) != 0));
}

namespace {

/// The file behind a call that wants one. Others give `otherwise` where Linux's do (pipes and
/// sockets cannot seek); the rest has an answer of its own there that is not simulated.
MemFd* file_of(State& k, int fd, const char* call, ssize_t otherwise, ssize_t& error) {
  File* const file = k.file(fd);
  error = file == nullptr ? -EBADF : otherwise;
  if (file == nullptr) return nullptr;
  if (auto* const memfd = dynamic_cast<MemFd*>(file)) return memfd;
  const bool stream = dynamic_cast<PipeEnd*>(file) != nullptr || dynamic_cast<Socket*>(file);
  if (!stream) {
    k.world.fail(VerdictKind::crash, std::string(call) + " of fd " + std::to_string(fd) +
                                         " is not simulated: it is no memfd");
  }
  return nullptr;
}

}  // namespace

ssize_t Kernel::pread(int fd, void* buffer, std::size_t size, off_t offset, const void* pc) {
  State& k = *state_;
  k.enter("pread", fd_object(fd), pc);
  const auto done = [&](ssize_t result) { return k.leave("pread", fd, result, pc, offset); };
  if (offset < 0) return done(-EINVAL);
  ssize_t error = 0;
  MemFd* const file = file_of(k, fd, "pread", -ESPIPE, error);
  if (file == nullptr) return done(error);
  const iovec segment{buffer, size};
  Io io(&segment, 1);
  const ssize_t result = file->read_at(io, offset);
  k.acquire(file->to_reader());
  io.for_each_moved(
      [&](void* at, std::size_t n) { k.world.memory.plain_write(k.thread(), at, n, pc); });
  return done(result);
}

ssize_t Kernel::pwrite(int fd, const void* buffer, std::size_t size, off_t offset, const void* pc) {
  State& k = *state_;
  k.enter("pwrite", fd_object(fd), pc);
  const auto done = [&](ssize_t result) { return k.leave("pwrite", fd, result, pc, offset); };
  if (offset < 0) return done(-EINVAL);
  ssize_t error = 0;
  MemFd* const file = file_of(k, fd, "pwrite", -ESPIPE, error);
  if (file == nullptr) return done(error);
  k.world.memory.plain_read(k.thread(), buffer, size, pc);
  const iovec segment{const_cast<void*>(buffer), size};
  Io io(&segment, 1);
  const ssize_t result = file->write_at(io, offset);
  k.release(file->to_reader());
  k.world.state_changed();
  return done(result);
}

off_t Kernel::lseek(int fd, off_t offset, int whence, const void* pc) {
  State& k = *state_;
  k.enter("lseek", fd_object(fd), pc);
  const auto done = [&](off_t result) { return k.leave("lseek", fd, result, pc, offset); };
  ssize_t error = 0;
  MemFd* const file = file_of(k, fd, "lseek", -ESPIPE, error);
  return done(file != nullptr ? file->seek(offset, whence) : error);
}

int Kernel::ftruncate(int fd, off_t size, const void* pc) {
  State& k = *state_;
  k.enter("ftruncate", fd_object(fd), pc);
  const auto done = [&](ssize_t result) {
    return static_cast<int>(k.leave("ftruncate", fd, result, pc, size));
  };
  if (size < 0) return done(-EINVAL);
  ssize_t error = 0;
  MemFd* const file = file_of(k, fd, "ftruncate", -EINVAL, error);
  if (file == nullptr) return done(error);
  const int result = file->resize(size);
  k.release(file->to_reader());
  k.world.state_changed();
  return done(result);
}

int Kernel::fsync(const char* call, int fd, const void* pc) {
  State& k = *state_;
  k.enter(call, fd_object(fd), pc);
  ssize_t error = 0;
  const MemFd* const file = file_of(k, fd, call, -EINVAL, error);
  return static_cast<int>(k.leave(call, fd, file != nullptr ? 0 : error, pc));
}

int Kernel::fstat(int fd, struct stat* out, const void* pc) {
  State& k = *state_;
  k.enter("fstat", fd_object(fd), pc);
  const auto done = [&](int result) { return k.leave("fstat", fd, result, pc); };
  File* const file = k.file(fd);
  if (file == nullptr) return done(-EBADF);
  const auto* const memfd = dynamic_cast<MemFd*>(file);
  if (memfd == nullptr) {
    k.world.fail(VerdictKind::crash,
                 "fstat of fd " + std::to_string(fd) + " is not simulated: it is no memfd");
  }
  constexpr blksize_t page = 4096;
  k.world.memory.plain_write(k.thread(), out, sizeof *out, pc);
  *out = {};
  out->st_mode = S_IFREG | 0777;
  out->st_nlink = 0;
  out->st_uid = out->st_gid = user_id;
  out->st_size = memfd->size();
  out->st_blksize = page;
  k.acquire(file->to_reader());
  return done(0);
}

}  // namespace aiosim::kernel
