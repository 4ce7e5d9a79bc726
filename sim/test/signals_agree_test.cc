// Simulated signals against the real ones: the same random calls give the same results.
//
// One thread, nothing blocks for long. Each sequence runs twice through the same code: outside a
// world, where signals are Linux's, and in one. Compared are results, errno, masks, what handlers
// were called with and in which order, and what signalfd says.
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/signalfd.h>
#include <ucontext.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <string>
#include <vector>

#include "test/kernel_fixture.h"
#include "test/signal_sequence.h"

namespace aiosim {
namespace {

// --- running ----------------------------------------------------------------------------------

// What handlers see. They have no other way to the test than globals.
Figures* out;
int raises_left;  // in this step: a handler whose own signal is blocked would go on for ever
int handler_pipe;
std::uint32_t handler_bits;

sigset_t to_set(unsigned indexes) {
  sigset_t set;
  sigemptyset(&set);
  for (unsigned i = 0; i < number_count; ++i) {
    if ((indexes >> i & 1) != 0) sigaddset(&set, numbers[i]);
  }
  return set;
}

long to_bits(const sigset_t& set) {
  long bits = 0;
  std::memcpy(&bits, &set, sizeof bits);
  return bits;
}

long current_mask() {
  sigset_t set;
  pthread_sigmask(SIG_BLOCK, nullptr, &set);
  return to_bits(set);
}

void handle(int number) {
  out->add(-1000 - number);
  out->add(current_mask());
  if ((handler_bits >> (number % 16) & 1) != 0 && raises_left-- > 0) raise(numbers[number % 12]);
  if ((handler_bits >> 16 & 3) == 0) out->add(outcome(write(handler_pipe, "h", 1)));
  out->add(-2000 - number);
}

void handle_with_info(int number, siginfo_t* info, void* data) {
  out->add(info->si_signo);
  out->add(info->si_code);
  out->add(info->si_pid == getpid());
  if (info->si_code == SI_QUEUE) out->add(info->si_value.sival_int);
  auto* context = static_cast<ucontext_t*>(data);
  out->add(to_bits(context->uc_sigmask));
  handle(number);
  if ((handler_bits >> 18 & 7) == 0) sigaddset(&context->uc_sigmask, SIGUSR1);
}

class Runner {
 public:
  void start() {
    out = &setting_up_;
    raises_left = 0;
    handler_bits = 0;
    for (const int number : numbers) act(number, handle, 0, 0);
    static_cast<void>(pipe2(pipe_, O_NONBLOCK));
    handler_pipe = pipe_[1];
    epoll_ = epoll_create1(0);
    const sigset_t none = to_set(0);
    for (std::size_t i = 0; i < fds_.size(); ++i) {
      fds_[i] = signalfd(-1, &none, SFD_NONBLOCK);
      epoll_event event{};
      event.events = EPOLLIN | (i == 1 ? EPOLLET : 0u);
      event.data.u64 = i;
      epoll_ctl(epoll_, EPOLL_CTL_ADD, fds_[i], &event);
    }
  }

  /// Leaves nothing pending, blocked or open.
  void finish() {
    for (const int number : numbers) signal(number, SIG_IGN);
    const sigset_t none = to_set(0);
    sigprocmask(SIG_SETMASK, &none, nullptr);
    for (const int fd : {pipe_[0], pipe_[1], epoll_, fds_[0], fds_[1]}) close(fd);
  }

  void run(const Step& step) {
    handler_bits = static_cast<std::uint32_t>(mix64(step.bits));
    raises_left = 3;
    switch (step.call) {
      case Call::install:
        return install(step);
      case Call::mask:
        return change_mask(step);
      case Call::send:
        return send(step);
      case Call::look:
        return look();
      case Call::suspend:
        return suspend(step);
      case Call::wait:
        return wait(step);
      case Call::make_fd:
        return make_fd(step);
      case Call::read_fd:
        return read_fd(step);
      case Call::poll:
        return poll_fds(step);
      case Call::epoll:
        return wait_for_events(step);
      case Call::select:
        return select_fds(step);
      case Call::pipe:
        return use_pipe(step);
      case Call::count_:
        break;
    }
  }

 private:
  static long act(int number, void (*handler)(int), int flags, unsigned set) {
    struct sigaction action {};
    action.sa_handler = handler;
    if ((flags & SA_SIGINFO) != 0) action.sa_sigaction = handle_with_info;
    action.sa_flags = flags;
    action.sa_mask = to_set(set);
    return outcome(sigaction(number, &action, nullptr));
  }

