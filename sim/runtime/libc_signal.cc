// Signals. On a thread under test the calls go to the simulated kernel, and the host's handlers
// (crash.cc) stay what they are.
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "kernel/signals.h"
#include "runtime/libc_call.h"
#include "runtime/libc_signal.h"
#include "runtime/real.h"
#include "runtime/signal_set.h"
#include "runtime/tcb.h"

namespace aiosim::runtime {
namespace {

using kernel::SignalSet;
using kernel::Signals;

// glibc keeps two signals to itself (cancellation, setuid): nobody can block or handle them.
constexpr SignalSet internal = kernel::signal_bit(32) | kernel::signal_bit(33);
bool is_internal(int number) {
  return number == 32 || number == 33;
}

constexpr int sa_restorer = 0x04000000;  // glibc sets it; Linux gives it back
constexpr int one_shot = static_cast<int>(SA_RESETHAND) | SA_NODEFER;
constexpr int known_flags = SA_NOCLDSTOP | SA_NOCLDWAIT | SA_SIGINFO | SA_ONSTACK | SA_RESTART |
                            one_shot | sa_restorer;

int simulated_sigaction(int number, const struct sigaction* what, struct sigaction* old,
                        const void* pc) {
  if (number <= 0 || number >= _NSIG || is_internal(number)) return libc_result(-EINVAL);
  const RuntimeScope scope;
  struct sigaction kept{};
  if (what != nullptr) {
    kept.sa_handler = what->sa_handler;
    kept.sa_flags = (what->sa_flags | sa_restorer) & known_flags;
    copy_bits(to_bits(what->sa_mask) & ~kernel::unblockable, kept.sa_mask);
  }
  return libc_result(
      world().kernel->sigaction(number, what != nullptr ? &kept : nullptr, old, pc));
}

sighandler_t simulated_signal(int number, sighandler_t handler, int flags, const void* pc) {
  struct sigaction what{};
  struct sigaction old{};
  if (handler == SIG_ERR) {
    errno = EINVAL;
    return SIG_ERR;
  }
  what.sa_handler = handler;
  what.sa_flags = flags;
  if ((flags & SA_RESTART) != 0 && number > 0 && number < _NSIG) {
    copy_bits(kernel::signal_bit(number), what.sa_mask);
  }
  return simulated_sigaction(number, &what, &old, pc) < 0 ? SIG_ERR : old.sa_handler;
}

/// 0 or -errno.
int simulated_sigmask(int how, const sigset_t* set, sigset_t* old, const void* pc) {
  const RuntimeScope scope;
  const SignalSet bits = set != nullptr ? to_bits(*set) & ~internal : 0;
  SignalSet former = 0;
  const int result =
      world().kernel->sigprocmask(how, set != nullptr ? &bits : nullptr, &former, pc);
  if (result == 0 && old != nullptr) copy_bits(former, *old);
  return result;
}

siginfo_t info_of(int number, int code, sigval value) {
  siginfo_t info{};
  info.si_signo = number;
  info.si_code = code;
  info.si_pid = kernel::process_id;
  info.si_uid = kernel::user_id;
  if (code == SI_QUEUE) info.si_value = value;
  return info;
}

bool is_thread_id(pid_t id) {
  return id >= kernel::process_id &&
         static_cast<std::uint32_t>(id - kernel::process_id) < world().thread_count();
}

/// 0 or -errno. The world's only process is known by each of its threads' ids.
int send_to_process(const char* call, pid_t process, int number, int code, sigval value,
                    const void* pc) {
  if (process <= 0) not_simulated(std::string(call) + "() of a process group");
  if (!is_thread_id(process)) return -ESRCH;
  const RuntimeScope scope;
  return world().kernel->send_signal(call, info_of(number, code, value), Signals::process, pc);
}

int send_to_thread(const char* call, std::uint32_t thread, int number, int code, sigval value,
                   const void* pc) {
  const RuntimeScope scope;
  return world().kernel->send_signal(call, info_of(number, code, value), thread, pc);
}

/// 0 or an error number, as glibc 2.36: a thread that has ended takes any signal in silence.
int send_to_handle(const char* call, pthread_t handle, int number, int code, sigval value,
                   const void* pc) {
  if (is_internal(number)) return EINVAL;
  const Thread* thread = world().thread_of(handle);
  if (thread == nullptr) return ESRCH;
  const int result = send_to_thread(call, thread->id, number, code, value, pc);
  return result == -ESRCH ? 0 : -result;
}

int simulated_sigtimedwait(const sigset_t* set, siginfo_t* info, const timespec* timeout,
                           const void* pc) {
  if (timeout != nullptr && !is_valid(*timeout)) return -EINVAL;
  const RuntimeScope scope;
  siginfo_t taken{};
  const int result = world().kernel->sigtimedwait(to_bits(*set), &taken,
                                                  timeout != nullptr ? to_ns(*timeout) : -1, pc);
  if (result < 0 || info == nullptr) return result;
  if (taken.si_code == SI_TKILL) taken.si_code = SI_USER;  // glibc's doing
  *info = taken;
  return result;
}

}  // namespace

int simulated_tgkill(const char* call, pid_t process, pid_t thread, int number, const void* pc) {
  if (process <= 0 || thread <= 0) return -EINVAL;
  if (process != kernel::process_id || !is_thread_id(thread)) return -ESRCH;
  return send_to_thread(call, static_cast<std::uint32_t>(thread - kernel::process_id), number,
                        SI_TKILL, {}, pc);
}

}  // namespace aiosim::runtime

