// The simulated kernel, object by object, through plain system calls on simulated threads.
#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <thread>

#include "test/kernel_fixture.h"

namespace aiosim {
namespace {

constexpr long millisecond_ns = 1'000'000;
constexpr long second_ns = 1'000'000'000;

long read_counter(int fd) {
  eventfd_t value = 0;
  return eventfd_read(fd, &value) == 0 ? static_cast<long>(value) : -errno;
}

// --- eventfd ----------------------------------------------------------------------------------

TEST(EventFd, CountsAndIsEmptiedByARead) {
  PASSES(simulate([] {
    const int fd = eventfd(2, EFD_NONBLOCK);
    SAME(3, fd);
    GIVES(0, eventfd_write(fd, 5));
    SAME(7, read_counter(fd));
    SAME(-EAGAIN, read_counter(fd));
    char small[4];
    GIVES(-EINVAL, read(fd, small, sizeof small));
    GIVES(-EINVAL, write(fd, small, sizeof small));
    GIVES(-EINVAL, eventfd(0, 1 << 5));
  }));
}

TEST(EventFd, SemaphoreGivesOneAtATime) {
  PASSES(simulate([] {
    const int fd = eventfd(2, EFD_NONBLOCK | EFD_SEMAPHORE);
    SAME(1, read_counter(fd));
    SAME(1, read_counter(fd));
    SAME(-EAGAIN, read_counter(fd));
  }));
}

TEST(EventFd, CounterIsFullOneBelowItsEnd) {
  PASSES(simulate([] {
    const int fd = eventfd(0, EFD_NONBLOCK);
    GIVES(-EINVAL, eventfd_write(fd, UINT64_MAX));
    GIVES(0, eventfd_write(fd, UINT64_MAX - 1));
    GIVES(-EAGAIN, eventfd_write(fd, 1));
    pollfd entry{fd, POLLIN | POLLOUT, 0};
    GIVES(1, poll(&entry, 1, 0));
    SAME(POLLIN, entry.revents);
  }));
}

TEST(EventFd, ReadWaitsForAWriter) {
  PASSES(simulate([] {
    const int fd = eventfd(0, 0);
    std::thread writer([fd] { eventfd_write(fd, 9); });
    SAME(9, read_counter(fd));
    writer.join();
  }));
}

TEST(EventFd, WriteWaitsForRoom) {
  PASSES(simulate([] {
    const int fd = eventfd(0, 0);
    GIVES(0, eventfd_write(fd, UINT64_MAX - 1));
    std::thread reader([fd] { SAME(-2, read_counter(fd)); });
    GIVES(0, eventfd_write(fd, 3));
    reader.join();
    SAME(3, read_counter(fd));
  }));
}

TEST(EventFd, ReadThatNobodyAnswersIsADeadlock) {
  const RunResult result = simulate([] { read_counter(eventfd(0, 0)); });
  EXPECT_EQ(result.verdict.kind, VerdictKind::deadlock);
  EXPECT_NE(result.verdict.text.find("read of fd 3"), std::string::npos) << result.verdict.text;
}

// --- pipe -------------------------------------------------------------------------------------

TEST(Pipe, CarriesBytesInOrderToTheEndOfFile) {
  PASSES(simulate([] {
    int fds[2];
    GIVES(0, pipe(fds));
    GIVES(5, write(fds[1], "hello", 5));
    char got[8] = {};
    GIVES(3, read(fds[0], got, 3));
    GIVES(0, close(fds[1]));
    GIVES(2, read(fds[0], got + 3, 5));
    SAME(0, std::strcmp(got, "hello"));
    GIVES(0, read(fds[0], got, 1));
  }));
}

TEST(Pipe, EndsHaveOneDirection) {
  PASSES(simulate([] {
    int fds[2];
    GIVES(0, pipe2(fds, O_NONBLOCK));
    char byte = 0;
    GIVES(-EBADF, write(fds[0], &byte, 1));
    GIVES(-EBADF, read(fds[1], &byte, 1));
    GIVES(-EAGAIN, read(fds[0], &byte, 1));
    GIVES(0, close(fds[0]));
    signal(SIGPIPE, SIG_IGN);
    GIVES(-EPIPE, write(fds[1], &byte, 1));
  }));
}

TEST(Pipe, HoldsSixteenPages) {
  static std::array<char, 100'000> data;
  PASSES(simulate([] {
    int fds[2];
    GIVES(0, pipe2(fds, O_NONBLOCK));
    GIVES(65536, write(fds[1], data.data(), data.size()));
    GIVES(-EAGAIN, write(fds[1], data.data(), 1));
    GIVES(4095, read(fds[0], data.data(), 4095));
    GIVES(-EAGAIN, write(fds[1], data.data(), 1));  // no page is free yet
    GIVES(1, read(fds[0], data.data(), 1));
    GIVES(4096, write(fds[1], data.data(), 5000));
  }));
}

TEST(Pipe, BlockingWriterAndReaderMoveEverything) {
  static std::array<unsigned char, 300'000> sent;
  static std::array<unsigned char, 300'000> got;
  for (std::size_t i = 0; i < sent.size(); ++i) sent[i] = static_cast<unsigned char>(i * 7);
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    got.fill(0);
    RandomChooser random(seed);
    PASSES(simulate(
        [] {
          int fds[2];
          GIVES(0, pipe(fds));
          std::thread writer([out = fds[1]] {
            GIVES(sent.size(), write(out, sent.data(), sent.size()));
            GIVES(0, close(out));
          });
          std::size_t at = 0;
          for (long n = 1; n > 0; at += static_cast<std::size_t>(n)) {
            n = read(fds[0], got.data() + at, got.size() - at);
          }
          SAME(got.size(), at);
          writer.join();
        },
        random));
    EXPECT_EQ(got, sent);
  }
}

TEST(Pipe, VectorsAreOneTransfer) {
  PASSES(simulate([] {
    int fds[2];
    GIVES(0, pipe(fds));
    char out[] = "abcdef";
    const iovec from[] = {{out, 2}, {out + 2, 0}, {out + 2, 4}};
    GIVES(6, writev(fds[1], from, 3));
    char a[1];
    char b[9] = {};
    const iovec to[] = {{a, 1}, {b, 8}};
    GIVES(6, readv(fds[0], to, 2));
    SAME('a', a[0]);
    SAME(0, std::strcmp(b, "bcdef"));
  }));
}

TEST(Pipe, PollTellsOfHangupAndError) {
  PASSES(simulate([] {
    int fds[2];
    GIVES(0, pipe(fds));
    pollfd entry{fds[0], POLLIN, 0};
    GIVES(0, poll(&entry, 1, 0));
    GIVES(0, close(fds[1]));
    GIVES(1, poll(&entry, 1, 0));
    SAME(POLLHUP, entry.revents);
    GIVES(0, close(fds[0]));
    GIVES(0, pipe(fds));
    GIVES(0, close(fds[0]));
    entry = {fds[1], POLLOUT, 0};
    GIVES(1, poll(&entry, 1, -1));
    SAME(POLLOUT | POLLERR, entry.revents);
  }));
}

// --- timerfd and time -------------------------------------------------------------------------

TEST(TimerFd, OneShotExpiresInSimulatedTime) {
  PASSES(simulate([] {
    const int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    const itimerspec in_an_hour{{}, {3600, 0}};
    GIVES(0, timerfd_settime(fd, 0, &in_an_hour, nullptr));
    SAME(-EAGAIN, read_counter(fd));
    itimerspec left{};
    GIVES(0, timerfd_gettime(fd, &left));
    SAME(3599, left.it_value.tv_sec);
    const std::int64_t before_ns = now_ns();
    pollfd entry{fd, POLLIN, 0};
    GIVES(1, poll(&entry, 1, -1));
    SAME(3600, (now_ns() - before_ns + second_ns / 2) / second_ns);
    SAME(1, read_counter(fd));
    SAME(-EAGAIN, read_counter(fd));
  }));
}

TEST(TimerFd, PeriodicCountsWhatWasMissed) {
  PASSES(simulate([] {
    const int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    const itimerspec every{{0, 10 * millisecond_ns}, {0, 5 * millisecond_ns}};
    GIVES(0, timerfd_settime(fd, 0, &every, nullptr));
    const timespec nap{0, 36 * millisecond_ns};  // expiries at 5, 15, 25, 35
    GIVES(0, nanosleep(&nap, nullptr));
    SAME(4, read_counter(fd));
    SAME(-EAGAIN, read_counter(fd));
    itimerspec left{};
    GIVES(0, timerfd_gettime(fd, &left));
    SAME(true, left.it_value.tv_nsec > 8 * millisecond_ns);
    SAME(10 * millisecond_ns, left.it_interval.tv_nsec);
  }));
}

TEST(TimerFd, AbsoluteTimesAndDisarming) {
  PASSES(simulate([] {
    const int fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK);
    timespec now{};
    GIVES(0, clock_gettime(CLOCK_REALTIME, &now));
    itimerspec at{{}, {now.tv_sec + 2, now.tv_nsec}};
    GIVES(0, timerfd_settime(fd, TFD_TIMER_ABSTIME, &at, nullptr));
    itimerspec old{};
    const itimerspec off{};
    GIVES(0, timerfd_settime(fd, 0, &off, &old));
    SAME(1, old.it_value.tv_sec);
    at.it_value = {1, 0};  // long past
    GIVES(0, timerfd_settime(fd, TFD_TIMER_ABSTIME, &at, nullptr));
    SAME(1, read_counter(fd));
    at.it_value.tv_nsec = second_ns;
    GIVES(-EINVAL, timerfd_settime(fd, 0, &at, nullptr));
    GIVES(-EINVAL, timerfd_settime(eventfd(0, 0), 0, &off, nullptr));
    GIVES(-EBADF, timerfd_settime(77, 0, &off, nullptr));
  }));
}