  void install(const Step& step) {
    const int number = numbers[step.number];
    const bool may_default = static_cast<unsigned>(step.number) < harmless;
    int flags = 0;
    for (const int flag : {SA_RESTART, SA_NODEFER, SA_SIGINFO}) {
      if ((step.bits & static_cast<unsigned>(flag) % 0xffff) != 0 || (step.bits & 1) != 0) {
        flags |= flag;
      }
    }
    void (*handler)(int) = handle;
    if (may_default && (step.bits >> 8 & 1) != 0) flags |= static_cast<int>(SA_RESETHAND);
    if ((step.bits >> 9 & 7) == 0) handler = SIG_IGN;
    if (may_default && (step.bits >> 9 & 7) == 1) handler = SIG_DFL;
    if (handler != handle) flags &= ~SA_SIGINFO;
    out->add(act(number, handler, flags, step.set));
    struct sigaction now {};
    out->add(outcome(sigaction(number, nullptr, &now)));
    out->add(now.sa_handler == handler);
    out->add(now.sa_flags);
    out->add(to_bits(now.sa_mask));
    out->add(outcome(sigaction(SIGKILL, &now, nullptr)));
  }

  void change_mask(const Step& step) {
    constexpr int hows[] = {SIG_BLOCK, SIG_BLOCK, SIG_UNBLOCK, SIG_SETMASK, 7};
    sigset_t set = to_set(step.set);
    if (step.bits % 7 == 0) sigfillset(&set);
    sigset_t old;
    sigemptyset(&old);
    out->add(outcome(sigprocmask(hows[step.bits % std::size(hows)], &set, &old)));
    out->add(to_bits(old));
    out->add(current_mask());
  }

  void send(const Step& step) {
    const int number = step.bits % 50 == 0 ? 70 : numbers[step.number];
    const sigval value{static_cast<int>(step.bits)};
    switch (step.bits % 6) {
      case 0:
        return out->add(outcome(raise(number)));
      case 1:
        return out->add(outcome(kill(getpid(), number)));
      case 2:
        return out->add(pthread_kill(pthread_self(), number));
      case 3:
        return out->add(outcome(sigqueue(getpid(), number, value)));
      case 4:
        return out->add(pthread_sigqueue(pthread_self(), number, value));
      default:
        return out->add(outcome(tgkill(getpid(), gettid(), number)));
    }
  }

  static void look() {
    sigset_t set;
    sigemptyset(&set);
    out->add(outcome(sigpending(&set)));
    out->add(to_bits(set));
  }

  /// Only with a mask that lets a signal in that has a handler: it would sleep for ever.
  static void suspend(const Step& step) {
    sigset_t pending;
    sigpending(&pending);
    for (unsigned i = 0; i < number_count; ++i) {
      struct sigaction action {};
      sigaction(numbers[i], nullptr, &action);
      const bool handled = action.sa_handler != SIG_DFL && action.sa_handler != SIG_IGN;
      if (!handled || (step.set >> i & 1) != 0 || !sigismember(&pending, numbers[i])) continue;
      const sigset_t set = to_set(step.set);
      out->add(outcome(sigsuspend(&set)));
      break;
    }
    out->add(current_mask());
  }

  static void wait(const Step& step) {
    const sigset_t set = to_set(step.set);
    const timespec soon{0, step.bits % 8 == 0 ? 1000 : 0};
    siginfo_t info{};
    out->add(outcome(sigtimedwait(&set, &info, &soon)));
    out->add(info.si_signo);
    out->add(info.si_code);
    if (info.si_code == SI_QUEUE) out->add(info.si_value.sival_int);
    out->add(current_mask());
  }

  int fd(const Step& step) const { return fds_[step.bits & 1]; }

  void make_fd(const Step& step) const {
    const sigset_t set = to_set(step.set);
    out->add(outcome(signalfd(fd(step), &set, 0)) == fd(step));
    out->add(outcome(signalfd(pipe_[0], &set, 0)));
    out->add(outcome(signalfd(fd(step), &set, 1)));
  }

  void read_fd(const Step& step) const {
    std::array<signalfd_siginfo, 3> infos{};
    const std::size_t size = step.bits % 9 == 0 ? 100 : (step.bits % 3 + 1) * sizeof infos[0];
    const long result = outcome(read(fd(step), infos.data(), size));
    out->add(result);
    for (long i = 0; i < result / static_cast<long>(sizeof infos[0]); ++i) {
      const signalfd_siginfo& info = infos[static_cast<std::size_t>(i)];
      out->add(info.ssi_signo);
      out->add(info.ssi_code);
      out->add(info.ssi_int);
      out->add(info.ssi_pid == static_cast<std::uint32_t>(getpid()));
    }
    out->add(outcome(write(fd(step), infos.data(), sizeof infos[0])));
  }

  void poll_fds(const Step& step) const {
    pollfd entries[] = {{fds_[0], POLLIN, -1}, {fds_[1], POLLIN | POLLOUT, -1}, {-1, POLLIN, -1},
                        {pipe_[0], POLLIN, -1}};
    const nfds_t count = step.bits >> 4 & 3;
    const timespec time{0, (step.bits >> 6 & 3) == 0 ? 1000 : 0};
    const sigset_t set = to_set(step.set);
    out->add(outcome(ppoll(entries, count, &time, (step.bits & 8) != 0 ? &set : nullptr)));
    for (const pollfd& entry : entries) out->add(entry.revents);
    out->add(current_mask());
  }

