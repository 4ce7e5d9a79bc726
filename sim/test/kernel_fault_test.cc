// Futexes, faults in the simulated kernel, and what its calls order.
#include <linux/futex.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <set>
#include <thread>

#include "test/kernel_fixture.h"

// The hooks of -fsanitize=thread, called by hand: this file is not instrumented.
extern "C" void __tsan_write4(void*);
extern "C" void __tsan_read4(void*);

namespace aiosim {
namespace {

using fault::PointId;

long futex(void* word, int op, std::uint32_t value, const timespec* timeout = nullptr,
           std::uint32_t bitset = 0) {
  return outcome(
      syscall(SYS_futex, word, op | FUTEX_PRIVATE_FLAG, value, timeout, nullptr, bitset));
}

alignas(4) std::uint32_t word;

TEST(Futex, WaitNeedsTheExpectedValue) {
  word = 1;
  PASSES(simulate([] {
    SAME(-EAGAIN, futex(&word, FUTEX_WAIT, 2));
    const timespec ten_ms{0, 10'000'000};
    const std::int64_t before_ns = now_ns();
    SAME(-ETIMEDOUT, futex(&word, FUTEX_WAIT, 1, &ten_ms));
    SAME(10, (now_ns() - before_ns) / 1'000'000);
    const timespec past{0, 1};
    SAME(-ETIMEDOUT, futex(&word, FUTEX_WAIT_BITSET, 1, &past, 1));
    SAME(-EINVAL, futex(&word, FUTEX_WAIT_BITSET, 1, nullptr, 0));
    SAME(-EINVAL, futex(reinterpret_cast<char*>(&word) + 1, FUTEX_WAIT, 1));
    SAME(0, futex(&word, FUTEX_WAKE, 1));
  }));
}

TEST(Futex, WakeEndsAWaitAndOnlyTheBitsAskedFor) {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    RandomChooser random(seed, bit(Kind::sched));
    word = 0;
    PASSES(simulate(
        [] {
          std::thread sleeper([] { SAME(0, futex(&word, FUTEX_WAIT_BITSET, 0, nullptr, 2)); });
          long woken = 0;
          while (woken == 0) {
            SAME(0, futex(&word, FUTEX_WAKE_BITSET, 1, nullptr, 4));
            woken = futex(&word, FUTEX_WAKE_BITSET, 1, nullptr, 6);
            sched_yield();
          }
          SAME(1, woken);
          sleeper.join();
        },
        random));
  }
}

TEST(Futex, WhoIsWokenIsAChoice) {
  std::set<int> first;
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    RandomChooser random(seed, bit(Kind::wake));
    word = 0;
    static int winner;
    winner = 0;
    PASSES(simulate(
        [] {
          const auto sleep = [](int me) {
            futex(&word, FUTEX_WAIT, 0);
            if (winner == 0) winner = me;
          };
          std::thread one(sleep, 1);
          std::thread two(sleep, 2);
          const timespec nap{0, 1000};
          nanosleep(&nap, nullptr);
          SAME(1, futex(&word, FUTEX_WAKE, 1));
          nanosleep(&nap, nullptr);
          SAME(1, futex(&word, FUTEX_WAKE, 1));
          one.join();
          two.join();
        },
        random));
    first.insert(winner);
  }
  EXPECT_EQ(first, (std::set<int>{1, 2}));
}

TEST(Futex, ThreadIdsAreTheWorlds) {
  PASSES(simulate([] {
    SAME(1000, gettid());
    std::thread([] { SAME(1001, syscall(SYS_gettid)); }).join();
  }));
  const RunResult result = simulate([] { syscall(SYS_getppid); });
  EXPECT_EQ(result.verdict.text, "syscall(110) is not simulated");
}

// --- faults -----------------------------------------------------------------------------------

TEST(Faults, WaitsAreInterruptedOnceAndThenGoOn) {
  const Armed armed({PointId::epoll_wait_eintr, PointId::ppoll_eintr});
  FaultChooser faults;
  PASSES(simulate(
      [] {
        const int epoll = epoll_create1(0);
        const int fd = eventfd(0, 0);
        epoll_event event{};
        event.events = EPOLLIN;
        GIVES(0, epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event));
        pollfd entry{fd, POLLIN, 0};
        GIVES(0, epoll_wait(epoll, &event, 1, 0));  // does not wait: is not interrupted
        GIVES(0, poll(&entry, 1, 0));
        GIVES(-EINTR, epoll_wait(epoll, &event, 1, -1));
        GIVES(-EINTR, poll(&entry, 1, -1));
        SAME(0, entry.revents);
        GIVES(0, epoll_wait(epoll, &event, 1, 10));
        GIVES(0, poll(&entry, 1, 10));
      },
      faults));
}

