// Signals in a simulated world: handlers, masks, EINTR and restarts, and who gets them. What one
// thread sees is compared with Linux in signals_agree_test.cc.
#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/select.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include <atomic>
#include <csetjmp>
#include <mutex>
#include <string>
#include <thread>

#include "test/kernel_fixture.h"

namespace aiosim {
namespace {

// Handlers know nothing but globals; each test begins with `handled` 0.
std::atomic<int> handled;
int handled_by = -1;
int wake_fd = -1;

void count(int) { handled.fetch_add(1, std::memory_order_relaxed); }

void install(int number, void (*handler)(int), int flags = 0) {
  handled.store(0, std::memory_order_relaxed);
  struct sigaction action {};
  action.sa_handler = handler;
  action.sa_flags = flags;
  sigaction(number, &action, nullptr);
}

sigset_t set_of(int number) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, number);
  return set;
}

void block(int number) {
  const sigset_t set = set_of(number);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

/// Sends to the thread once it is blocked in a call.
void interrupt(pthread_t receiver, std::uint32_t index) {
  while (!is_blocked(index)) sched_yield();
  GIVES(0, pthread_kill(receiver, SIGUSR1));
}

/// Runs `call` on a thread that gets SIGUSR1 while the call blocks.
template <typename Call>
void while_interrupted(int flags, Call call) {
  install(SIGUSR1, count, flags);
  std::thread receiver([&] { call(); });
  interrupt(receiver.native_handle(), 1);
  receiver.join();
  SAME(1, handled.load(std::memory_order_relaxed));
}

TEST(Signals, HandlerRunsBeforeRaiseReturns) {
  PASSES(simulate([] {
    install(SIGUSR1, count);
    GIVES(0, raise(SIGUSR1));
    SAME(1, handled.load());
    GIVES(0, kill(getpid(), SIGUSR1));
    GIVES(0, tgkill(getpid(), gettid(), SIGUSR1));
    GIVES(0, syscall(SYS_tgkill, getpid(), gettid(), SIGUSR1));
    SAME(4, handled.load());
    GIVES(-ESRCH, kill(4711, SIGUSR1));
    GIVES(-ESRCH, tgkill(getpid(), 4711, SIGUSR1));
    GIVES(-EINVAL, kill(getpid(), 65));
    GIVES(0, kill(getpid(), 0));
  }));
}

TEST(Signals, DefaultActionsEndTheRunByName) {
  EXPECT_EQ(simulate([] { raise(SIGUSR1); }).verdict.text,
            "SIGUSR1 ends the process: nobody handles it");
  EXPECT_EQ(simulate([] { kill(getpid(), SIGQUIT); }).verdict.text,
            "SIGQUIT ends the process: nobody handles it");
  EXPECT_EQ(simulate([] { raise(SIGRTMIN + 3); }).verdict.text,
            "SIGRTMIN+3 ends the process: nobody handles it");
  EXPECT_EQ(simulate([] { raise(SIGTSTP); }).verdict.text,
            "SIGTSTP would stop the process: that is not simulated");
  const RunResult pipes = simulate([] {
    int fds[2];
    GIVES(0, pipe(fds));
    GIVES(0, close(fds[0]));
    static_cast<void>(write(fds[1], "x", 1));
  });
  EXPECT_EQ(pipes.verdict.kind, VerdictKind::crash);
  EXPECT_EQ(pipes.verdict.text, "SIGPIPE ends the process: nobody handles it");
  PASSES(simulate([] {
    for (const int number : {SIGCHLD, SIGURG, SIGWINCH, SIGCONT}) GIVES(0, raise(number));
  }));
}

TEST(Signals, WhatIsNotSimulatedEndsTheRunByName) {
  EXPECT_EQ(simulate([] { alarm(1); }).verdict.text, "alarm() is not simulated");
  EXPECT_EQ(simulate([] { kill(0, SIGUSR1); }).verdict.text,
            "kill() of a process group is not simulated");
  EXPECT_EQ(simulate([] {
              static sigjmp_buf buffer;
              install(SIGUSR1, [](int) { siglongjmp(buffer, 1); });
              if (sigsetjmp(buffer, 1) == 0) raise(SIGUSR1);
            }).verdict.text,
            "a jump to sigsetjmp() is not simulated");
}

// The host's handlers make verdicts of crashes; actions of code under test never reach them.
TEST(Signals, ACrashIsAVerdictWhateverTheActionIs) {
  const RunResult result = simulate([] {
    install(SIGSEGV, count);
    install(SIGABRT, count);
    GIVES(0, raise(SIGSEGV));
    SAME(1, handled.load());
    volatile int* volatile nowhere = nullptr;
    *nowhere = 1;
  });
  EXPECT_EQ(result.verdict.kind, VerdictKind::crash);
  EXPECT_EQ(result.verdict.text.substr(0, 29), "SIGSEGV: null pointer access ");
  EXPECT_EQ(simulate([] { install(SIGSEGV, SIG_IGN); abort(); }).verdict.kind, VerdictKind::crash);
}

TEST(Signals, ARunStartsWithoutHandlersOrMasks) {
  PASSES(simulate([] {
    install(SIGUSR1, count);
    block(SIGUSR2);
    GIVES(0, raise(SIGUSR2));
  }));
  PASSES(simulate([] {
    struct sigaction action {};
    GIVES(0, sigaction(SIGUSR1, nullptr, &action));
    SAME(1, action.sa_handler == SIG_DFL);
    sigset_t set;
    GIVES(0, sigpending(&set));
    SAME(0, sigismember(&set, SIGUSR2));
    GIVES(0, sigprocmask(SIG_BLOCK, nullptr, &set));
    SAME(0, sigismember(&set, SIGUSR2));
  }));
}

// --- interrupted calls ------------------------------------------------------------------------

TEST(Signals, ReadsStartAgainIfTheHandlerSaysSo) {
  for (const int flags : {0, SA_RESTART}) {
    PASSES(simulate([flags] {
      int fds[2];
      GIVES(0, pipe(fds));
      install(SIGUSR1, count, flags);
      std::thread receiver([&] {
        char byte = 0;
        GIVES(flags == 0 ? -EINTR : 1, read(fds[0], &byte, 1));
      });
      interrupt(receiver.native_handle(), 1);
      while (handled.load(std::memory_order_relaxed) == 0) sched_yield();
      GIVES(1, write(fds[1], "x", 1));
      receiver.join();
    }));
  }
}

TEST(Signals, WaitsForFdsNeverStartAgain) {
  PASSES(simulate([] {
    while_interrupted(SA_RESTART, [] { GIVES(-EINTR, poll(nullptr, 0, -1)); });
  }));
  PASSES(simulate([] {
    while_interrupted(SA_RESTART, [] {
      const timespec hour{3600, 0};
      GIVES(-EINTR, ppoll(nullptr, 0, &hour, nullptr));
    });
  }));
  PASSES(simulate([] {
    const int epoll = epoll_create1(0);
    while_interrupted(SA_RESTART, [&] {
      epoll_event event{};
      GIVES(-EINTR, epoll_wait(epoll, &event, 1, -1));
    });
  }));
  PASSES(simulate([] {
    while_interrupted(SA_RESTART, [] {
      timeval time{3600, 0};
      GIVES(-EINTR, select(0, nullptr, nullptr, nullptr, &time));
      SAME(3599, time.tv_sec);
    });
  }));
  PASSES(simulate([] {
    while_interrupted(SA_RESTART, [] {
      const timespec hour{3600, 0};
      timespec left{};
      GIVES(-EINTR, nanosleep(&hour, &left));
      SAME(3599, left.tv_sec);
    });
  }));
  PASSES(simulate([] { while_interrupted(SA_RESTART, [] { GIVES(-EINTR, pause()); }); }));
}

TEST(Signals, FutexWaitsStartAgainIfTheyHaveNoTimeout) {
  for (const bool timed : {false, true}) {
    PASSES(simulate([timed] {
      std::atomic<std::uint32_t> word{0};
      install(SIGUSR1, count, SA_RESTART);
      std::thread receiver([&] {
        const timespec hour{3600, 0};
        GIVES(timed ? -EINTR : 0, syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0,
                                          timed ? &hour : nullptr, nullptr, 0));
      });
      interrupt(receiver.native_handle(), 1);
      while (handled.load(std::memory_order_relaxed) == 0 || (!timed && !is_blocked(1))) {
        sched_yield();
      }
      syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
      receiver.join();
    }));
  }
}

