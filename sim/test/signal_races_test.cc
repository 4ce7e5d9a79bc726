// Races between a signal's handler and a wait, and what the masks of waits and signalfds do about
// them.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "test/signal_fixture.h"

namespace aiosim {
namespace {

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
      const int result =
          masked ? epoll_pwait(epoll, &event, 1, -1, &none) : epoll_wait(epoll, &event, 1, -1);
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