TEST(Faults, ReadyEventsComeBeforeAnInterruption) {
  const Armed armed({PointId::epoll_wait_eintr});
  FaultChooser faults;
  PASSES(simulate(
      [] {
        const int epoll = epoll_create1(0);
        const int fd = eventfd(1, 0);
        epoll_event event{};
        event.events = EPOLLIN;
        GIVES(0, epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event));
        GIVES(1, epoll_wait(epoll, &event, 1, -1));
      },
      faults));
}

TEST(Faults, InterruptedTransfersMoveNothing) {
  const Armed armed({PointId::read_eintr, PointId::write_eintr});
  FaultChooser faults;
  PASSES(simulate(
      [] {
        const int fd = eventfd(0, EFD_NONBLOCK);
        GIVES(-EINTR, eventfd_write(fd, 1));
        GIVES(0, eventfd_write(fd, 2));
        eventfd_t value = 0;
        GIVES(-EINTR, eventfd_read(fd, &value));
        GIVES(0, eventfd_read(fd, &value));
        SAME(2, value);
      },
      faults));
}

TEST(Faults, BlockedReadIsInterrupted) {
  const Armed armed({PointId::read_eintr});
  FaultChooser faults;
  const RunResult result = simulate(
      [] {
        const int fd = eventfd(0, 0);
        eventfd_t value = 0;
        GIVES(-EINTR, eventfd_read(fd, &value));
        eventfd_read(fd, &value);
      },
      faults);
  EXPECT_EQ(result.verdict.kind, VerdictKind::deadlock);
}

TEST(Faults, SleepSaysWhatIsLeft) {
  const Armed armed({PointId::nanosleep_eintr});
  FaultChooser faults;
  PASSES(simulate(
      [] {
        const timespec request{100, 0};
        timespec left{};
        GIVES(-EINTR, nanosleep(&request, &left));
        SAME(100, left.tv_sec);  // nobody else could run: it struck at once
        GIVES(0, nanosleep(&left, nullptr));
      },
      faults));
}

TEST(Faults, TheRealtimeClockIsSetAndTheOtherGoesOn) {
  const Armed armed({PointId::clock_realtime_jump}, 2);
  FaultChooser faults;
  PASSES(simulate(
      [] {
        timespec first{};
        timespec second{};
        clock_gettime(CLOCK_REALTIME, &first);
        SAME(-3'600, first.tv_sec - 1'700'000'000 - now_ns() / 1'000'000'000);
        clock_gettime(CLOCK_REALTIME, &second);
        SAME(-3'600, second.tv_sec - first.tv_sec);
        const std::int64_t before_ns = now_ns();
        const timespec until{second.tv_sec + 2, second.tv_nsec};
        GIVES(0, clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &until, nullptr));
        SAME(2, (now_ns() - before_ns + 500'000'000) / 1'000'000'000);
      },
      faults));
}

TEST(Faults, TheClockStandsStillBetweenItsReads) {
  const Armed armed({PointId::clock_coarse});
  FaultChooser faults;
  PASSES(simulate(
      [] {
        const std::int64_t before_ns = now_ns();
        eventfd(0, 0);
        sched_yield();
        SAME(0, now_ns() - before_ns);
        timespec now{};
        clock_gettime(CLOCK_MONOTONIC, &now);
        SAME(200, now_ns() - before_ns);
      },
      faults));
}

TEST(Faults, FutexWaitsEndEarly) {
  const Armed armed({PointId::futex_eintr, PointId::futex_spurious});
  FaultChooser faults;
  word = 0;
  PASSES(simulate(
      [] {
        SAME(0, futex(&word, FUTEX_WAIT, 0));
        SAME(-EINTR, futex(&word, FUTEX_WAIT, 0));
      },
      faults));
}

TEST(Faults, ReadinessOfAnEpollFdMayVanish) {
  const Armed armed({PointId::epoll_wait_spurious});
  FaultChooser faults;
  PASSES(simulate(
      [] {
        pollfd entries[] = {{eventfd(0, 0), POLLIN, 0}, {epoll_create1(0), POLLIN, 0}};
        GIVES(1, poll(entries, 2, -1));
        SAME(0, entries[0].revents);
        SAME(POLLIN, entries[1].revents);
        epoll_event event{};
        GIVES(0, epoll_wait(entries[1].fd, &event, 1, 0));
        GIVES(0, poll(entries, 2, 5));
      },
      faults));
}

TEST(Faults, SetupFailsByName) {
  const Armed armed(fault::parse_plan("setup").points);
  FaultChooser faults;
  PASSES(simulate(
      [] {
        GIVES(-EMFILE, epoll_create1(0));
        GIVES(-EMFILE, eventfd(0, 0));
        const int epoll = epoll_create1(0);
        const int fd = eventfd(0, 0);
        epoll_event event{};
        event.events = EPOLLIN;
        GIVES(-ENOMEM, epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event));
        GIVES(-ENOSPC, epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event));
        GIVES(0, epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event));
      },
      faults));
}

