// The calls on signals: actions, masks, sending, and waiting for one.
#include <cerrno>

#include "kernel/signals.h"
#include "kernel/state.h"

namespace aiosim::kernel {
namespace {

bool never(void*) { return false; }

struct Waiting {
  const Signals* signals;
  std::uint32_t thread;
  SignalSet wanted;
};
bool has_come(void* data) {
  const auto& waiting = *static_cast<Waiting*>(data);
  return (waiting.signals->pending(waiting.thread) & waiting.wanted) != 0;
}

bool exists(int number) { return number >= 1 && number < _NSIG; }

}  // namespace

int Kernel::sigaction(int number, const struct sigaction* what, struct sigaction* old,
                      const void* pc) {
  State& k = *state_;
  k.enter("sigaction", {}, pc);
  const auto done = [&](int result) { return k.leave("sigaction", -1, result, pc, number); };
  if (!exists(number)) return done(-EINVAL);
  if (what != nullptr && (signal_bit(number) & unblockable) != 0) return done(-EINVAL);
  const struct sigaction former = k.signals.action(number);
  if (what != nullptr) k.signals.set_action(number, *what);
  if (old != nullptr) *old = former;
  return done(0);
}

int Kernel::sigprocmask(int how, const SignalSet* set, SignalSet* old, const void* pc) {
  State& k = *state_;
  k.enter("sigprocmask", {}, pc);
  const auto done = [&](int result) {
    return k.leave("sigprocmask", -1, result, pc, set != nullptr ? how : -1);
  };
  const SignalSet former = k.signals.blocked();
  if (set != nullptr) {
    if (how == SIG_BLOCK) {
      k.signals.set_blocked(former | *set);
    } else if (how == SIG_UNBLOCK) {
      k.signals.set_blocked(former & ~*set);
    } else if (how == SIG_SETMASK) {
      k.signals.set_blocked(*set);
    } else {
      return done(-EINVAL);
    }
  }
  if (old != nullptr) *old = former;
  return done(0);
}

SignalSet Kernel::sigpending(const void* pc) {
  State& k = *state_;
  k.enter("sigpending", {}, pc);
  const SignalSet set = k.signals.pending(k.thread()) & k.signals.blocked();
  k.leave("sigpending", -1, 0, pc, static_cast<std::int64_t>(set));
  return set;
}

int Kernel::send_signal(const char* call, const siginfo_t& info, std::uint32_t thread,
                        const void* pc) {
  State& k = *state_;
  k.enter(call, {}, pc);
  const auto done = [&](int result) { return k.leave(call, -1, result, pc, info.si_signo); };
  if (info.si_signo != 0 && !exists(info.si_signo)) return done(-EINVAL);
  if (thread != Signals::process) {
    if (thread >= k.world.thread_count()) return done(-ESRCH);
    if (k.world.thread(thread).state == runtime::Thread::State::finished) return done(-ESRCH);
  }
  if (info.si_signo != 0) k.signals.send(info, thread);
  return done(0);
}

int Kernel::sigsuspend(const char* call, const SignalSet* mask, const void* pc) {
  State& k = *state_;
  int result = 0;
  do {
    k.enter(call, {}, pc);
    if (mask != nullptr) k.signals.set_blocked_for_call(*mask);
    while (k.wait_for_signal(call, {}, -1, never, nullptr) != -EINTR) {
    }
    result = k.leave(call, -1, -EINTR, pc);
  } while (k.signals.starts_again(false));
  return result;
}

int Kernel::sigtimedwait(SignalSet wanted, siginfo_t* info, std::int64_t timeout_ns,
                         const void* pc) {
  State& k = *state_;
  k.enter("sigtimedwait", {}, pc);
  wanted &= ~unblockable;
  siginfo_t taken{};
  int woken = 0;
  bool found = k.signals.take(wanted, taken);
  if (!found && timeout_ns != 0) {
    Waiting waiting{&k.signals, k.thread(), wanted};
    const std::int64_t deadline_ns = deadline_after(k.world.now_ns(), timeout_ns);
    k.signals.begin_waiting_for(wanted);
    woken = k.wait_for_signal("sigtimedwait", {}, deadline_ns, has_come, &waiting);
    k.signals.end_waiting_for();
    found = k.signals.take(wanted, taken);
  }
  if (found && info != nullptr) *info = taken;
  const int result = found ? taken.si_signo : woken == -EINTR ? -EINTR : -EAGAIN;
  return k.leave("sigtimedwait", -1, result, pc);
}

}  // namespace aiosim::kernel
