// The simulated kernel against the real one: the same random system calls give the same results.
//
// One thread, nothing blocks. Each sequence runs twice through the same code: outside a world,
// where the calls reach Linux, and in one. Compared are results, errno, revents, events in their
// order, and the bytes read; fd numbers relative to the lowest free one.
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string>
#include <vector>

#include "test/kernel_fixture.h"
#include "test/kernel_sequence.h"

namespace aiosim {
namespace {

constexpr std::size_t most_figures = 64;  // per step

struct Figures {
  std::size_t count = 0;
  std::array<long, most_figures> at{};
  void add(long figure) {
    if (count < most_figures) at[count++] = figure;
  }
};

// --- running ----------------------------------------------------------------------------------

/// Runs steps; `base` is the number that stands for fd 3.
class Runner {
 public:
  explicit Runner(int base) : shift_(base - first_fd) {}

  void run(const Step& step, std::size_t number, Figures& out) {
    switch (step.call) {
      case Call::eventfd:
        return make(eventfd(step.a, flag(step, EFD_SEMAPHORE) | EFD_NONBLOCK), out);
      case Call::epoll_create1:
        return make(epoll_create1(flag(step, EPOLL_CLOEXEC)), out);
      case Call::timerfd_create:
        return make(timerfd_create(flag(step, CLOCK_MONOTONIC), TFD_NONBLOCK), out);
      case Call::pipe2:
        return make_pipe(step, out);
      case Call::timerfd_settime:
      case Call::timerfd_gettime:
        return timer(step, out);
      case Call::read:
      case Call::readv:
        return take(step, out);
      case Call::write:
      case Call::writev:
        return give(step, number, out);
      case Call::close:
        return out.add(outcome(close(real(step.fd))));
      case Call::dup:
        return make(dup(real(step.fd)), out);
      case Call::dup2:
        return make(dup2(real(step.fd), real(step.other)), out);
      case Call::dup3:
        return make(dup3(real(step.fd), real(step.other), O_CLOEXEC), out);
      case Call::dup_from:
        return make(fcntl(real(step.fd), F_DUPFD, real(step.other)), out);
      case Call::set_flags:
        return out.add(outcome(fcntl(real(step.fd), F_SETFL, O_NONBLOCK | flag(step, O_APPEND))));
      case Call::get_flags:
        return out.add(outcome(fcntl(real(step.fd), F_GETFL)));
      case Call::set_fd_flags:
        return out.add(outcome(fcntl(real(step.fd), F_SETFD, flag(step, FD_CLOEXEC))));
      case Call::get_fd_flags:
        return out.add(outcome(fcntl(real(step.fd), F_GETFD)));
      case Call::epoll_ctl:
        return control(step, number, out);
      case Call::epoll_wait:
        return wait(step, out);
      case Call::poll:
        return look(step, out);
      case Call::count_:
        break;
    }
  }

 private:
  int real(int fd) const { return fd < 0 ? fd : fd + shift_; }
  static int flag(const Step& step, int bits) { return (step.value & 1) != 0 ? bits : 0; }

  void make(int fd, Figures& out) const { out.add(fd < 0 ? -errno : fd - shift_); }

  void make_pipe(const Step& step, Figures& out) const {
    int fds[2];
    const long result = outcome(pipe2(fds, O_NONBLOCK | flag(step, O_CLOEXEC)));
    out.add(result);
    if (result < 0) return;
    out.add(fds[0] - shift_);
    out.add(fds[1] - shift_);
  }