TEST(Clock, SleepMovesTimeAndNothingElseDoesMuch) {
  PASSES(simulate([] {
    timespec before{};
    timespec after{};
    GIVES(0, clock_gettime(CLOCK_MONOTONIC, &before));
    const timespec nap{1000, 1};
    GIVES(0, clock_nanosleep(CLOCK_MONOTONIC, 0, &nap, nullptr));
    GIVES(0, clock_gettime(CLOCK_MONOTONIC, &after));
    SAME(1000, after.tv_sec - before.tv_sec);
    const timespec past{1, 0};
    GIVES(0, clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &past, nullptr));
    const timespec bad{0, second_ns};
    SAME(EINVAL, clock_nanosleep(CLOCK_MONOTONIC, 0, &bad, nullptr));
    GIVES(0, usleep(5));
    SAME(0, sleep(1));
  }));
}

TEST(Clock, RealtimeIsMonotonicPlusAConstant) {
  PASSES(simulate([] {
    timespec monotonic{};
    timespec real{};
    GIVES(0, clock_gettime(CLOCK_MONOTONIC, &monotonic));
    GIVES(0, clock_gettime(CLOCK_REALTIME, &real));
    SAME(1'700'000'000, real.tv_sec - monotonic.tv_sec);
    SAME(real.tv_sec, time(nullptr));
  }));
}

TEST(Clock, CpuTimeEndsTheRunByName) {
  const RunResult result = simulate([] {
    timespec now{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  });
  EXPECT_EQ(result.verdict.kind, VerdictKind::crash);
  EXPECT_EQ(result.verdict.text, "clock_gettime() of clock 3 is not simulated");
}

TEST(Random, BytesAreTheSameInEveryRun) {
  static std::array<unsigned char, 32> first;
  static std::array<unsigned char, 32> second;
  PASSES(simulate([] { GIVES(32, getrandom(first.data(), first.size(), 0)); }));
  PASSES(simulate([] { GIVES(0, getentropy(second.data(), second.size())); }));
  EXPECT_EQ(first, second);
  EXPECT_NE(first, (std::array<unsigned char, 32>{}));
}

// --- fds --------------------------------------------------------------------------------------

TEST(Fds, LowestFreeNumberComesFirst) {
  PASSES(simulate([] {
    SAME(3, eventfd(0, 0));
    SAME(4, eventfd(0, 0));
    SAME(5, epoll_create1(0));
    GIVES(0, close(4));
    GIVES(-EBADF, close(4));
    SAME(4, dup(3));
    SAME(6, fcntl(3, F_DUPFD, 5));
    SAME(9, dup2(3, 9));
    SAME(9, dup3(5, 9, O_CLOEXEC));
    SAME(FD_CLOEXEC, fcntl(9, F_GETFD));
    SAME(7, dup(9));
    SAME(0, fcntl(7, F_GETFD));
    GIVES(-EBADF, dup(55));
    GIVES(-EINVAL, dup3(3, 3, 0));
  }));
}

TEST(Fds, DuplicatesShareStatusFlagsButNotCloseOnExec) {
  PASSES(simulate([] {
    const int fd = eventfd(0, EFD_CLOEXEC);
    const int other = dup(fd);
    SAME(O_RDWR, fcntl(other, F_GETFL));
    GIVES(0, fcntl(other, F_SETFL, O_NONBLOCK));
    SAME(O_RDWR | O_NONBLOCK, fcntl(fd, F_GETFL));
    SAME(-EAGAIN, read_counter(fd));
    SAME(FD_CLOEXEC, fcntl(fd, F_GETFD));
    SAME(0, fcntl(other, F_GETFD));
    GIVES(0, close(fd));
    GIVES(0, eventfd_write(other, 1));
    SAME(1, read_counter(other));
  }));
}

TEST(Fds, ThereAreOnlySoMany) {
  PASSES(simulate([] {
    for (int fd = 3; fd < 1024; ++fd) eventfd(0, 0);
    GIVES(-EMFILE, eventfd(0, 0));
    int fds[2];
    GIVES(0, close(100));
    GIVES(-EMFILE, pipe(fds));
    SAME(100, eventfd(0, 0));
  }));
}

TEST(Fds, WhatIsNotSimulatedEndsTheRunByName) {
  const RunResult no_socket = simulate([] { socket(AF_INET6, SOCK_STREAM, 0); });
  EXPECT_EQ(no_socket.verdict.kind, VerdictKind::crash);
  EXPECT_EQ(no_socket.verdict.text, "socket: address family 10 is not simulated");
  const RunResult host_fd = simulate([] { close(1); });
  EXPECT_EQ(host_fd.verdict.kind, VerdictKind::crash);
  EXPECT_NE(host_fd.verdict.text.find("fd 1 is the host's"), std::string::npos);
}

TEST(Fds, CallsOfTheHarnessReachTheHost) {
  DullChooser dull;
  PASSES(run(
      [] {
        const int mine = eventfd(4, 0);
        {
          const UnderTestScope scope;
          SAME(3, eventfd(0, 0));  // another table
        }
        EXPECT_EQ(read_counter(mine), 4);
        EXPECT_EQ(close(mine), 0);
      },
      dull));
}

TEST(Fds, ProbeHearsOfCallsThatSucceeded) {
  static std::vector<std::string> heard;
  heard.clear();
  PASSES(simulate([] {
    on_kernel_call([](const KernelCall& call) {
      heard.push_back(std::string(call.call) + ' ' + std::to_string(call.fd) + ' ' +
                      std::to_string(call.result));
    });
    const int fd = eventfd(0, EFD_NONBLOCK);
    eventfd_write(fd, 1);
    read_counter(fd);
    read_counter(fd);
    close(fd);
  }));
  EXPECT_EQ(heard, (std::vector<std::string>{"eventfd 3 3", "write 3 8", "read 3 8", "close 3 0"}));
}

}  // namespace
}  // namespace aiosim
