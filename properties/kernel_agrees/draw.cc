#include "kernel_agrees/draw.h"

#include <rapidcheck.h>
#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <initializer_list>

namespace kernel_agrees {
namespace {

using Kinds = unsigned;
constexpr Kinds none = 0, event = 1, in = 2, out = 4, epoll = 8, timer = 16, pair_ = 32,
                pair_inet = 64, fresh = 128, fresh_inet = 256, listener = 512,
                listener_inet = 1024;
constexpr Kinds any = 2047;
constexpr Kinds connected = pair_ | pair_inet;
constexpr Kinds listening = listener | listener_inet;
constexpr Kinds unconnected = fresh | fresh_inet;
constexpr Kinds sockets = connected | listening | unconnected;

/// Keeps a guess of which number is what, so that most calls find an object that they fit; the
/// rest probe the errors. Each sequence uses some kinds of objects only, so that they meet.
class Drawer {
 public:
  Drawer(const rc::Random& random, bool threads) : random_(random), threads_(threads) {}

  Sequence draw() {
    constexpr std::size_t least = 60;
    const std::size_t length = least + below(41);
    families_ = 1 + below(63);
    step(Call::epoll_create1);
    for (int i = 0; i < 4; ++i) make_something();
    while (steps_.size() < length) {
      if (threads_ && steps_.size() > 12 && below(4) == 0) {
        blocking_call(1 + static_cast<int>(below(worker_count)));
      } else if (below(9) == 0) {
        make_something();
      } else {
        any_call();
      }
    }
    return std::move(steps_);
  }

 private:
  std::uint32_t below(std::uint32_t n) { return static_cast<std::uint32_t>(random_.next() % n); }
  bool chance(std::uint32_t one_in) { return below(one_in) == 0; }
  template <typename T>
  T pick(std::initializer_list<T> from) {
    return from.begin()[below(static_cast<std::uint32_t>(from.size()))];
  }

  int find(Kinds kinds) {
    if (chance(300)) return -1;
    const auto start = static_cast<int>(below(fd_range));
    if (chance(25)) return first_fd + start;
    for (int i = 0; i < fd_range; ++i) {
      const int at = (start + i) % fd_range;
      if ((guess_[static_cast<std::size_t>(at)] & kinds) != 0) return first_fd + at;
    }
    return first_fd + start;
  }
  Kinds kind(int fd) const {
    const auto at = static_cast<std::size_t>(fd - first_fd);
    return at < guess_.size() ? guess_[at] : none;
  }
  int put(Kinds kind) {
    for (std::size_t i = 0; i < guess_.size(); ++i) {
      if (guess_[i] != none) continue;
      guess_[i] = kind;
      return first_fd + static_cast<int>(i);
    }
    return -1;
  }
  void set(int fd, Kinds kind) {
    const auto at = static_cast<std::size_t>(fd - first_fd);
    if (at < guess_.size()) guess_[at] = kind;
  }

  Step& step(Call call, int fd = -1, int other = -1, std::uint32_t a = 0,
             std::uint64_t value = 0) {
    Step made{call, 0, fd, other, a, value};
    const Fields& has = fields(call);
    if (has.value != nullptr && std::string_view(has.value) == "flags" && value == 0) {
      made.value = new_flags();
    }
    guess(made);
    steps_.push_back(made);
    return steps_.back();
  }

  /// Without other threads what blocks is never seen; with them it is what counts.
  std::uint64_t new_flags() {
    std::uint64_t flags = chance(threads_ ? 3 : 12) ? 0 : nonblock;
    if (threads_ && chance(2)) flags = 0;
    if (chance(8)) flags |= close_on_exec;
    if (chance(5)) flags |= special;
    return flags;
  }

  void make_something() {
    const std::uint32_t family = below(7);
    if (family < 6 && ((families_ >> family) & 1) == 0) return;
    switch (family) {
      case 0:
        step(Call::eventfd, -1, -1, pick<std::uint32_t>({0, 0, 1, 2, 3}));
        return;
      case 1:
        step(Call::pipe2);
        return;
      case 2:
        step(Call::timerfd_create, -1, -1, below(2));
        return;
      case 3:
        step(Call::socketpair);
        return;
      case 4:
      case 5:
        return make_sockets(family == 5);
      default:
        step(Call::epoll_create1);
    }
  }

