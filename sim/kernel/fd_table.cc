#include "kernel/fd_table.h"

#include <algorithm>
#include <cerrno>

namespace aiosim::kernel {

int FdTable::add(File& file, bool close_on_exec, int from) {
  int fd = std::max(from, first);
  while (this->file(fd) != nullptr) ++fd;
  if (fd >= limit) return -EMFILE;
  put(fd, file, close_on_exec);
  return fd;
}

void FdTable::put(int fd, File& file, bool close_on_exec) {
  const auto size = static_cast<std::size_t>(fd - first) + 1;
  if (entries_.size() < size) entries_.resize(size);
  entry(fd) = {&file, close_on_exec};
  ++file.references;
}

File* FdTable::remove(int fd) {
  File* file = this->file(fd);
  if (file != nullptr) entry(fd) = {};
  return file;
}

}  // namespace aiosim::kernel
