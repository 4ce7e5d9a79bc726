// The process's fds: numbers to open file descriptions, lowest free number first.
#pragma once

#include <vector>

#include "kernel/file.h"

namespace aiosim::kernel {

class FdTable {
 public:
  static constexpr int first = 3;     // 0, 1 and 2 belong to the host
  static constexpr int limit = 1024;  // RLIMIT_NOFILE

  void reset() { entries_.clear(); }
  /// One past the highest number that was ever open.
  int end() const { return first + static_cast<int>(entries_.size()); }

  /// Null if `fd` is not open.
  File* file(int fd) const {
    const auto i = static_cast<std::size_t>(fd - first);
    return fd >= first && i < entries_.size() ? entries_[i].file : nullptr;
  }

  /// The lowest free number that is >= `from`, or -EMFILE. Takes a reference.
  int add(File& file, bool close_on_exec, int from = first);
  /// Puts `file` at `fd`, which must be free. Takes a reference.
  void put(int fd, File& file, bool close_on_exec);
  /// The lowest free number for a description that is still to come, or -EMFILE: put() or free it.
  int reserve();
  void unreserve(int fd) { entry(fd) = {}; }
  bool reserved(int fd) const {
    const auto i = static_cast<std::size_t>(fd - first);
    return fd >= first && i < entries_.size() && entries_[i].reserved;
  }
  /// Frees the number. The caller owns the reference that it held.
  File* remove(int fd);

  bool close_on_exec(int fd) const { return entry(fd).close_on_exec; }
  void set_close_on_exec(int fd, bool on) { entry(fd).close_on_exec = on; }

 private:
  int lowest_free(int from) const;
  struct Entry {
    File* file = nullptr;
    bool close_on_exec = false;
    bool reserved = false;
  };
  Entry& entry(int fd) { return entries_[static_cast<std::size_t>(fd - first)]; }
  const Entry& entry(int fd) const { return entries_[static_cast<std::size_t>(fd - first)]; }

  std::vector<Entry> entries_;
};

}  // namespace aiosim::kernel
