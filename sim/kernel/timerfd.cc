#include "kernel/timerfd.h"

#include <fcntl.h>
#include <sys/timerfd.h>

#include <algorithm>
#include <cerrno>

#include "kernel/state.h"

namespace aiosim::kernel {
namespace {

constexpr std::int64_t second_ns = 1'000'000'000;

bool valid(const timespec& time) {
  return time.tv_sec >= 0 && time.tv_nsec >= 0 && time.tv_nsec < second_ns;
}

std::int64_t to_ns(const timespec& time) {
  constexpr std::int64_t most_s = INT64_MAX / 4 / second_ns;  // sums stay in range
  return std::min<std::int64_t>(time.tv_sec, most_s) * second_ns + time.tv_nsec;
}

timespec to_timespec(std::int64_t ns) { return {ns / second_ns, ns % second_ns}; }

}  // namespace

std::uint32_t TimerFd::readiness(bool) {
  state_.timers.advance();
  return ticks_ > 0 ? EPOLLIN : 0u;
}

bool TimerFd::can_read() {
  state_.timers.advance();
  return ticks_ > 0;
}

void TimerFd::closed() { state_.timers.disarm(*this); }

std::int64_t TimerFd::clock_offset_ns() const {
  return clock_ == CLOCK_REALTIME ? state_.world.realtime_offset_ns() : 0;
}

void TimerFd::set(std::int64_t expiry_ns, std::int64_t period_ns) {
  state_.timers.disarm(*this);
  ticks_ = 0;
  expired_ = false;
  period_ns_ = period_ns;
  expiry_ns_ = expiry_ns;
  if (expiry_ns >= 0) state_.timers.arm(*this);
}

void TimerFd::fire() {
  state_.timers.disarm(*this);
  expired_ = true;
  ++ticks_;
  wake(EPOLLIN);
}

std::uint64_t TimerFd::catch_up() {
  if (!expired_ || period_ns_ == 0) return 0;
  expired_ = false;
  const std::int64_t periods = (state_.world.now_ns() - expiry_ns_) / period_ns_ + 1;
  expiry_ns_ += periods * period_ns_;
  state_.timers.arm(*this);
  return static_cast<std::uint64_t>(periods - 1);  // the first one is in ticks_ already
}

itimerspec TimerFd::remaining() {
  ticks_ += catch_up();
  std::int64_t left_ns = 0;
  if (expiry_ns_ >= 0 && !expired_) left_ns = expiry_ns_ - state_.world.now_ns();
  return {to_timespec(period_ns_), to_timespec(std::max<std::int64_t>(left_ns, 0))};
}

ssize_t TimerFd::read(Io& io) {
  if (io.left() < sizeof ticks_) return -EINVAL;
  state_.timers.advance();
  if (ticks_ == 0) return -EAGAIN;
  const std::uint64_t value = ticks_ + catch_up();
  ticks_ = 0;
  expired_ = false;
  if (period_ns_ == 0) expiry_ns_ = -1;
  io.copy_to_user(&value, sizeof value);
  io.figure = static_cast<std::int64_t>(value);
  return sizeof value;
}

void Timers::arm(TimerFd& timer) { armed_.push_back(&timer); }

void Timers::disarm(TimerFd& timer) { std::erase(armed_, &timer); }

TimerFd* Timers::earliest() {
  const auto sooner = [](const TimerFd* a, const TimerFd* b) {
    return a->expiry_ns_ < b->expiry_ns_;
  };
  const auto first = std::min_element(armed_.begin(), armed_.end(), sooner);
  return first != armed_.end() ? *first : nullptr;
}

void Timers::advance() {
  while (TimerFd* timer = earliest()) {
    if (timer->expiry_ns_ > state_.world.now_ns()) return;
    timer->fire();
  }
}

std::int64_t Timers::next_ns() {
  advance();
  const TimerFd* timer = earliest();
  return timer != nullptr ? timer->expiry_ns_ : -1;
}

int Kernel::timerfd_create(int clock, int flags, const void* pc) {
  State& k = *state_;
  k.enter("timerfd_create", {}, pc);
  const auto done = [&](int result) { return k.leave("timerfd_create", result, result, pc); };
  if ((flags & ~(TFD_CLOEXEC | TFD_NONBLOCK)) != 0) return done(-EINVAL);
  if (clock == CLOCK_REALTIME_ALARM || clock == CLOCK_BOOTTIME_ALARM) return done(-EPERM);
  if (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC && clock != CLOCK_BOOTTIME) {
    return done(-EINVAL);
  }
  auto& timer = k.make<TimerFd>(O_RDWR | (flags & TFD_NONBLOCK), clock);
  return done(k.install(timer, (flags & TFD_CLOEXEC) != 0));
}

int Kernel::timerfd_settime(int fd, int flags, const itimerspec* value, itimerspec* old,
                            const void* pc) {
  State& k = *state_;
  k.enter("timerfd_settime", fd_object(fd), pc);
  const auto done = [&](int result) { return k.leave("timerfd_settime", fd, result, pc); };
  if ((flags & ~(TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET)) != 0) return done(-EINVAL);
  if (!valid(value->it_value) || !valid(value->it_interval)) return done(-EINVAL);
  File* file = k.file(fd);
  if (file == nullptr) return done(-EBADF);
  auto* timer = dynamic_cast<TimerFd*>(file);
  if (timer == nullptr) return done(-EINVAL);
  if (old != nullptr) *old = timer->remaining();
  std::int64_t expiry_ns = -1;
  if (const std::int64_t ns = to_ns(value->it_value); ns != 0) {
    const bool absolute = (flags & TFD_TIMER_ABSTIME) != 0;
    expiry_ns =
        absolute ? std::max<std::int64_t>(ns - timer->clock_offset_ns(), 0) : k.world.now_ns() + ns;
  }
  timer->set(expiry_ns, to_ns(value->it_interval));
  k.release(timer->messages().readable);
  k.timers.advance();
  k.world.state_changed();
  return done(0);
}

int Kernel::timerfd_gettime(int fd, itimerspec* value, const void* pc) {
  State& k = *state_;
  k.enter("timerfd_gettime", fd_object(fd), pc);
  const auto done = [&](int result) { return k.leave("timerfd_gettime", fd, result, pc); };
  File* file = k.file(fd);
  if (file == nullptr) return done(-EBADF);
  auto* timer = dynamic_cast<TimerFd*>(file);
  if (timer == nullptr) return done(-EINVAL);
  *value = timer->remaining();
  k.world.state_changed();
  return done(0);
}

}  // namespace aiosim::kernel
