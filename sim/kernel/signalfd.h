// signalfd(2): blocked signals, read from an fd.
#pragma once

#include "kernel/file.h"
#include "kernel/signals.h"

namespace aiosim::kernel {

/// Whose signals: those of the process, and of the thread that looks (reads, polls, waits). So what
/// is ready differs from thread to thread.
class SignalFd final : public File {
 public:
  SignalFd(State& state, int open_flags, SignalSet mask);

  std::uint32_t readiness(bool scan) override;
  ssize_t read(Io& io) override;
  bool can_read() override;
  void closed() override;
  void acquire_readiness(std::uint32_t mask) override;

  void set_mask(SignalSet mask);

 private:
  SignalSet mask_;
};

}  // namespace aiosim::kernel