  void make_sockets(bool inet) {
    const int there = find(inet ? listener_inet : listener);
    const Kinds wanted = inet ? listener_inet : listener;
    const int fd = free_fd();
    if (fd < 0) return;
    step(Call::socket, -1, -1, inet ? 1 : 0);
    if ((kind(there) & wanted) == 0) {
      step(Call::bind, fd, fd, chance(8) && !inet ? 2 : 0);
      step(Call::listen, fd, -1, inet ? 100 : pick<std::uint32_t>({0, 1, 5, 100, UINT32_MAX}));
      return;
    }
    if (chance(5)) return;
    steps_.back().value |= nonblock;
    step(Call::connect, fd, there);
    if (chance(3)) step(Call::connect, fd, there);
    if (!chance(4)) step(Call::accept, there);
  }
  int free_fd() const {
    const auto at = std::find(guess_.begin(), guess_.end(), none);
    return at != guess_.end() ? first_fd + static_cast<int>(at - guess_.begin()) : -1;
  }

  std::uint32_t events() {
    std::uint32_t events = chance(4) ? 0u : EPOLLIN;
    for (const std::uint32_t bit : {EPOLLOUT, EPOLLET, EPOLLONESHOT}) {
      events |= chance(3) ? bit : 0u;
    }
    for (const std::uint32_t bit : {EPOLLRDNORM, EPOLLWRNORM, EPOLLPRI, EPOLLRDHUP}) {
      events |= chance(8) ? bit : 0u;
    }
    return events | (chance(20) ? EPOLLEXCLUSIVE : 0u);
  }
  std::uint32_t size() {
    return pick<std::uint32_t>({0, 1, 4, 7, 8, 8, 8, 8, 16, 100, 200, 4095, 4096, 4097, 9000, 40000,
                                65536, 65536, 70000});
  }
  std::uint64_t counter() {
    return pick<std::uint64_t>(
        {0, 1, 1, 2, 3, 4, 5, UINT64_MAX - 1, UINT64_MAX - 2, UINT64_MAX});
  }

  void any_call() {
    switch (below(16)) {
      case 0:
      case 1:
      case 2:
        return transfer(0);
      case 3:
      case 4:
      case 5:
        step(Call::epoll_ctl, find(epoll), find(any), events(),
             pick<std::uint64_t>({1, 1, 1, 1, 2, 3, 3, 7}));
        return;
      case 6:
      case 7:
      case 8:
        step(Call::epoll_wait, find(epoll), -1, pick<std::uint32_t>({0, 1, 1, 2, 3, 8, 8, 8}));
        return;
      case 9:
        step(Call::poll, -1, -1, events() & 0x3fff, random_.next() & ((1u << fd_range) - 1));
        return;
      case 10:
      case 11:
        return socket_call();
      case 12:
        step(chance(3) ? Call::timerfd_gettime : Call::timerfd_settime, find(timer), -1, below(3),
             below(2));
        return;
      case 13:
        if (chance(2)) return plain_call();
        [[fallthrough]];
      default:
        return rare_call();
    }
  }

  void transfer(int thread) {
    const int from = static_cast<int>(below(4));
    if (from == 0) {
      const Call call = pick({Call::send, Call::recv, Call::sendmsg, Call::recvmsg});
      step(call, find(connected), -1, size(), flags_of_message()).thread = thread;
    } else if (from == 1) {
      step(pick({Call::readv, Call::writev}), find(in | out | connected), -1, size())
          .thread = thread;
    } else if (chance(2)) {
      step(Call::read, find(event | in | timer | connected), -1, size()).thread = thread;
    } else {
      step(Call::write, find(event | out | connected), -1, size(), counter()).thread = thread;
    }
  }
  std::uint64_t flags_of_message() { return (chance(4) ? special : 0) | close_on_exec; }

