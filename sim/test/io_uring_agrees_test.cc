// The simulated io_uring against the real one: the same random calls give the same results.
//
// One thread, nothing blocks. Each sequence runs twice through the same code: outside a world,
// where the ring is Linux's, and in one. Compared are the results of calls and the completions that
// each harvest finds; not their order, which Linux leaves open. Where Linux refuses io_uring, the
// test says so and only checks that the simulated one gives the same twice.
#include <liburing.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <string>
#include <vector>

#include "test/kernel_fixture.h"

namespace aiosim {
namespace {

constexpr int fd_count = 4;  // eventfds; the next number is no fd
constexpr int most_steps = 40;

struct Step {
  std::uint32_t verb;
  std::uint32_t a;
  std::uint32_t b;
};

struct Figures {
  std::array<long, 1024> values{};
  std::size_t count = 0;
  void add(long value) {
    if (count < values.size()) values[count++] = value;
  }
};

class Runner {
 public:
  explicit Runner(Figures& out) : out_(out) {}

  bool start() {
    for (int& fd : fds_) fd = eventfd(0, EFD_NONBLOCK);
    return io_uring_queue_init(2, &ring_, 0) == 0;  // small: queues get full
  }
  void end() {
    io_uring_queue_exit(&ring_);
    for (const int fd : fds_) close(fd);
  }

  void run(const Step& step) {
    out_.add(-100 - static_cast<long>(step.verb));
    switch (step.verb) {
      case 0:
        return poll_add(step);
      case 1:
        return poll_remove(step);
      case 2:
        return timeout(step);
      case 3:
        return nop();
      case 4:
        return out_.add(outcome(eventfd_write(fd_of(step.a % fd_count), 1)));
      case 5:
        return drain(step);
      case 6:
        return out_.add(io_uring_submit(&ring_));
      case 7:
        return out_.add(io_uring_submit_and_get_events(&ring_));
      default:
        return harvest();
    }
  }

 private:
  int fd_of(std::uint32_t i) const { return i < fd_count ? fds_[i] : 1000; }

  io_uring_sqe* entry() {
    io_uring_sqe* entry = io_uring_get_sqe(&ring_);
    out_.add(entry != nullptr ? 1 : 0);
    return entry;
  }

  void poll_add(const Step& step) {
    io_uring_sqe* to = entry();
    if (to == nullptr) return;
    const unsigned masks[] = {POLLIN, POLLOUT, POLLIN | POLLOUT, 0};
    io_uring_prep_poll_add(to, fd_of(step.a % (fd_count + 1)), masks[step.b % 4]);
    io_uring_sqe_set_data64(to, ++last_);
  }
  void poll_remove(const Step& step) {
    io_uring_sqe* to = entry();
    if (to == nullptr) return;
    io_uring_prep_poll_remove(to, last_ - step.a % 4);
    io_uring_sqe_set_data64(to, ++last_);
  }
  void timeout(const Step& step) {
    io_uring_sqe* to = entry();
    if (to == nullptr) return;
    static constexpr std::array<__kernel_timespec, 2> times{{{3600, 0}, {3600, -1}}};
    io_uring_prep_timeout(to, const_cast<__kernel_timespec*>(&times[step.b % 8 == 0]), 1, 0);
    io_uring_sqe_set_data64(to, ++last_);
  }
  void nop() {
    io_uring_sqe* to = entry();
    if (to == nullptr) return;
    io_uring_prep_nop(to);
    io_uring_sqe_set_data64(to, ++last_);
  }
  void drain(const Step& step) {
    eventfd_t value = 0;
    const long result = eventfd_read(fd_of(step.a % fd_count), &value);
    out_.add(result == 0 ? static_cast<long>(value) : -errno);
  }

  /// All there are, in the order of their user_data.
  void harvest() {
    std::array<std::array<long, 2>, 128> seen{};
    std::size_t count = 0;
    out_.add(io_uring_get_events(&ring_));
    out_.add(io_uring_cq_has_overflow(&ring_) ? 1 : 0);
    unsigned taken = 0;
    do {  // a timeout that the last ones took along may come after them
      io_uring_get_events(&ring_);
      unsigned head = 0;
      taken = 0;
      io_uring_cqe* completion = nullptr;
      io_uring_for_each_cqe(&ring_, head, completion) {
        ++taken;
        if (count < seen.size()) {
          seen[count++] = {static_cast<long>(completion->user_data), completion->res};
        }
      }
      io_uring_cq_advance(&ring_, taken);
    } while (taken != 0 || io_uring_cq_has_overflow(&ring_));
    std::sort(seen.begin(), seen.begin() + static_cast<std::ptrdiff_t>(count));
    for (std::size_t i = 0; i < count; ++i) {
      out_.add(seen[i][0]);
      out_.add(seen[i][1]);
    }
  }

  Figures& out_;
  io_uring ring_{};
  std::array<int, fd_count> fds_{};
  std::uint64_t last_ = 0;
};

bool run_all(const std::vector<Step>& steps, Figures& out) {
  Runner runner(out);
  if (!runner.start()) return false;
  for (const Step& step : steps) runner.run(step);
  runner.run({8, 0, 0});
  runner.end();
  return true;
}

std::string text(const std::vector<Step>& steps) {
  std::string out;
  for (const Step& step : steps) {
    out += " {" + std::to_string(step.verb) + "," + std::to_string(step.a) + "," +
           std::to_string(step.b) + "}";
  }
  return out;
}

TEST(IoUringAgrees, RandomCalls) {
  int compared = 0;
  for (std::uint64_t seed = 1; seed <= 2'000; ++seed) {
    Random random(mix64(seed));
    std::vector<Step> steps(random.below(most_steps) + 1);
    for (Step& step : steps) step = {random.below(9), random.below(16), random.below(16)};
    Figures real;
    if (run_all(steps, real)) {
      ++compared;
    } else {
      PASSES(simulate([&] { run_all(steps, real); }));
    }
    Figures simulated;
    RandomChooser chooser(seed, bit(Kind::poll_order));
    PASSES(simulate([&] { run_all(steps, simulated); }, chooser));
    ASSERT_EQ(real.count, simulated.count) << "seed" << seed << text(steps);
    for (std::size_t i = 0; i < real.count; ++i) {
      ASSERT_EQ(real.values[i], simulated.values[i])
          << "figure " << i << " of seed " << seed << text(steps);
    }
  }
  if (compared == 0) std::printf("io_uring cannot be set up here: compared with itself only\n");
}

}  // namespace
}  // namespace aiosim
