// Signals: what is pending, blocked and to be done, by thread and for the process (Linux:
// kernel/signal.c).
#pragma once

#include <signal.h>

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "kernel/kernel.h"
#include "memory/memory.h"
#include "memory/vector_clock.h"

namespace aiosim::kernel {

class SignalFd;
class State;
struct Watch;

constexpr SignalSet signal_bit(int number) { return SignalSet{1} << (number - 1); }

/// Never blocked, caught or ignored.
inline constexpr SignalSet unblockable = signal_bit(SIGKILL) | signal_bit(SIGSTOP);

/// "SIGUSR1", "SIGRTMIN+3".
std::string signal_name(int number);

struct SentSignal {
  siginfo_t info;
  memory::Message from_sender;
};

/// Linux: struct sigpending. A standard signal is there once, real-time ones queue.
class SignalQueue {
 public:
  SignalSet set() const { return set_; }
  void clear();
  SentSignal& add(const siginfo_t& info);
  /// The oldest one of that number, or null.
  SentSignal* find(int number);
  /// The lowest number in `wanted`, faults before all others; 0 if there is none.
  int next(SignalSet wanted) const;
  /// Takes out the oldest one of that number.
  SentSignal take(int number);
  void drop(SignalSet numbers);
  const std::vector<SentSignal>& list() const { return list_; }

 private:
  SignalSet set_ = 0;
  std::vector<SentSignal> list_;  // in the order they were sent
};

class Signals {
 public:
  /// A handler to run now.
  struct Due {
    siginfo_t info;
    struct sigaction action;
    SignalSet mask_after;  // what is blocked again once it has returned
  };

  explicit Signals(State& state) : state_(state) {}
  void reset();
  void thread_created(std::uint32_t creator, std::uint32_t created);
  void thread_exited(std::uint32_t thread);
  /// A thread of the kernel's gets none.
  void block_all(std::uint32_t thread) { threads_[thread].blocked = ~SignalSet{0}; }

  /// To one thread, or to the process: then who gets it is a choice among the threads that do not
  /// block it.
  static constexpr std::uint32_t process = ~0u;
  void send(const siginfo_t& info, std::uint32_t to);
  /// A write that nobody can ever read.
  void send_sigpipe();

  const struct sigaction& action(int number) const { return actions_[index(number)].what; }
  void set_action(int number, const struct sigaction& what);

  // The current thread's mask.
  SignalSet blocked() const { return me().blocked; }
  void set_blocked(SignalSet set);
  /// Until the call under way returns; handlers that end its wait run under `set` (ppoll).
  void set_blocked_for_call(SignalSet set);
  /// Around a wait for `set` (sigwait): those signals wake the thread, and stay pending.
  void begin_waiting_for(SignalSet set);
  void end_waiting_for();

  /// For that thread or the process, blocked or not.
  SignalSet pending(std::uint32_t thread) const;
  /// Takes one of `wanted` (sigwait, signalfd); false if there is none.
  bool take(SignalSet wanted, siginfo_t& info);
  /// Whoever sees signals of `wanted` pending has heard of what their senders did.
  void acquire_senders(SignalSet wanted);

  /// Linux: get_signal. The next handler that the current thread runs; blocks what its action
  /// asks for. Signals that are ignored vanish; others without a handler end the run.
  bool next_due(Due& due);
  /// The current thread's due handlers have run, if any; the first one with SA_RESTART?
  void note_handled(bool handled, bool restarts);

  /// Has a handler been set (or a signal been ignored), so that a wait may be interrupted?
  bool in_use() const { return actions_set_ != 0; }
  /// A signal is due that ends the current thread's wait; noted for leave().
  bool interrupts();
  /// A call of the current thread returns to user mode with `result`: handlers run, and the mask
  /// is what it was before the call.
  void leave(std::int64_t result);
  /// Asked after leave(): does the call start again instead of giving EINTR? It does if no handler
  /// ran, or (`on_restart`: read, write, futex ...) if the first one had SA_RESTART.
  bool starts_again(bool on_restart);
  /// Makes the call until it need not start again.
  template <typename Call>
  auto repeat(bool on_restart, Call call) {
    for (;;) {
      const auto result = call();
      if (!starts_again(on_restart)) return result;
    }
  }

  /// Tells all epoll instances that watch a signalfd. Linux: one wait queue for all of them.
  void tell_watchers();
  std::vector<SignalFd*> signalfds;

 private:
  struct PerThread {
    SignalSet blocked = 0;
    SignalSet real_blocked = 0;  // blocked, but for a wait in sigwait
    SignalSet saved = 0;         // the mask before a call that has one of its own
    bool has_saved = false;
    bool interrupted = false;  // the call's wait was ended by a signal
    bool ended = false;        // the last call gave EINTR because of that; did handlers run then?
    bool handled = false;
    bool restarts = false;
    SignalQueue queue;
  };
  struct Action {
    struct sigaction what;
    memory::Message from_setter;
  };

  static std::size_t index(int number) { return static_cast<std::size_t>(number); }
  PerThread& me();
  const PerThread& me() const;
  bool is_ignored(int number, SignalSet blocked) const;
  bool is_alive(std::uint32_t thread) const;
  void drop_everywhere(SignalSet numbers);
  void find_receiver(int number, std::uint32_t to);
  void wake(std::uint32_t thread);
  /// Others that can take of `numbers`, which the current thread no longer does, are woken.
  void retarget(SignalSet numbers);
  void restore_mask();
  void recheck(std::uint32_t thread);
  int dequeue(SignalSet wanted, SentSignal& taken);
  [[noreturn]] void end_run(int number, const char* why);

  State& state_;
  SignalQueue shared_;
  std::vector<Watch*> told_;
  std::uint32_t threads_used_ = 1;  // of threads_: what a reset has to look at
  std::array<PerThread, memory::max_threads> threads_;
  SignalSet actions_set_ = 0;  // those of actions_ that are not the default
  std::array<Action, _NSIG> actions_{};
};

}  // namespace aiosim::kernel
