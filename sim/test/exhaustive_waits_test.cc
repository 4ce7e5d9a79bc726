// Threads that wait, in an exhaustive search: whether a wait that shows nothing begins does not
// count, nor does how often a thread tries in vain. Each program comes to the outcomes that the
// naive search finds where neither is taken for granted.
#include <gtest/gtest.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <set>
#include <string>
#include <thread>

#include "aiosim/exhaustive.h"
#include "aiosim/observe.h"
#include "test/hooks.h"

namespace aiosim {
namespace {

constexpr int relaxed = 0, acquire = 2, release = 3;
using Outcomes = std::set<std::string>;

/// `text` is what the last run of `body` left behind.
struct Program {
  std::function<void()> body;
  std::function<std::string()> text;
};

Outcomes outcomes_of(const Program& program, bool reduction) {
  const auto body = [&] {
    const UnderTestScope scope;
    program.body();
  };
  const auto run_once = [&](Chooser& chooser) {
    RunOptions options = exhaustive_run_options();
    options.waits_unseen = options.spin_blocks = reduction;
    return run(body, chooser, options);
  };
  ExhaustiveOptions options;
  options.reduction = reduction;
  options.max_executions = 1'000'000;
  Outcomes outcomes;
  const ExhaustiveResult result = search_exhaustively(run_once, options, [&](const RunResult& run) {
    outcomes.insert(std::string(name(run.verdict.kind)) + ' ' + program.text());
    return true;
  });
  EXPECT_EQ(result.end, ExhaustiveResult::End::complete) << result.text;
  return outcomes;
}

/// What the naive search finds; the reduced one must find the same.
Outcomes agreed(const Program& program) {
  Outcomes naive = outcomes_of(program, false);
  EXPECT_EQ(outcomes_of(program, true), naive);
  return naive;
}

void add(int epoll, int fd, std::uint32_t events) {
  epoll_event event{events, {}};
  epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

void signal_event(int fd) {
  const std::uint64_t one = 1;
  if (write(fd, &one, sizeof one) < 0) std::abort();
}

// Who sleeps when the event comes takes it from the other.
TEST(ExhaustiveWaits, an_exclusive_watch_that_comes_later_tells_who_sleeps) {
  static std::array<int, 2> woken;
  static std::array<int, 2> epolls;
  Program program;
  program.body = [] {
    woken = {};
    for (int& epoll : epolls) epoll = epoll_create1(0);
    std::thread other([] {
      epoll_event event;
      woken[1] = epoll_wait(epolls[1], &event, 1, -1);
    });
    std::thread third([] {
      const int fd = eventfd(0, 0);
      for (const int epoll : epolls) add(epoll, fd, EPOLLIN | EPOLLEXCLUSIVE);
      signal_event(fd);
    });
    epoll_event event;
    woken[0] = epoll_wait(epolls[0], &event, 1, -1);
    third.join();
    other.join();
  };
  program.text = [] { return std::to_string(woken[0]) + std::to_string(woken[1]); };
  EXPECT_EQ(agreed(program), (Outcomes{"deadlock 10", "pass 11"}));
}

TEST(ExhaustiveWaits, a_handler_that_is_installed_later_ends_a_wait) {
  static int result, fd, epoll;
  Program program;
  program.body = [] {
    result = 0;
    epoll = epoll_create1(0);
    fd = eventfd(0, 0);
    add(epoll, fd, EPOLLIN);
    std::thread other([home = pthread_self()] {
      struct sigaction action {};
      action.sa_handler = [](int) {};
      sigaction(SIGUSR1, &action, nullptr);
      pthread_kill(home, SIGUSR1);
      signal_event(fd);
    });
    epoll_event event;
    result = epoll_wait(epoll, &event, 1, -1) < 0 ? errno : 0;
    other.join();
  };
  program.text = [] { return std::to_string(result); };
  EXPECT_EQ(agreed(program), (Outcomes{"pass 0", "pass " + std::to_string(EINTR)}));
}

TEST(ExhaustiveWaits, a_timer_that_is_armed_later_ends_a_wait) {
  static int result, timer, epoll;
  Program program;
  program.body = [] {
    result = 0;
    epoll = epoll_create1(0);
    timer = timerfd_create(CLOCK_MONOTONIC, 0);
    add(epoll, timer, EPOLLIN);
    std::thread other([] {
      const itimerspec after{{}, {0, 1000}};
      timerfd_settime(timer, 0, &after, nullptr);
    });
    epoll_event event;
    result = epoll_wait(epoll, &event, 1, -1);
    other.join();
  };
  program.text = [] { return std::to_string(result); };
  EXPECT_EQ(agreed(program), Outcomes{"pass 1"});
}

void lock(std::uint32_t& word) {
  std::uint32_t expected = 0;
  while (!__tsan_atomic32_compare_exchange_strong(&word, &expected, 1, acquire, relaxed)) {
    expected = 0;
  }
}

/// Two threads; the second gives its lock back or not.
Outcomes outcomes_of_locks(bool gives_back) {
  static std::uint32_t word;
  static std::string order;
  static bool back;
  back = gives_back;
  Program program;
  program.body = [] {
    word = 0;
    order.clear();
    std::thread other([] {
      lock(word);
      order += '1';
      if (back) __tsan_atomic32_store(&word, 0, release);
    });
    lock(word);
    order += '0';
    __tsan_atomic32_store(&word, 0, release);
    other.join();
  };
  program.text = [] { return order; };
  return outcomes_of(program, true);
}

TEST(ExhaustiveWaits, who_tries_for_a_lock_in_vain_gets_it_later) {
  EXPECT_EQ(outcomes_of_locks(true), (Outcomes{"pass 01", "pass 10"}));
}

TEST(ExhaustiveWaits, who_tries_for_ever_is_a_deadlock) {
  EXPECT_EQ(outcomes_of_locks(false), (Outcomes{"deadlock 1", "pass 01"}));
}

}  // namespace
}  // namespace aiosim