using namespace aiosim::runtime;
namespace kernel = aiosim::kernel;

extern "C" {

pid_t getpid() noexcept { return under_test() ? kernel::process_id : AIOSIM_REAL(getpid)(); }

int sigaction(int number, const struct sigaction* what, struct sigaction* old) noexcept {
  if (!under_test()) return AIOSIM_REAL(sigaction)(number, what, old);
  return simulated_sigaction(number, what, old, CALLER);
}

sighandler_t signal(int number, sighandler_t handler) noexcept {
  if (!under_test()) return AIOSIM_REAL(signal)(number, handler);
  return simulated_signal(number, handler, SA_RESTART, CALLER);
}

sighandler_t sysv_signal(int number, sighandler_t handler) noexcept {
  if (!under_test()) return AIOSIM_REAL(sysv_signal)(number, handler);
  return simulated_signal(number, handler, one_shot, CALLER);
}

sighandler_t __sysv_signal(int number, sighandler_t handler) noexcept {
  if (!under_test()) return AIOSIM_REAL(__sysv_signal)(number, handler);
  return simulated_signal(number, handler, one_shot, CALLER);
}

int sigprocmask(int how, const sigset_t* set, sigset_t* old) noexcept {
  if (!under_test()) return AIOSIM_REAL(sigprocmask)(how, set, old);
  return libc_result(simulated_sigmask(how, set, old, CALLER));
}

int pthread_sigmask(int how, const sigset_t* set, sigset_t* old) noexcept {
  if (!under_test()) return AIOSIM_REAL(pthread_sigmask)(how, set, old);
  return -simulated_sigmask(how, set, old, CALLER);
}

int sigpending(sigset_t* set) noexcept {
  if (!under_test()) return AIOSIM_REAL(sigpending)(set);
  const RuntimeScope scope;
  copy_bits(world().kernel->sigpending(CALLER), *set);
  return 0;
}

int kill(pid_t process, int number) noexcept {
  if (!under_test()) return AIOSIM_REAL(kill)(process, number);
  return libc_result(send_to_process("kill", process, number, SI_USER, {}, CALLER));
}

int sigqueue(pid_t process, int number, const sigval value) noexcept {
  if (!under_test()) return AIOSIM_REAL(sigqueue)(process, number, value);
  return libc_result(send_to_process("sigqueue", process, number, SI_QUEUE, value, CALLER));
}

int raise(int number) noexcept {
  if (!under_test()) return AIOSIM_REAL(raise)(number);
  if (is_internal(number)) return libc_result(-EINVAL);
  return libc_result(send_to_thread("raise", g_current->id, number, SI_TKILL, {}, CALLER));
}

int pthread_kill(pthread_t handle, int number) noexcept {
  if (!under_test()) return AIOSIM_REAL(pthread_kill)(handle, number);
  return send_to_handle("pthread_kill", handle, number, SI_TKILL, {}, CALLER);
}

int pthread_sigqueue(pthread_t handle, int number, const sigval value) noexcept {
  if (!under_test()) return AIOSIM_REAL(pthread_sigqueue)(handle, number, value);
  return send_to_handle("pthread_sigqueue", handle, number, SI_QUEUE, value, CALLER);
}

int tgkill(pid_t process, pid_t thread, int number) {
  if (!under_test()) return AIOSIM_REAL(tgkill)(process, thread, number);
  return libc_result(simulated_tgkill("tgkill", process, thread, number, CALLER));
}

int sigsuspend(const sigset_t* mask) {
  if (!under_test()) return AIOSIM_REAL(sigsuspend)(mask);
  const RuntimeScope scope;
  return libc_result(world().kernel->sigsuspend("sigsuspend", MaskArgument(mask).get(), CALLER));
}

int pause() {
  if (!under_test()) return AIOSIM_REAL(pause)();
  const RuntimeScope scope;
  return libc_result(world().kernel->sigsuspend("pause", nullptr, CALLER));
}

int sigtimedwait(const sigset_t* set, siginfo_t* info, const timespec* timeout) {
  if (!under_test()) return AIOSIM_REAL(sigtimedwait)(set, info, timeout);
  return libc_result(simulated_sigtimedwait(set, info, timeout, CALLER));
}

int sigwaitinfo(const sigset_t* set, siginfo_t* info) {
  if (!under_test()) return AIOSIM_REAL(sigwaitinfo)(set, info);
  return libc_result(simulated_sigtimedwait(set, info, nullptr, CALLER));
}

int sigwait(const sigset_t* set, int* number) {
  if (!under_test()) return AIOSIM_REAL(sigwait)(set, number);
  int result = 0;
  do {
    result = simulated_sigtimedwait(set, nullptr, nullptr, CALLER);
  } while (result == -EINTR);
  if (result < 0) return -result;
  *number = result;
  return 0;
}

int signalfd(int fd, const sigset_t* mask, int flags) noexcept {
  if (!under_test()) return AIOSIM_REAL(signalfd)(fd, mask, flags);
  const RuntimeScope scope;
  return libc_result(world().kernel->signalfd(fd, to_bits(*mask), flags, CALLER));
}

}  // extern "C"
