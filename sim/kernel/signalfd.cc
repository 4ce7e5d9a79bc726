#include "kernel/signalfd.h"

#include <fcntl.h>
#include <sys/signalfd.h>

#include <cerrno>

#include "kernel/state.h"

namespace aiosim::kernel {
namespace {

// Linux: signalfd_copyinfo.
signalfd_siginfo to_fd_info(const siginfo_t& info) {
  signalfd_siginfo out{};
  out.ssi_signo = static_cast<std::uint32_t>(info.si_signo);
  out.ssi_errno = info.si_errno;
  out.ssi_code = info.si_code;
  out.ssi_pid = static_cast<std::uint32_t>(info.si_pid);
  out.ssi_uid = info.si_uid;
  if (info.si_code < 0) {
    out.ssi_ptr = reinterpret_cast<std::uintptr_t>(info.si_value.sival_ptr);
    out.ssi_int = info.si_value.sival_int;
  }
  return out;
}

}  // namespace

SignalFd::SignalFd(State& state, int open_flags, SignalSet mask)
    : File(state, open_flags), mask_(mask & ~unblockable) {
  state.signals.signalfds.push_back(this);
}

bool SignalFd::can_read() {
  return (state_.signals.pending(state_.viewer()) & mask_) != 0;
}

std::uint32_t SignalFd::readiness(bool) { return can_read() ? EPOLLIN : 0u; }

ssize_t SignalFd::read(Io& io) {
  if (io.left() < sizeof(signalfd_siginfo)) return -EINVAL;
  ssize_t result = 0;
  siginfo_t info;
  while (io.left() >= sizeof(signalfd_siginfo) && state_.signals.take(mask_, info)) {
    const signalfd_siginfo out = to_fd_info(info);
    io.copy_to_user(&out, sizeof out);
    result += static_cast<ssize_t>(sizeof out);
    io.figure = info.si_signo;
  }
  return result > 0 ? result : -EAGAIN;
}

void SignalFd::closed() { std::erase(state_.signals.signalfds, this); }

void SignalFd::acquire_readiness(std::uint32_t) { state_.signals.acquire_senders(mask_); }

void SignalFd::set_mask(SignalSet mask) {
  mask_ = mask & ~unblockable;
  state_.signals.tell_watchers();
}

int Kernel::signalfd(int fd, SignalSet mask, int flags, const void* pc) {
  State& k = *state_;
  k.enter("signalfd", fd_object(fd), pc);
  const auto done = [&](int result) { return k.leave("signalfd", result, result, pc); };
  if ((flags & ~(SFD_CLOEXEC | SFD_NONBLOCK)) != 0) return done(-EINVAL);
  if (fd == -1) {
    auto& made = k.make<SignalFd>(O_RDWR | (flags & SFD_NONBLOCK), mask);
    return done(k.install(made, (flags & SFD_CLOEXEC) != 0));
  }
  File* const file = k.file(fd);
  if (file == nullptr) return done(-EBADF);
  auto* const there = dynamic_cast<SignalFd*>(file);
  if (there == nullptr) return done(-EINVAL);
  there->set_mask(mask);
  return done(fd);
}

}  // namespace aiosim::kernel
