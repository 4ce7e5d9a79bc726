// epoll and poll in the simulated kernel: levels, edges, order, nesting, waiting.
#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <array>
#include <set>
#include <thread>

#include "test/kernel_fixture.h"

namespace aiosim {
namespace {

constexpr long millisecond_ns = 1'000'000;

long drain(int fd) {
  eventfd_t value = 0;
  return eventfd_read(fd, &value) == 0 ? static_cast<long>(value) : -errno;
}

long control(int epoll, int op, int fd, std::uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.fd = fd;
  return outcome(epoll_ctl(epoll, op, fd, &event));
}
long watch(int epoll, int fd, std::uint32_t events) {
  return control(epoll, EPOLL_CTL_ADD, fd, events);
}

/// The fds that one epoll_wait reports, as digits: 43 is fd 4, then fd 3.
long reported(int epoll, int max = 8, int timeout = 0) {
  std::array<epoll_event, 8> events;
  const int count = epoll_wait(epoll, events.data(), max, timeout);
  if (count < 0) return -errno;
  long digits = 0;
  for (int i = 0; i < count; ++i) {
    digits = digits * 10 + events[static_cast<std::size_t>(i)].data.fd;
  }
  return digits;
}

/// eventfds 3, 4 and 5 and an epoll instance, 6.
int three_and_epoll() {
  for (int i = 0; i < 3; ++i) eventfd(0, EFD_NONBLOCK);
  return epoll_create1(0);
}

TEST(Epoll, LevelTriggeredComesAgainUntilDrained) {
  PASSES(simulate([] {
    const int epoll = three_and_epoll();
    SAME(0, watch(epoll, 3, EPOLLIN));
    SAME(0, reported(epoll));
    eventfd_write(3, 1);
    SAME(3, reported(epoll));
    SAME(3, reported(epoll));
    SAME(1, drain(3));
    SAME(0, reported(epoll));
  }));
}

TEST(Epoll, EdgeTriggeredComesOncePerWrite) {
  PASSES(simulate([] {
    const int epoll = three_and_epoll();
    eventfd_write(3, 1);
    SAME(0, watch(epoll, 3, EPOLLIN | EPOLLET));
    SAME(3, reported(epoll));
    SAME(0, reported(epoll));
    eventfd_write(3, 1);  // not drained, but a new edge
    SAME(3, reported(epoll));
    SAME(0, reported(epoll));
    SAME(2, drain(3));
    eventfd_write(3, 1);
    SAME(1, drain(3));
    SAME(0, reported(epoll));
  }));
}

TEST(Epoll, OneShotIsSilentUntilModified) {
  PASSES(simulate([] {
    const int epoll = three_and_epoll();
    SAME(0, watch(epoll, 3, EPOLLIN | EPOLLONESHOT));
    eventfd_write(3, 1);
    SAME(3, reported(epoll));
    eventfd_write(3, 1);
    SAME(0, reported(epoll));
    SAME(0, control(epoll, EPOLL_CTL_MOD, 3, EPOLLIN | EPOLLONESHOT));
    SAME(3, reported(epoll));
    SAME(0, reported(epoll));
  }));
}

TEST(Epoll, ReadyListIsFirstComeFirstServed) {
  PASSES(simulate([] {
    const int epoll = three_and_epoll();
    for (int fd = 3; fd <= 5; ++fd) SAME(0, watch(epoll, fd, EPOLLIN));
    for (const int fd : {5, 3, 4}) eventfd_write(fd, 1);
    SAME(534, reported(epoll));
    SAME(53, reported(epoll, 2));  // what was reported goes to the end ...
    SAME(453, reported(epoll));    // ... and what was not comes first
  }));
}

TEST(Epoll, OrderIsAChoice) {
  std::set<long> orders;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    RandomChooser random(seed, bit(Kind::poll_order));
    static long order;
    PASSES(simulate(
        [] {
          const int epoll = three_and_epoll();
          for (int fd = 3; fd <= 5; ++fd) watch(epoll, fd, EPOLLIN);
          for (int fd = 3; fd <= 5; ++fd) eventfd_write(fd, 1);
          order = reported(epoll);
        },
        random));
    orders.insert(order);
  }
  EXPECT_EQ(orders, (std::set<long>{345, 354, 435, 453, 534, 543}));
}

TEST(Epoll, ControlRefusesWhatLinuxRefuses) {
  PASSES(simulate([] {
    const int epoll = three_and_epoll();
    SAME(0, watch(epoll, 3, EPOLLIN));
    SAME(-EEXIST, watch(epoll, 3, EPOLLIN));
    SAME(-ENOENT, control(epoll, EPOLL_CTL_MOD, 4, EPOLLIN));
    SAME(-ENOENT, control(epoll, EPOLL_CTL_DEL, 4, 0));
    SAME(-EBADF, watch(epoll, 99, EPOLLIN));
    SAME(-EBADF, watch(99, 3, EPOLLIN));
    SAME(-EINVAL, watch(3, 4, EPOLLIN));
    SAME(-EINVAL, watch(epoll, epoll, EPOLLIN));
    SAME(-EINVAL, control(epoll, 9, 4, EPOLLIN));
    SAME(-EINVAL, control(epoll, EPOLL_CTL_MOD, 3, EPOLLIN | EPOLLEXCLUSIVE));
    SAME(0, watch(epoll, 4, EPOLLIN | EPOLLEXCLUSIVE));
    SAME(-EINVAL, control(epoll, EPOLL_CTL_MOD, 4, EPOLLIN));
    SAME(-EINVAL, watch(epoll, 5, EPOLLIN | EPOLLEXCLUSIVE | EPOLLONESHOT));
    SAME(-EFAULT, outcome(epoll_ctl(epoll, EPOLL_CTL_ADD, 5, nullptr)));
    SAME(-EINVAL, reported(epoll, 0));
    SAME(-EINVAL, reported(3));
    SAME(-EBADF, reported(99));
    GIVES(-EINVAL, epoll_create1(2));
    GIVES(-EINVAL, epoll_create(0));
  }));
}

TEST(Epoll, NestedInstancesAreReadableAndMayNotLoop) {
  PASSES(simulate([] {
    const int inner = three_and_epoll();
    const int outer = epoll_create1(0);
    SAME(0, watch(inner, 3, EPOLLIN));
    SAME(0, watch(outer, inner, EPOLLIN));
    SAME(-ELOOP, watch(inner, outer, EPOLLIN));
    pollfd entry{inner, POLLIN, 0};
    GIVES(0, poll(&entry, 1, 0));
    SAME(0, reported(outer));
    eventfd_write(3, 1);
    GIVES(1, poll(&entry, 1, 0));
    SAME(POLLIN, entry.revents);
    SAME(inner, reported(outer));
    SAME(3, reported(inner));
    SAME(1, drain(3));
    SAME(0, reported(outer));
    GIVES(0, poll(&entry, 1, 0));
    int deepest = outer;
    for (int i = 0; i < 3; ++i) {
      const int next = epoll_create1(0);
      SAME(0, watch(next, deepest, EPOLLIN));
      deepest = next;
    }
    SAME(-ELOOP, watch(epoll_create1(0), deepest, EPOLLIN));
  }));
}

TEST(Epoll, NestingIsLimitedFromEitherEnd) {
  const auto chain = [] {
    int above = epoll_create1(0);
    for (int i = 0; i < 4; ++i) {
      const int below = epoll_create1(0);
      SAME(0, watch(above, below, EPOLLIN));
      above = below;
    }
    SAME(-ELOOP, watch(above, epoll_create1(0), EPOLLIN));
  };
  PASSES(simulate(chain));
}

TEST(Epoll, WatchEndsWithTheLastReferenceToTheFile) {
  PASSES(simulate([] {
    const int epoll = three_and_epoll();
    SAME(0, watch(epoll, 3, EPOLLIN));
    const int other = dup(3);
    GIVES(0, close(3));
    eventfd_write(other, 1);
    SAME(3, reported(epoll));  // the description lives, under its old number
    SAME(-EBADF, control(epoll, EPOLL_CTL_DEL, 3, 0));
    GIVES(0, close(other));
    SAME(0, reported(epoll));
    SAME(3, eventfd(1, 0));  // a new file under the old number is not watched
    SAME(0, reported(epoll));
    SAME(0, watch(epoll, 3, EPOLLIN));
    SAME(3, reported(epoll));
  }));
}

TEST(Epoll, WaitIsEndedByAWriterOrByItsTimeout) {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    RandomChooser random(seed, bit(Kind::sched));
    PASSES(simulate(
        [] {
          const int epoll = three_and_epoll();
          SAME(0, watch(epoll, 4, EPOLLIN));
          std::thread writer([] { eventfd_write(4, 1); });
          SAME(4, reported(epoll, 8, -1));
          writer.join();
          SAME(1, drain(4));
          const std::int64_t before_ns = now_ns();
          SAME(0, reported(epoll, 8, 250));
          SAME(250, (now_ns() - before_ns) / millisecond_ns);
          const timespec little{0, 1500};
          epoll_event event{};
          GIVES(0, epoll_pwait2(epoll, &event, 1, &little, nullptr));
        },
        random));
  }
}