  void socket_call() {
    switch (below(9)) {
      case 0:
        step(Call::shutdown, find(connected | (chance(3) ? sockets : 0)), -1, below(4));
        return;
      case 1:
        step(chance(2) ? Call::getsockname : Call::getpeername, find(sockets), -1,
             pick<std::uint32_t>({128, 128, 128, 16, 2, 0}));
        return;
      case 2:
        step(Call::get_option, find(sockets), -1, below(10));
        return;
      case 3:
        step(Call::set_option, find(sockets), -1, pick<std::uint32_t>({5, 6, 7, 9, 9}),
             pick<std::uint64_t>({0, 1, 1000, 5000, 20000}));
        return;
      case 4:
        step(Call::bind, find(sockets), find(sockets), below(3));
        return;
      case 5:
        step(Call::listen, find(fresh | fresh_inet), -1, 100);
        return;
      case 6:
      case 7:
        step(Call::accept, find(listening));
        return;
      default:
        step(Call::connect, find(unconnected), find(listening));
    }
  }

  void plain_call() {
    const auto call = static_cast<Call>(below(static_cast<std::uint32_t>(Call::epoll_ctl)));
    step(call, find(any), find(any), size(), 0);
  }

  void rare_call() {
    switch (below(8)) {
      case 0:
      case 1:
        step(Call::close, find(any));
        return;
      case 2:
        step(Call::dup, find(any));
        return;
      case 3:
        step(pick({Call::dup2, Call::dup3, Call::dup_from}), find(any), find(any));
        return;
      case 4:
        step(pick({Call::unread, Call::get_flags, Call::get_fd_flags, Call::get_pipe_size}),
             find(any));
        return;
      case 5:
        step(Call::set_pipe_size, find(in | out), -1,
             pick<std::uint32_t>({0, 4096, 5000, 16384, 65536, 200000}));
        return;
      case 6:
        step(pick({Call::set_flags, Call::set_nonblock, Call::set_fd_flags}), find(any));
        return;
      default:
        return make_something();
    }
  }

  void blocking_call(int thread) {
    switch (below(7)) {
      case 0:
      case 1:
        step(Call::epoll_wait, find(epoll), -1, pick<std::uint32_t>({1, 1, 2, 8}));
        break;
      case 2:
        step(Call::poll, -1, -1, events() & 0x3fff, random_.next() & ((1u << fd_range) - 1));
        break;
      case 3:
        step(Call::accept, find(listening));
        break;
      case 4:
        step(Call::connect, find(unconnected), find(listening));
        break;
      default:
        return transfer(thread);
    }
    steps_.back().thread = thread;
  }

  void guess(const Step& step) {
    const Kinds its = kind(step.fd);
    switch (step.call) {
      case Call::eventfd:
        put(event);
        return;
      case Call::epoll_create1:
        put(epoll);
        return;
      case Call::timerfd_create:
        put(timer);
        return;
      case Call::pipe2:
        put(in);
        put(out);
        return;
      case Call::socketpair:
        put(pair_);
        put(pair_);
        return;
      case Call::socket:
        put(step.a == 0 ? fresh : fresh_inet);
        return;
      case Call::listen:
        if ((its & unconnected) != 0) set(step.fd, its == fresh ? listener : listener_inet);
        return;
      case Call::connect:
        if ((its & unconnected) != 0) set(step.fd, its == fresh ? pair_ : pair_inet);
        return;
      case Call::accept:
        if ((its & listening) != 0) put(its == listener ? pair_ : pair_inet);
        return;
      case Call::dup:
        put(its);
        return;
      case Call::close:
        set(step.fd, none);
        return;
      case Call::dup2:
      case Call::dup3:
        if (its != none) set(step.other, its);
        return;
      default:
        return;
    }
  }

  rc::Random random_;
  bool threads_;
  std::uint32_t families_ = 0;
  std::array<Kinds, fd_range> guess_{};
  Sequence steps_;
};

}  // namespace

Sequence draw(std::uint64_t seed, bool threads) {
  const rc::Gen<Sequence> sequences = [threads](const rc::Random& random, int) {
    return rc::shrinkable::just(Drawer(random, threads).draw());
  };
  return sequences(rc::Random(seed), 100).value();
}

}  // namespace kernel_agrees
