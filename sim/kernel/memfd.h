// memfd_create(2): a file in memory; what Linux AIO reads and writes.
#pragma once

#include <sys/types.h>

#include <vector>

#include "kernel/file.h"

namespace aiosim::kernel {

class MemFd final : public File {
 public:
  explicit MemFd(State& state);

  /// A file without a poll method: always ready, and nothing that epoll takes.
  std::uint32_t readiness(bool) override { return EPOLLIN | EPOLLRDNORM | EPOLLOUT | EPOLLWRNORM; }
  bool pollable() const override { return false; }

  // At the description's position, which moves.
  ssize_t read(Io& io) override;
  ssize_t write(Io& io) override;
  /// FIONREAD; negative behind the end.
  int to_end() const { return static_cast<int>(size() - position_); }

  /// At `offset`, which must not be negative; up to the end of the file.
  ssize_t read_at(Io& io, off_t offset);
  /// With O_APPEND at the end. What would make the file larger than largest ends the run by name.
  ssize_t write_at(Io& io, off_t offset);

  /// lseek(2); SEEK_DATA and SEEK_HOLE end the run by name.
  off_t seek(off_t offset, int whence);
  /// ftruncate(2): 0 or -EINVAL.
  int resize(off_t size);
  off_t size() const { return static_cast<off_t>(bytes_.size()); }

  static constexpr off_t largest = off_t{16} << 20;

 private:
  void check_size(off_t size) const;
  off_t end_of_write(off_t offset) const;

  std::vector<char> bytes_;
  off_t position_ = 0;
};

}  // namespace aiosim::kernel
