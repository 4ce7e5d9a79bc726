// eventfd(2): a counter behind an fd.
#pragma once

#include <cstdint>

#include "kernel/file.h"

namespace aiosim::kernel {

class EventFd final : public File {
 public:
  EventFd(State& state, int open_flags, std::uint64_t initial, bool semaphore)
      : File(state, open_flags), count_(initial), semaphore_(semaphore) {}

  std::uint32_t readiness(bool scan) override;
  ssize_t read(Io& io) override;
  ssize_t write(Io& io) override;
  bool can_read() override { return count_ > 0; }
  bool can_write(const Io& io) override;
  bool only_adds() const override { return count_ >> 62 == 0; }
  /// The kernel's own: adds one, if there is room. (Linux: eventfd_signal.)
  void signal();

 private:
  std::uint64_t count_;
  bool semaphore_;
};

}  // namespace aiosim::kernel
