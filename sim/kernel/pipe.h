// pipe(2): 16 pages (F_SETPIPE_SZ: up to 256) between a read end and a write end.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "kernel/file.h"

namespace aiosim::kernel {

class PipeEnd;

/// Data lies in pages, as in Linux: a small write joins the last page if all of its odd bytes fit
/// there, else it takes a page of its own. So "full" is a matter of pages, not of bytes.
struct Pipe {
  static constexpr std::size_t page = 4096;
  static constexpr std::size_t default_pages = 16;
  static constexpr std::size_t most_pages = 256;  // /proc/sys/fs/pipe-max-size

  struct Page {
    std::size_t begin = 0;
    std::size_t size = 0;
  };
  bool empty() const { return used == 0; }
  bool full() const { return used == ring.size(); }
  char* data(std::size_t slot) { return bytes.get() + slot * page; }
  std::size_t slot(std::size_t number) const { return (tail + number) % ring.size(); }

  /// Fewer pages than are in use do not go: -EBUSY.
  int resize(std::size_t pages);

  std::vector<Page> ring = std::vector<Page>(default_pages);
  std::size_t tail = 0;
  std::size_t used = 0;
  std::unique_ptr<char[]> bytes;
  File::Messages messages;
  PipeEnd* reader = nullptr;  // null once closed
  PipeEnd* writer = nullptr;
};

class PipeEnd final : public File {
 public:
  PipeEnd(State& state, int open_flags, std::shared_ptr<Pipe> pipe)
      : File(state, open_flags), pipe_(std::move(pipe)) {}

  std::uint32_t readiness(bool scan) override;
  ssize_t read(Io& io) override;
  ssize_t write(Io& io) override;
  bool can_read() override { return !pipe_->empty() || pipe_->writer == nullptr; }
  bool can_write(const Io&) override { return !pipe_->full() || pipe_->reader == nullptr; }
  bool is_stream() const override { return true; }
  int unread() override;
  /// F_GETPIPE_SZ and F_SETPIPE_SZ: bytes, or -errno.
  int capacity() const { return static_cast<int>(pipe_->ring.size() * Pipe::page); }
  int set_capacity(long bytes);
  Messages& messages() override { return pipe_->messages; }
  void closed() override;

 private:
  void append_page(Io& io, std::size_t size);

  std::shared_ptr<Pipe> pipe_;
};

}  // namespace aiosim::kernel