TEST(Signals, LocksAndJoinsGoOnAfterTheHandler) {
  PASSES(simulate([] {
    std::mutex mutex;
    mutex.lock();
    install(SIGUSR1, count);
    std::thread receiver([&] { const std::lock_guard lock(mutex); });
    interrupt(receiver.native_handle(), 1);
    while (handled.load(std::memory_order_relaxed) == 0) sched_yield();
    mutex.unlock();
    receiver.join();
  }));
  PASSES(simulate([] {
    const pthread_t joiner = pthread_self();
    install(SIGUSR1, count);
    std::thread([joiner] { interrupt(joiner, 0); }).join();
    SAME(1, handled.load());
  }));
}

TEST(Signals, AHandlerMayWaitItself) {
  PASSES(simulate([] {
    static std::mutex mutex;
    static int value = 0;
    while_interrupted(SA_RESTART, [] {
      install(SIGUSR1, [](int) {
        const std::lock_guard lock(mutex);
        pollfd none{-1, 0, 0};
        GIVES(0, poll(&none, 1, 1));
        ++value;
        count(0);
      });
      GIVES(-EINTR, poll(nullptr, 0, -1));
    });
    SAME(1, value);
  }));
}

// --- who gets it ------------------------------------------------------------------------------

TEST(Signals, AProcessesSignalGoesToAnyThreadThatDoesNotBlockIt) {
  bool by[3] = {};
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    RandomChooser random(seed, bit(Kind::wake));
    PASSES(simulate(
        [&by] {
          handled_by = -1;
          install(SIGUSR1, [](int) {
            handled_by = static_cast<int>(thread_index());
            count(0);
          });
          const auto wait = [] { while (handled.load() == 0) usleep(1000); };
          std::thread first(wait);
          std::thread second(wait);
          usleep(100);
          GIVES(0, kill(getpid(), SIGUSR1));
          wait();
          first.join();
          second.join();
          SAME(1, handled.load());
          by[handled_by] = true;
        },
        random));
  }
  EXPECT_TRUE(by[0] && by[1] && by[2]);
}

