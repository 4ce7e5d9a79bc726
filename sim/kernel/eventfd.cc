#include "kernel/eventfd.h"

#include <fcntl.h>
#include <sys/eventfd.h>

#include <cerrno>

#include "kernel/state.h"

namespace aiosim::kernel {

constexpr std::uint64_t most = UINT64_MAX;  // the counter stays below

std::uint32_t EventFd::readiness(bool) {
  std::uint32_t mask = 0;
  if (count_ > 0) mask |= EPOLLIN;
  if (count_ == most) mask |= EPOLLERR;
  if (most - 1 > count_) mask |= EPOLLOUT;
  return mask;
}

ssize_t EventFd::read(Io& io) {
  if (io.left() < sizeof count_) return -EINVAL;
  if (count_ == 0) return -EAGAIN;
  const std::uint64_t value = semaphore_ ? 1 : count_;
  count_ -= value;
  wake(EPOLLOUT);
  io.copy_to_user(&value, sizeof value);
  io.figure = static_cast<std::int64_t>(value);
  return sizeof value;
}

bool EventFd::can_write(const Io& io) {
  std::uint64_t value = 0;
  if (io.first_segment() != sizeof value) return true;
  io.peek(&value, sizeof value);
  return value == most || most - count_ > value;
}

ssize_t EventFd::write(Io& io) {
  std::uint64_t value = 0;
  if (io.first_segment() != sizeof value) return -EINVAL;
  io.peek(&value, sizeof value);
  if (value == most) return -EINVAL;
  if (most - count_ <= value) return -EAGAIN;
  io.copy_from_user(&value, sizeof value);
  count_ += value;
  io.figure = static_cast<std::int64_t>(value);
  wake(EPOLLIN);
  return sizeof value;
}

void EventFd::signal() {
  if (count_ < most) ++count_;
  state_.release(to_reader());
  wake(EPOLLIN | (count_ == most ? EPOLLERR : 0u));
}

int Kernel::eventfd(unsigned initial, int flags, const void* pc) {
  State& k = *state_;
  k.enter("eventfd", {}, pc);
  const auto done = [&](int result) { return k.leave("eventfd", result, result, pc, initial); };
  if ((flags & ~(EFD_CLOEXEC | EFD_NONBLOCK | EFD_SEMAPHORE)) != 0) return done(-EINVAL);
  if (fault::strikes(fault::PointId::eventfd_emfile)) return done(-EMFILE);
  auto& file =
      k.make<EventFd>(O_RDWR | (flags & EFD_NONBLOCK), initial, (flags & EFD_SEMAPHORE) != 0);
  return done(k.install(file, (flags & EFD_CLOEXEC) != 0));
}

}  // namespace aiosim::kernel
