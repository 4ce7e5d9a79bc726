// Seed files on disk.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "aiosim/seed.h"
#include "seed/limits.h"

namespace aiosim {
namespace {

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int fd() const { return fd_; }

 private:
  int fd_;
};

[[noreturn]] void bad(const std::string& path, const std::string& expected,
                      const std::string& found) {
  throw BadInput(path + ": expected " + expected + ", found: " + found);
}

std::string system_error() { return std::strerror(errno); }

std::string read_all(int fd, const std::string& path) {
  std::string text;
  char buffer[1 << 16];
  for (;;) {
    const ssize_t got = ::read(fd, buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) bad(path, "a readable seed file", system_error());
    if (got == 0) return text;
    text.append(buffer, static_cast<std::size_t>(got));
    if (text.size() > seed_limits::file_bytes) {
      bad(path, "a seed file of at most 4 MiB", "a larger file");
    }
  }
}

void write_all(int fd, std::string_view text, const std::string& path) {
  while (!text.empty()) {
    const ssize_t put = ::write(fd, text.data(), text.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) bad(path, "a writable seed file", system_error());
    text.remove_prefix(static_cast<std::size_t>(put));
  }
}

std::string folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

/// The file to replace: what `path` leads to if it exists, else `path`.
std::string target_of(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) {
    if (errno != ENOENT) bad(path, "a writable seed file", system_error());
    return path;
  }
  if (!S_ISREG(status.st_mode)) bad(path, "a regular file or none to write", "something else");
  if (::access(path.c_str(), W_OK) != 0) bad(path, "a writable seed file", system_error());
  char* real = ::realpath(path.c_str(), nullptr);
  if (real == nullptr) bad(path, "a writable seed file", system_error());
  std::string target = real;
  std::free(real);
  return target;
}

/// Makes the rename itself last. A file system that cannot sync a directory has done its best.
void sync_folder(const std::string& path) {
  const Descriptor folder(::open(folder_of(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder.fd() >= 0) ::fsync(folder.fd());
}

}  // namespace

SeedFile read_seed(const std::string& path) {
  // O_NONBLOCK: a FIFO must be refused, not waited for.
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  if (file.fd() < 0) bad(path, "a readable seed file", system_error());
  struct stat status {};
  if (::fstat(file.fd(), &status) != 0) bad(path, "a readable seed file", system_error());
  if (!S_ISREG(status.st_mode)) bad(path, "a regular file", "something else");
  return parse_seed(read_all(file.fd(), path), path);
}

void write_seed(const std::string& path, const SeedFile& seed) {
  const std::string text = seed_text(seed);
  const std::string target = target_of(path);
  const std::string temporary = target + ".tmp." + std::to_string(::getpid());
  try {
    const Descriptor file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
    if (file.fd() < 0) bad(path, "a writable folder", system_error());
    write_all(file.fd(), text, path);
    if (::fsync(file.fd()) != 0) bad(path, "a writable seed file", system_error());
    if (::rename(temporary.c_str(), target.c_str()) != 0) {
      bad(path, "a writable seed file", system_error());
    }
  } catch (...) {
    ::unlink(temporary.c_str());
    throw;
  }
  sync_folder(target);
}

}  // namespace aiosim