TEST(Signals, ThreadsInheritTheMaskAndTheReceiverIsOneThatMayTakeIt) {
  PASSES(simulate([] {
    install(SIGUSR1, [](int) { handled_by = static_cast<int>(thread_index()); });
    block(SIGUSR1);
    std::thread blocked([] {
      sigset_t set;
      pthread_sigmask(SIG_BLOCK, nullptr, &set);
      SAME(1, sigismember(&set, SIGUSR1));
    });
    blocked.join();
    std::thread open([] {
      const sigset_t set = set_of(SIGUSR1);
      pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
      GIVES(-EINTR, pause());
      SAME(2, handled_by);
    });
    while (!is_blocked(2)) sched_yield();
    GIVES(0, kill(getpid(), SIGUSR1));
    open.join();
  }));
}

TEST(Signals, SenderHappensBeforeHandlerAndSignalfdReader) {
  const auto send_and_see = [](bool by_fd, bool kept_in_order) {
    static int plain;
    static int seen;
    plain = seen = 0;
    install(SIGUSR1, [](int) { seen = plain; });
    if (by_fd) block(SIGUSR1);
    std::thread receiver([by_fd] {
      if (!by_fd) {
        pause();
        return;
      }
      const sigset_t set = set_of(SIGUSR1);
      const int fd = signalfd(-1, &set, 0);
      signalfd_siginfo info;
      GIVES(sizeof info, read(fd, &info, sizeof info));
      seen = plain;
    });
    while (!is_blocked(1)) sched_yield();
    if (kept_in_order) plain = 1;
    pthread_kill(receiver.native_handle(), SIGUSR1);
    if (!kept_in_order) plain = 1;
    receiver.join();
    SAME(kept_in_order ? 1 : seen, seen);
  };
  PASSES(simulate([&] { send_and_see(false, true); }));
  PASSES(simulate([&] { send_and_see(true, true); }));
}

TEST(Signals, SigwaitTakesWhatOthersBlock) {
  PASSES(simulate([] {
    block(SIGUSR1);
    std::thread waiter([] {
      const sigset_t set = set_of(SIGUSR1);
      int number = 0;
      SAME(0, sigwait(&set, &number));
      SAME(SIGUSR1, number);
      siginfo_t info{};
      GIVES(SIGUSR1, sigwaitinfo(&set, &info));
      SAME(SI_QUEUE, info.si_code);
      SAME(42, info.si_value.sival_int);
      const timespec soon{0, 1000};
      GIVES(-EAGAIN, sigtimedwait(&set, &info, &soon));
    });
    GIVES(0, kill(getpid(), SIGUSR1));
    while (!is_blocked(1)) sched_yield();
    GIVES(0, pthread_sigqueue(waiter.native_handle(), SIGUSR1, sigval{42}));
    waiter.join();
  }));
}