TEST(Epoll, WaitSeesATimerExpire) {
  PASSES(simulate([] {
    const int epoll = epoll_create1(0);
    const int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    SAME(0, watch(epoll, timer, EPOLLIN));
    const itimerspec soon{{}, {0, 7 * millisecond_ns}};
    GIVES(0, timerfd_settime(timer, 0, &soon, nullptr));
    const std::int64_t before_ns = now_ns();
    SAME(timer, reported(epoll, 8, -1));
    SAME(7, (now_ns() - before_ns + millisecond_ns / 2) / millisecond_ns);
  }));
}

TEST(Epoll, EdgeWakesOneOfTwoWaiters) {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    RandomChooser random(seed, bit(Kind::sched));
    const RunResult result = simulate(
        [] {
          const int epoll = three_and_epoll();
          watch(epoll, 3, EPOLLIN | EPOLLET);
          std::thread a([epoll] { reported(epoll, 8, -1); });
          std::thread b([epoll] { reported(epoll, 8, -1); });
          eventfd_write(3, 1);
          a.join();
          b.join();
        },
        random);
    EXPECT_EQ(result.verdict.kind, VerdictKind::deadlock);
  }
}

TEST(Poll, ReportsEveryEntry) {
  PASSES(simulate([] {
    three_and_epoll();
    eventfd_write(4, 1);
    std::array<pollfd, 4> fds{
        {{3, POLLIN | POLLOUT, -1}, {-1, POLLIN, -1}, {4, POLLIN, -1}, {99, POLLIN, -1}}};
    GIVES(3, poll(fds.data(), fds.size(), 0));
    SAME(POLLOUT, fds[0].revents);
    SAME(0, fds[1].revents);
    SAME(POLLIN, fds[2].revents);
    SAME(POLLNVAL, fds[3].revents);
    static std::array<pollfd, 5000> many;
    GIVES(-EINVAL, poll(many.data(), many.size(), 0));
    const timespec bad{-1, 0};
    GIVES(-EINVAL, ppoll(fds.data(), 1, &bad, nullptr));
  }));
}

TEST(Poll, WaitsAndTimesOut) {
  PASSES(simulate([] {
    three_and_epoll();
    std::array<pollfd, 2> fds{{{3, POLLIN, 0}, {4, POLLIN, 0}}};
    std::thread writer([] { eventfd_write(4, 1); });
    GIVES(1, poll(fds.data(), fds.size(), -1));
    SAME(POLLIN, fds[1].revents);
    writer.join();
    SAME(1, drain(4));
    const std::int64_t before_ns = now_ns();
    const timespec timeout{0, 1'234'567};
    GIVES(0, ppoll(fds.data(), fds.size(), &timeout, nullptr));
    SAME(true, now_ns() - before_ns >= 1'234'567 && now_ns() - before_ns < 1'300'000);
    GIVES(0, poll(nullptr, 0, 1));
  }));
}

TEST(Poll, ASleepingPollDoesNotNoticeAClose) {
  const RunResult result = simulate([] {
    three_and_epoll();
    std::thread closer([] { close(3); });
    pollfd entry{3, POLLIN, 0};
    poll(&entry, 1, -1);
    closer.join();
  });
  EXPECT_EQ(result.verdict.kind, VerdictKind::deadlock);
}

}  // namespace
}  // namespace aiosim
