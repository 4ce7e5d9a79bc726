// Random sequences of system calls, for kernel_agrees_test.cc.
//
// The drawer keeps a guess of which number is what, so that most calls find an object that they
// fit; the rest probe the errors.
#pragma once

#include <sys/epoll.h>

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "aiosim/choice.h"

namespace aiosim {

enum class Call : std::uint8_t {
  eventfd,
  pipe2,
  epoll_create1,
  timerfd_create,
  timerfd_settime,
  timerfd_gettime,
  read,
  write,
  readv,
  writev,
  close,
  dup,
  dup2,
  dup3,
  set_flags,
  get_flags,
  set_fd_flags,
  get_fd_flags,
  dup_from,
  epoll_ctl,
  epoll_wait,
  poll,
  count_
};
inline constexpr std::array<const char*, static_cast<std::size_t>(Call::count_)> call_names = {
    "eventfd",         "pipe2",   "epoll_create1", "timerfd_create", "timerfd_settime",
    "timerfd_gettime", "read",    "write",         "readv",          "writev",
    "close",           "dup",     "dup2",          "dup3",           "F_SETFL",
    "F_GETFL",         "F_SETFD", "F_GETFD",       "F_DUPFD",        "epoll_ctl",
    "epoll_wait",      "poll"};

struct Step {
  Call call;
  int fd;
  int other;        // a second fd
  std::uint32_t a;  // flags, events, size: by call
  std::uint64_t value;
};

inline constexpr int first_fd = 3;
inline constexpr int fd_range = 14;  // numbers that steps use, some of them not open
inline constexpr std::size_t steps_per_sequence = 100;

inline std::string describe(const Step& step) {
  return std::string(call_names[static_cast<std::size_t>(step.call)]) + " fd " +
         std::to_string(step.fd) + " other " + std::to_string(step.other) + " a " +
         std::to_string(step.a) + " value " + std::to_string(step.value);
}

class Drawer {
 public:
  explicit Drawer(std::uint64_t seed) : random_(mix64(seed)) {}

  std::vector<Step> draw() {
    std::vector<Step> steps;
    for (std::size_t i = 0; i < steps_per_sequence; ++i) {
      Step step{};
      step.call = i < 5 ? pick({Call::eventfd, Call::pipe2, Call::epoll_create1,
                                Call::epoll_create1, Call::timerfd_create})
                        : draw_call();
      step.fd = draw_fd(wanted(step.call));
      step.other = draw_fd(any);
      const bool events = step.call == Call::epoll_ctl || step.call == Call::poll;
      step.a = events ? draw_events() : draw_size();
      step.value = draw_value();
      guess(step);
      steps.push_back(step);
    }
    return steps;
  }

 private:
  using Kinds = unsigned;
  static constexpr Kinds none = 0, event = 1, in = 2, out = 4, epoll = 8, timer = 16, any = 31;

  template <typename T>
  T pick(std::initializer_list<T> from) {
    return from.begin()[random_.below(static_cast<std::uint32_t>(from.size()))];
  }

  Call draw_call() {
    if (random_.below(4) == 0) return static_cast<Call>(random_.below(call_names.size()));
    return pick({Call::read, Call::read, Call::write, Call::write, Call::write, Call::epoll_ctl,
                 Call::epoll_ctl, Call::epoll_ctl, Call::epoll_wait, Call::epoll_wait,
                 Call::epoll_wait, Call::poll, Call::timerfd_settime});
  }

  static Kinds wanted(Call call) {
    switch (call) {
      case Call::epoll_ctl:
      case Call::epoll_wait:
        return epoll;
      case Call::timerfd_settime:
      case Call::timerfd_gettime:
        return timer;
      case Call::read:
        return event | in | timer;
      case Call::write:
        return event | out;
      case Call::readv:
        return in;
      case Call::writev:
        return out;
      default:
        return any;
    }
  }

  int draw_fd(Kinds kinds) {
    if (random_.below(300) == 0) return -1;
    const auto start = static_cast<int>(random_.below(fd_range));
    if (random_.below(16) == 0) return first_fd + start;
    for (int i = 0; i < fd_range; ++i) {
      const int at = (start + i) % fd_range;
      if ((guess_[static_cast<std::size_t>(at)] & kinds) != 0) return first_fd + at;
    }
    return first_fd + start;
  }

  std::uint32_t draw_events() {
    std::uint32_t events = random_.below(4) != 0 ? EPOLLIN : 0u;
    for (const std::uint32_t bit : {EPOLLOUT, EPOLLET, EPOLLONESHOT}) {
      events |= random_.below(3) == 0 ? bit : 0u;
    }
    for (const std::uint32_t bit : {EPOLLRDNORM, EPOLLWRNORM, EPOLLPRI, EPOLLRDHUP}) {
      events |= random_.below(10) == 0 ? bit : 0u;
    }
    return events | (random_.below(20) == 0 ? EPOLLEXCLUSIVE : 0u);
  }

  std::uint32_t draw_size() {
    return pick<std::uint32_t>(
        {0, 1, 4, 7, 8, 8, 8, 8, 16, 100, 4095, 4096, 4097, 9000, 65536, 65536, 70000});
  }

  std::uint64_t draw_value() {
    return pick<std::uint64_t>({0, 1, 1, 2, 3, 4, 5, UINT64_MAX - 1, UINT64_MAX - 2, UINT64_MAX});
  }

  void put(Kinds kind) {
    for (Kinds& entry : guess_) {
      if (entry != none) continue;
      entry = kind;
      return;
    }
  }

  void guess(const Step& step) {
    const auto at = static_cast<std::size_t>(step.fd - first_fd);
    const Kinds kind = at < guess_.size() ? guess_[at] : none;
    switch (step.call) {
      case Call::eventfd:
        return put(event);
      case Call::epoll_create1:
        return put(epoll);
      case Call::timerfd_create:
        return put(timer);
      case Call::dup:
        return put(kind);
      case Call::pipe2:
        put(in);
        return put(out);
      case Call::close:
        if (at < guess_.size()) guess_[at] = none;
        return;
      case Call::dup2:
      case Call::dup3:
        if (kind != none && step.other >= first_fd) {
          guess_[static_cast<std::size_t>(step.other - first_fd)] = kind;
        }
        return;
      default:
        return;
    }
  }

  Random random_;
  std::array<Kinds, fd_range> guess_{};
};

}  // namespace aiosim