  // Times are an hour, or so short that the wait afterwards sees them expire.
  void timer(const Step& step, Figures& out) const {
    itimerspec value{};
    if (step.call == Call::timerfd_gettime) {
      out.add(outcome(timerfd_gettime(real(step.fd), &value)));
    } else {
      const bool soon = (step.value & 2) != 0;
      const timespec first = step.a % 3 == 0 ? timespec{} : timespec{soon ? 0 : 3600, soon};
      const itimerspec wanted{{flag(step, 3600), 0}, first};
      const long result = outcome(timerfd_settime(real(step.fd), 0, &wanted, &value));
      out.add(result);
      pollfd expiry{real(step.fd), POLLIN, 0};
      const bool expires = result == 0 && first.tv_nsec != 0;
      if (expires) out.add(outcome(::poll(&expiry, 1, 10'000)));
    }
    out.add(value.it_value.tv_sec != 0);
    out.add(value.it_interval.tv_sec);
  }

  bool is_pipe(int fd) const {
    const int flags = fcntl(real(fd), F_GETFL);
    return flags >= 0 && (flags & O_ACCMODE) != O_RDWR;
  }

  void take(const Step& step, Figures& out) {
    const std::size_t size = step.a;
    const std::size_t half = size / 2;
    const iovec parts[] = {{data_.data(), half}, {data_.data() + half, size - half}};
    const bool whole = step.call == Call::read || !is_pipe(step.fd);
    const long n = outcome(whole ? ::read(real(step.fd), data_.data(), size)
                                 : ::readv(real(step.fd), parts, 2));
    out.add(n);
    std::uint64_t hash = 0;
    for (long i = 0; i < n; ++i) hash = mix64(hash ^ data_[static_cast<std::size_t>(i)]);
    out.add(static_cast<long>(hash));
  }

  void give(const Step& step, std::size_t number, Figures& out) {
    // How eventfd takes more than 8 bytes depends on the kernel's age.
    const bool pipe = is_pipe(step.fd);
    const std::size_t size = pipe || step.a < 8 ? step.a : 8;
    for (std::size_t i = 0; i < size; ++i) {
      data_[i] = static_cast<unsigned char>(mix64(number) + i * 31);
    }
    if (!pipe && size == 8) std::memcpy(data_.data(), &step.value, 8);
    const std::size_t third = size / 3;
    const iovec parts[] = {{data_.data(), third}, {data_.data() + third, size - third}};
    out.add(outcome(step.call == Call::write || !pipe ? ::write(real(step.fd), data_.data(), size)
                                                      : ::writev(real(step.fd), parts, 2)));
  }

  void control(const Step& step, std::size_t number, Figures& out) const {
    constexpr int ops[] = {EPOLL_CTL_ADD, EPOLL_CTL_ADD, EPOLL_CTL_ADD,
                           EPOLL_CTL_MOD, EPOLL_CTL_DEL, 7};
    epoll_event event{};
    event.events = step.a;
    event.data.u64 = number;
    const int op = ops[(step.value ^ step.a) % std::size(ops)];
    out.add(outcome(epoll_ctl(real(step.fd), op, real(step.other), &event)));
  }

  void wait(const Step& step, Figures& out) const {
    std::array<epoll_event, 8> events{};
    const int max = 1 + static_cast<int>(step.a % events.size());
    const long count = outcome(epoll_wait(real(step.fd), events.data(), max, 0));
    out.add(count);
    for (long i = 0; i < count; ++i) {
      out.add(events[static_cast<std::size_t>(i)].events);
      out.add(static_cast<long>(events[static_cast<std::size_t>(i)].data.u64));
    }
  }

  void look(const Step& step, Figures& out) const {
    std::array<pollfd, fd_range + 1> fds{};
    nfds_t count = 0;
    for (int fd = first_fd; fd < first_fd + fd_range; ++fd) {
      if (((step.value + step.a) >> (fd % 8) & 1) == 0) continue;
      fds[count++] = {real(fd), static_cast<short>(step.a & 0xfff), -1};
    }
    fds[count++] = {-1, POLLIN, -1};
    out.add(outcome(::poll(fds.data(), count, 0)));
    for (nfds_t i = 0; i < count; ++i) out.add(fds[i].revents);
  }

  int shift_;
  std::array<unsigned char, 70000> data_{};
};

// --- comparing --------------------------------------------------------------------------------

using Results = std::array<Figures, steps_per_sequence>;

void run_all(const std::vector<Step>& steps, int base, Results& results) {
  static Runner* runner = nullptr;
  alignas(Runner) static std::array<unsigned char, sizeof(Runner)> room;
  runner = new (room.data()) Runner(base);
  for (std::size_t i = 0; i < steps.size(); ++i) {
    results[i].count = 0;
    runner->run(steps[i], i, results[i]);
  }
}

std::string describe(const Figures& figures) {
  std::string text;
  for (std::size_t i = 0; i < figures.count; ++i) text += ' ' + std::to_string(figures.at[i]);
  return text;
}

bool same(const Figures& a, const Figures& b) {
  return a.count == b.count && std::equal(a.at.begin(), a.at.begin() + a.count, b.at.begin());
}

/// Closes the gaps below the highest open fd; the number after it.
int close_gaps() {
  int highest = 2;
  DIR* const open = opendir("/proc/self/fd");
  while (const dirent* entry = readdir(open)) highest = std::max(highest, std::atoi(entry->d_name));
  closedir(open);
  for (int fd = dup(0); fd >= 0; fd = dup(0)) {
    if (fd > highest) {
      close(fd);
      return fd;
    }
  }
  return -1;
}

std::string first_difference(const std::vector<Step>& steps, const Results& linux_results,
                             const Results& ours) {
  std::string text;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    text +=
        std::to_string(i) + ": " + describe(steps[i]) + " ->" + describe(linux_results[i]) + '\n';
    if (!same(linux_results[i], ours[i])) return text + "simulated:" + describe(ours[i]);
  }
  return "";
}

TEST(KernelAgrees, RandomSequencesGiveLinuxsResults) {
  ASSERT_NE(signal(SIGPIPE, SIG_IGN), SIG_ERR);
  const int base = close_gaps();
  ASSERT_GE(base, first_fd);
  static Results linux_results;
  static Results ours;
  std::array<std::uint64_t, static_cast<std::size_t>(Call::count_)> succeeded{};
  for (std::uint64_t seed = 1; seed <= 4000; ++seed) {
    const std::vector<Step> steps = Drawer(seed).draw();
    run_all(steps, base, linux_results);
    ASSERT_EQ(close_range(static_cast<unsigned>(base), ~0u, 0), 0);
    PASSES(simulate([&] { run_all(steps, first_fd, ours); }));
    ASSERT_EQ(first_difference(steps, linux_results, ours), "") << "sequence " << seed;
    for (std::size_t i = 0; i < steps.size(); ++i) {
      if (ours[i].at[0] >= 0) ++succeeded[static_cast<std::size_t>(steps[i].call)];
    }
  }
  for (std::size_t i = 0; i < succeeded.size(); ++i) {
    EXPECT_GT(succeeded[i], 500u) << call_names[i] << " hardly ever succeeded: a weak comparison";
  }
}

}  // namespace
}  // namespace aiosim
