#include "kernel/fd_table.h"

#include <algorithm>
#include <cerrno>

namespace aiosim::kernel {

int FdTable::lowest_free(int from) const {
  int fd = std::max(from, first);
  while (file(fd) != nullptr || reserved(fd)) ++fd;
  return fd < limit ? fd : -EMFILE;
}

int FdTable::add(File& file, bool close_on_exec, int from) {
  const int fd = lowest_free(from);
  if (fd >= 0) put(fd, file, close_on_exec);
  return fd;
}

int FdTable::reserve() {
  const int fd = lowest_free(first);
  if (fd < 0) return fd;
  const auto size = static_cast<std::size_t>(fd - first) + 1;
  if (entries_.size() < size) entries_.resize(size);
  entry(fd).reserved = true;
  return fd;
}

void FdTable::put(int fd, File& file, bool close_on_exec) {
  const auto size = static_cast<std::size_t>(fd - first) + 1;
  if (entries_.size() < size) entries_.resize(size);
  entry(fd) = {&file, close_on_exec, false};
  ++file.references;
}

File* FdTable::remove(int fd) {
  File* file = this->file(fd);
  if (file != nullptr) entry(fd) = {};
  return file;
}

}  // namespace aiosim::kernel
