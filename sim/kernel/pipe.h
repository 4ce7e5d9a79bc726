// pipe(2): 16 pages between a read end and a write end.
#pragma once

#include <array>
#include <cstddef>
#include <memory>

#include "kernel/file.h"

namespace aiosim::kernel {

class PipeEnd;

/// Data lies in pages, as in Linux: a small write joins the last page if all of its odd bytes fit
/// there, else it takes a page of its own. So "full" is a matter of pages, not of bytes.
struct Pipe {
  static constexpr std::size_t page = 4096;
  static constexpr std::size_t pages = 16;

  struct Page {
    std::size_t begin = 0;
    std::size_t size = 0;
  };
  bool empty() const { return used == 0; }
  bool full() const { return used == pages; }
  char* data(std::size_t slot) { return bytes.get() + slot * page; }
  std::size_t slot(std::size_t number) const { return (tail + number) % pages; }

  std::array<Page, pages> ring;
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
  Messages& messages() override { return pipe_->messages; }
  void closed() override;

 private:
  void append_page(Io& io, std::size_t size);

  std::shared_ptr<Pipe> pipe_;
};

}  // namespace aiosim::kernel
