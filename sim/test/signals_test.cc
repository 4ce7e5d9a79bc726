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

#include "test/signal_fixture.h"

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
  EXPECT_EQ(simulate([] {
              install(SIGSEGV, SIG_IGN);
              abort();
            }).verdict.kind,
            VerdictKind::crash);
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
  PASSES(
      simulate([] { while_interrupted(SA_RESTART, [] { GIVES(-EINTR, poll(nullptr, 0, -1)); }); }));
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
          const auto wait = [] {
            while (handled.load() == 0) usleep(1000);
          };
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

}  // namespace
}  // namespace aiosim