// --- what the calls order ---------------------------------------------------------------------

std::uint32_t shared;

void write_shared() {
  __tsan_write4(&shared);
  shared = 1;
}
void read_shared() { __tsan_read4(&shared); }

/// Runs writer() then reader() on two threads, in every order that 60 seeds give.
VerdictKind worst_of(void (*writer)(int fd), void (*reader)(int fd)) {
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    RandomChooser random(seed, bit(Kind::sched));
    const RunResult result = simulate(
        [&] {
          const int fd = eventfd(0, 0);
          std::thread other([=] { writer(fd); });
          reader(fd);
          other.join();
        },
        random);
    if (!result.verdict.passed()) return result.verdict.kind;
  }
  return VerdictKind::pass;
}

void write_then_signal(int fd) {
  write_shared();
  eventfd_write(fd, 1);
}
void signal_then_write(int fd) {
  eventfd_write(fd, 1);
  write_shared();
}

TEST(Order, EventfdWriteHappensBeforeTheReadThatSawIt) {
  const auto reader = [](int fd) {
    eventfd_t value = 0;
    eventfd_read(fd, &value);
    read_shared();
  };
  EXPECT_EQ(worst_of(write_then_signal, reader), VerdictKind::pass);
  EXPECT_EQ(worst_of(signal_then_write, reader), VerdictKind::data_race);
}

TEST(Order, ReadinessHappensAfterWhatMadeIt) {
  const auto by_poll = [](int fd) {
    pollfd entry{fd, POLLIN, 0};
    poll(&entry, 1, -1);
    read_shared();
  };
  const auto by_epoll = [](int fd) {
    const int inner = epoll_create1(0);
    const int outer = epoll_create1(0);
    epoll_event event{};
    event.events = EPOLLIN;
    epoll_ctl(inner, EPOLL_CTL_ADD, fd, &event);
    epoll_ctl(outer, EPOLL_CTL_ADD, inner, &event);
    epoll_wait(outer, &event, 1, -1);
    read_shared();
  };
  EXPECT_EQ(worst_of(write_then_signal, by_poll), VerdictKind::pass);
  EXPECT_EQ(worst_of(signal_then_write, by_poll), VerdictKind::data_race);
  EXPECT_EQ(worst_of(write_then_signal, by_epoll), VerdictKind::pass);
  EXPECT_EQ(worst_of(signal_then_write, by_epoll), VerdictKind::data_race);
}

TEST(Order, AnUnreadyPollOrdersNothing) {
  const auto glance = [](int fd) {
    pollfd entry{fd, POLLOUT, 0};
    poll(&entry, 1, 0);
    read_shared();
  };
  EXPECT_EQ(worst_of(write_then_signal, glance), VerdictKind::data_race);
}

TEST(Order, RunsOfOneSeedAreOneRun) {
  std::set<std::uint64_t> hashes;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const auto hash = [&] {
      RandomChooser random(seed);
      return simulate(
                 [] {
                   const int fd = eventfd(0, 0);
                   std::thread a([fd] { eventfd_write(fd, 1); });
                   std::thread b([fd] { eventfd_write(fd, 2); });
                   eventfd_t value = 0;
                   eventfd_read(fd, &value);
                   a.join();
                   b.join();
                 },
                 random)
          .trace_hash;
    };
    const std::uint64_t once = hash();
    EXPECT_EQ(once, hash());
    hashes.insert(once);
  }
  EXPECT_GT(hashes.size(), 1u);
}

}  // namespace
}  // namespace aiosim