  void wait_for_events(const Step& step) const {
    std::array<epoll_event, 3> events{};
    const int max = 1 + static_cast<int>(step.bits >> 4 & 1);
    const timespec time{0, (step.bits >> 6 & 3) == 0 ? 1000 : 0};
    const sigset_t set = to_set(step.set);
    const sigset_t* mask = (step.bits & 8) != 0 ? &set : nullptr;
    const long result = outcome(epoll_pwait2(epoll_, events.data(), max, &time, mask));
    out->add(result);
    for (long i = 0; i < result; ++i) {
      out->add(events[static_cast<std::size_t>(i)].events);
      out->add(static_cast<long>(events[static_cast<std::size_t>(i)].data.u64));
    }
    out->add(current_mask());
  }

  void select_fds(const Step& step) const {
    const int all[] = {fds_[0], fds_[1], pipe_[0], pipe_[1], epoll_};
    std::array<fd_set, 3> sets{};
    int highest = 0;
    for (unsigned i = 0; i < std::size(all) * sets.size(); ++i) {
      if ((step.bits >> (i + 8) & 1) == 0) continue;
      FD_SET(all[i / 3], &sets[i % 3]);
      highest = std::max(highest, all[i / 3] + 1);
    }
    fd_set* const exceptional = (step.bits & 2) != 0 ? &sets[2] : nullptr;
    const timespec time{0, (step.bits >> 6 & 3) == 0 ? 1000 : 0};
    timeval also{step.bits % 5 == 0 ? -1 : 0, time.tv_nsec / 1000};
    const sigset_t set = to_set(step.set);
    const int count = step.bits % 31 == 0 ? -1 : highest;
    const bool masked = (step.bits & 8) != 0;
    out->add(outcome(masked ? pselect(count, &sets[0], &sets[1], exceptional, &time, &set)
                            : select(count, &sets[0], &sets[1], exceptional, &also)));
    for (const int fd : all) {
      for (const fd_set& members : sets) out->add(FD_ISSET(fd, &members) ? 1 : 0);
    }
    out->add(current_mask());
  }

  void use_pipe(const Step& step) {
    char bytes[8];
    if ((step.bits & 1) != 0) return out->add(outcome(read(pipe_[0], bytes, sizeof bytes)));
    if ((step.bits & 6) != 0) return out->add(outcome(write(pipe_[1], "ab", 2)));
    int broken[2];
    out->add(outcome(pipe(broken)));
    close(broken[0]);
    out->add(outcome(write(broken[1], "ab", 2)));
    close(broken[1]);
  }

  Figures setting_up_;
  int pipe_[2] = {-1, -1};
  int epoll_ = -1;
  std::array<int, 2> fds_{};
};

// --- comparing --------------------------------------------------------------------------------

void run_all(const std::vector<Step>& steps, Results& results) {
  static Runner runner;
  runner.start();
  for (std::size_t i = 0; i < steps.size(); ++i) {
    results[i].count = 0;
    out = &results[i];
    runner.run(steps[i]);
  }
  static Figures ignored;
  out = &ignored;
  runner.finish();
}

std::string first_difference(const std::vector<Step>& steps, const Results& linux_results,
                             const Results& ours) {
  std::string text;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    text += std::to_string(i) + ": " + describe(steps[i]) + " ->";
    text += figures(linux_results[i]) + '\n';
    if (!same(linux_results[i], ours[i])) return text + "simulated:" + figures(ours[i]);
  }
  return "";
}

TEST(SignalsAgree, RandomSequencesGiveLinuxsResults) {
  static Results linux_results;
  static Results ours;
  std::array<std::uint64_t, call_count> called{};
  std::uint64_t handlers = 0;
  constexpr std::uint64_t sequences = 2500;
  for (std::uint64_t seed = 1; seed <= sequences; ++seed) {
    const std::vector<Step> steps = draw(seed);
    run_all(steps, linux_results);
    PASSES(simulate([&] { run_all(steps, ours); }));
    ASSERT_EQ(first_difference(steps, linux_results, ours), "") << "sequence " << seed;
    for (std::size_t i = 0; i < steps.size(); ++i) {
      const Figures& result = ours[i];
      if (result.at[0] >= 0) ++called[static_cast<std::size_t>(steps[i].call)];
      handlers += static_cast<std::uint64_t>(
          std::count_if(result.at.begin(), result.at.begin() + static_cast<long>(result.count),
                        [](long figure) { return figure <= -2001 && figure >= -2064; }));
    }
  }
  for (std::size_t i = 0; i < call_count; ++i) {
    EXPECT_GT(called[i], sequences / 4) << call_names[i] << " hardly ever succeeded: too weak";
  }
  EXPECT_GT(handlers, 16 * sequences);
}

}  // namespace
}  // namespace aiosim