// --- races ------------------------------------------------------------------------------------

std::atomic<bool> stop;

enum class Guard { none, mask, signalfd, self_pipe };

// A flag that a handler sets, looked at before a wait: the wait is too late for a signal between.
void wait_for_flag(Guard guard) {
  stop.store(false);
  install(SIGUSR1, [](int) {
    stop.store(true);
    if (wake_fd >= 0) static_cast<void>(write(wake_fd, "x", 1));
  });
  int fds[2] = {-1, -1};
  if (guard == Guard::self_pipe) GIVES(0, pipe2(fds, O_NONBLOCK));
  wake_fd = fds[1];
  if (guard == Guard::mask || guard == Guard::signalfd) block(SIGUSR1);
  const sigset_t mine = set_of(SIGUSR1);
  if (guard == Guard::signalfd) fds[0] = signalfd(-1, &mine, 0);
  const pthread_t waiter = pthread_self();
  std::thread sender([waiter] { pthread_kill(waiter, SIGUSR1); });
  const sigset_t none{};
  pollfd entry{fds[0], POLLIN, 0};
  while (!stop.load()) {
    const int ready = ppoll(&entry, 1, nullptr, guard == Guard::mask ? &none : nullptr);
    if (ready == 1 && guard == Guard::signalfd) break;
  }
  sender.join();
}

int deadlocks(Guard guard) {
  int count = 0;
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    RandomChooser random(seed, bit(Kind::sched));
    const VerdictKind kind = simulate([guard] { wait_for_flag(guard); }, random).verdict.kind;
    EXPECT_TRUE(kind == VerdictKind::pass || kind == VerdictKind::deadlock) << name(kind);
    if (kind == VerdictKind::deadlock) ++count;
  }
  return count;
}

TEST(SignalRaces, AHandlerBetweenCheckAndWaitIsALostWakeup) {
  EXPECT_GT(deadlocks(Guard::none), 0);
  EXPECT_EQ(deadlocks(Guard::mask), 0);
  EXPECT_EQ(deadlocks(Guard::signalfd), 0);
  EXPECT_EQ(deadlocks(Guard::self_pipe), 0);
}

// The same in epoll_wait, where epoll_pwait is the cure.
TEST(SignalRaces, EpollPwaitLetsTheSignalInWhileItWaitsOnly) {
  const auto run_one = [](bool masked) {
    stop.store(false);
    install(SIGUSR1, [](int) { stop.store(true); });
    if (masked) block(SIGUSR1);
    const pthread_t waiter = pthread_self();
    std::thread sender([waiter] { pthread_kill(waiter, SIGUSR1); });
    const int epoll = epoll_create1(0);
    const sigset_t none{};
    epoll_event event{};
    while (!stop.load()) {
      const int result = masked ? epoll_pwait(epoll, &event, 1, -1, &none)
                                : epoll_wait(epoll, &event, 1, -1);
      GIVES(-EINTR, result);
    }
    sender.join();
  };
  int lost = 0;
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    RandomChooser random(seed, bit(Kind::sched));
    lost += simulate([&] { run_one(false); }, random).verdict.kind == VerdictKind::deadlock ? 1 : 0;
    PASSES(simulate([&] { run_one(true); }, random));
  }
  EXPECT_GT(lost, 0);
}

// Which thread a signalfd speaks for: the one that looks.
TEST(Signalfd, ShowsEachThreadItsOwnSignals) {
  PASSES(simulate([] {
    block(SIGUSR1);
    const sigset_t set = set_of(SIGUSR1);
    const int fd = signalfd(-1, &set, SFD_NONBLOCK);
    pollfd entry{fd, POLLIN, 0};
    std::thread other([fd] {
      pollfd mine{fd, POLLIN, 0};
      GIVES(1, poll(&mine, 1, -1));
      signalfd_siginfo info;
      GIVES(sizeof info, read(fd, &info, sizeof info));
      SAME(SIGUSR1, info.ssi_signo);
    });
    while (!is_blocked(1)) sched_yield();
    GIVES(0, pthread_kill(other.native_handle(), SIGUSR1));
    GIVES(0, poll(&entry, 1, 0));
    other.join();
    GIVES(0, kill(getpid(), SIGUSR1));
    GIVES(1, poll(&entry, 1, 0));
  }));
}

}  // namespace
}  // namespace aiosim
