#include "kernel/signals.h"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>

#include "kernel/epoll.h"
#include "kernel/signalfd.h"
#include "kernel/state.h"

namespace aiosim::kernel {
namespace {

template <typename... Numbers>
constexpr SignalSet set_of(Numbers... numbers) {
  return (signal_bit(numbers) | ...);
}

constexpr SignalSet faults = set_of(SIGSEGV, SIGBUS, SIGILL, SIGTRAP, SIGFPE, SIGSYS);
constexpr SignalSet stopping = set_of(SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU);
constexpr SignalSet ignored_by_default = set_of(SIGCONT, SIGCHLD, SIGWINCH, SIGURG);
constexpr SignalSet dumping_core =
    set_of(SIGQUIT, SIGILL, SIGTRAP, SIGABRT, SIGFPE, SIGSEGV, SIGBUS, SIGSYS, SIGXCPU, SIGXFSZ);
constexpr int first_queueing = 32;

constexpr runtime::Object kernel_object{runtime::ObjectType::kernel, 0};

bool has(SignalSet set, int number) { return (set & signal_bit(number)) != 0; }

}  // namespace

std::string signal_name(int number) {
  if (const char* name = sigabbrev_np(number)) return std::string("SIG") + name;
  if (number == SIGRTMIN) return "SIGRTMIN";
  return "SIGRTMIN+" + std::to_string(number - SIGRTMIN);
}

// --- SignalQueue ------------------------------------------------------------------------------

void SignalQueue::clear() {
  set_ = 0;
  list_.clear();
}

SentSignal& SignalQueue::add(const siginfo_t& info) {
  set_ |= signal_bit(info.si_signo);
  return list_.emplace_back(SentSignal{info, {}});
}

SentSignal* SignalQueue::find(int number) {
  if (!has(set_, number)) return nullptr;
  return &*std::find_if(list_.begin(), list_.end(),
                        [&](const SentSignal& s) { return s.info.si_signo == number; });
}

int SignalQueue::next(SignalSet wanted) const {
  SignalSet there = set_ & wanted;
  if ((there & faults) != 0) there &= faults;
  return there != 0 ? __builtin_ctzll(there) + 1 : 0;
}

SentSignal SignalQueue::take(int number) {
  SentSignal* const found = find(number);
  const SentSignal taken = *found;
  list_.erase(list_.begin() + (found - list_.data()));
  const auto is_same = [&](const SentSignal& s) { return s.info.si_signo == number; };
  if (std::none_of(list_.begin(), list_.end(), is_same)) set_ &= ~signal_bit(number);
  return taken;
}

void SignalQueue::drop(SignalSet numbers) {
  if ((set_ & numbers) == 0) return;
  set_ &= ~numbers;
  std::erase_if(list_, [&](const SentSignal& s) { return has(numbers, s.info.si_signo); });
}

// --- threads ----------------------------------------------------------------------------------

void Signals::reset() {
  shared_.clear();
  for (std::uint32_t i = 0; i < threads_used_; ++i) {
    PerThread& thread = threads_[i];
    thread.queue.clear();
    thread.blocked = thread.real_blocked = thread.saved = 0;
    thread.has_saved = thread.interrupted = thread.ended = false;
  }
  threads_used_ = 1;
  for (; actions_set_ != 0; actions_set_ &= actions_set_ - 1) {
    actions_[index(std::countr_zero(actions_set_) + 1)] = {};
  }
  signalfds.clear();
}

Signals::PerThread& Signals::me() { return threads_[state_.thread()]; }
const Signals::PerThread& Signals::me() const { return threads_[state_.thread()]; }

bool Signals::is_alive(std::uint32_t thread) const {
  return state_.world.thread(thread).state != runtime::Thread::State::finished;
}

void Signals::thread_created(std::uint32_t creator, std::uint32_t created) {
  threads_[created].blocked = threads_[creator].blocked;
  threads_used_ = std::max(threads_used_, created + 1);
}

void Signals::thread_exited(std::uint32_t thread) {
  PerThread& gone = threads_[thread];
  gone.queue.clear();
  retarget(~gone.blocked);
  gone.blocked = ~SignalSet{0};
  recheck(thread);
}

void Signals::recheck(std::uint32_t thread) {
  runtime::Thread& looked_at = state_.world.thread(thread);
  const bool ready = (pending(thread) & ~threads_[thread].blocked) != 0;
  if (ready == looked_at.signal_ready) return;
  looked_at.signal_ready = ready;
  state_.world.state_changed();
}

// Its next transition is not the one it was about to make: a handler comes first.
void Signals::wake(std::uint32_t thread) {
  runtime::Thread& receiver = state_.world.thread(thread);
  if (receiver.signal_ready) return;
  receiver.signal_ready = true;
  state_.world.state_changed();
  if (thread == state_.thread()) return;
  state_.world.touch(receiver.next);
  receiver.next = {runtime::World::id_of(kernel_object), true};
}

// --- masks ------------------------------------------------------------------------------------

void Signals::set_blocked(SignalSet set) {
  PerThread& t = me();
  set &= ~unblockable;
  retarget(set & ~t.blocked);
  t.blocked = set;
  recheck(state_.thread());
}

void Signals::set_blocked_for_call(SignalSet set) {
  PerThread& t = me();
  t.saved = t.blocked;
  t.has_saved = true;
  set_blocked(set);
}

void Signals::restore_mask() {
  PerThread& t = me();
  if (!t.has_saved) return;
  t.has_saved = false;
  set_blocked(t.saved);
}

void Signals::begin_waiting_for(SignalSet set) {
  PerThread& t = me();
  t.real_blocked = t.blocked;
  t.blocked &= ~set;
  recheck(state_.thread());
}

void Signals::end_waiting_for() {
  set_blocked(me().real_blocked);
  me().real_blocked = 0;
}

void Signals::retarget(SignalSet numbers) {
  SignalSet left = shared_.set() & numbers;
  for (std::uint32_t i = 0; i < state_.world.thread_count() && left != 0; ++i) {
    if (i == state_.thread() || !is_alive(i) || (left & ~threads_[i].blocked) == 0) continue;
    left &= threads_[i].blocked;
    wake(i);
  }
}

// --- sending ----------------------------------------------------------------------------------

bool Signals::is_ignored(int number, SignalSet blocked) const {
  if (has(blocked, number)) return false;  // its action may be another once it is unblocked
  const sighandler_t handler = actions_[index(number)].what.sa_handler;
  return handler == SIG_IGN || (handler == SIG_DFL && has(ignored_by_default, number));
}

void Signals::drop_everywhere(SignalSet numbers) {
  shared_.drop(numbers);
  for (std::uint32_t i = 0; i < state_.world.thread_count(); ++i) {
    threads_[i].queue.drop(numbers);
    recheck(i);
  }
  state_.world.state_changed();
}

void Signals::send(const siginfo_t& info, std::uint32_t to) {
  const int number = info.si_signo;
  if (has(stopping, number)) drop_everywhere(signal_bit(SIGCONT));
  if (number == SIGCONT) drop_everywhere(stopping);
  const PerThread& looked_at = threads_[to == process ? 0 : to];
  if (is_ignored(number, looked_at.blocked | looked_at.real_blocked)) return;
  SignalQueue& queue = to == process ? shared_ : threads_[to].queue;
  SentSignal* const there = number < first_queueing ? queue.find(number) : nullptr;
  SentSignal& sent = there != nullptr ? *there : queue.add(info);
  state_.release(sent.from_sender);
  if (there != nullptr) return;
  tell_watchers();
  find_receiver(number, to);
}

// The youngest watch first; exclusive ones last, the oldest of them first (as File::wake).
void Signals::tell_watchers() {
  state_.world.state_changed();
  told_.clear();
  for (SignalFd* fd : signalfds) {
    for (Watch& watch : fd->watchers) told_.push_back(&watch);
  }
  const auto is_exclusive = [](const Watch* w) { return (w->event.events & EPOLLEXCLUSIVE) != 0; };
  std::sort(told_.begin(), told_.end(), [&](const Watch* a, const Watch* b) {
    if (is_exclusive(a) != is_exclusive(b)) return is_exclusive(b);
    return is_exclusive(a) ? a->age < b->age : a->age > b->age;
  });
  for (Watch* watch : told_) {
    if (watch->epoll->notice(*watch, Epoll::anything) && is_exclusive(watch)) return;
  }
}

void Signals::find_receiver(int number, std::uint32_t to) {
  std::array<std::uint32_t, memory::max_threads> able;
  std::uint32_t count = 0;
  for (std::uint32_t i = 0; i < state_.world.thread_count(); ++i) {
    if ((to == process || to == i) && is_alive(i) && !has(threads_[i].blocked, number)) {
      able[count++] = i;
    }
  }
  if (count == 0) return;
  const std::uint32_t receiver = able[state_.world.choose(Kind::wake, count)];
  const bool fatal = actions_[index(number)].what.sa_handler == SIG_DFL &&
                     !has(ignored_by_default | stopping, number);
  if (fatal && !has(dumping_core | threads_[receiver].real_blocked, number)) {
    end_run(number, "ends the process: nobody handles it");
  }
  wake(receiver);
}

void Signals::send_sigpipe() {
  siginfo_t info{};
  info.si_signo = SIGPIPE;
  info.si_code = SI_USER;
  info.si_pid = process_id;
  info.si_uid = user_id;
  send(info, state_.thread());
}

void Signals::end_run(int number, const char* why) {
  state_.world.fail(VerdictKind::crash, signal_name(number) + ' ' + why);
}

// --- actions ----------------------------------------------------------------------------------

void Signals::set_action(int number, const struct sigaction& what) {
  Action& action = actions_[index(number)];
  actions_set_ |= signal_bit(number);
  action.what = what;
  action.from_setter = {};
  state_.release(action.from_setter);
  if (is_ignored(number, 0)) drop_everywhere(signal_bit(number));
}

// --- receiving --------------------------------------------------------------------------------

SignalSet Signals::pending(std::uint32_t thread) const {
  return threads_[thread].queue.set() | shared_.set();
}

int Signals::dequeue(SignalSet wanted, SentSignal& taken) {
  SignalQueue& own = me().queue;
  SignalQueue& queue = own.next(wanted) != 0 ? own : shared_;
  const int number = queue.next(wanted);
  if (number == 0) return 0;
  taken = queue.take(number);
  state_.world.state_changed();
  state_.acquire(taken.from_sender);
  if (&queue == &own) return number;
  for (std::uint32_t i = 0; i < state_.world.thread_count(); ++i) {
    if (state_.world.thread(i).signal_ready) recheck(i);  // what it was woken for is gone
  }
  return number;
}

bool Signals::take(SignalSet wanted, siginfo_t& info) {
  SentSignal taken;
  if (dequeue(wanted, taken) == 0) return false;
  info = taken.info;
  recheck(state_.thread());
  return true;
}

void Signals::acquire_senders(SignalSet wanted) {
  for (const SignalQueue* queue : {&me().queue, &shared_}) {
    for (const SentSignal& sent : queue->list()) {
      if (has(wanted, sent.info.si_signo)) state_.acquire(sent.from_sender);
    }
  }
}

bool Signals::next_due(Due& due) {
  state_.world.touch(kernel_object, true);
  PerThread& t = me();
  SentSignal taken;
  while (const int number = dequeue(~t.blocked, taken)) {
    Action& action = actions_[index(number)];
    const sighandler_t handler = action.what.sa_handler;
    if (is_ignored(number, 0)) continue;
    if (handler == SIG_DFL && has(stopping, number)) {
      end_run(number, "would stop the process: that is not simulated");
    }
    if (handler == SIG_DFL) end_run(number, "ends the process: nobody handles it");
    state_.acquire(action.from_setter);
    due = {taken.info, action.what, t.has_saved ? t.saved : t.blocked};
    t.has_saved = false;
    if ((due.action.sa_flags & static_cast<int>(SA_RESETHAND)) != 0) {
      action.what.sa_handler = SIG_DFL;
    }
    SignalSet more = 0;
    std::memcpy(&more, &due.action.sa_mask, sizeof more);
    if ((due.action.sa_flags & SA_NODEFER) == 0) more |= signal_bit(number);
    set_blocked(t.blocked | more);
    return true;
  }
  recheck(state_.thread());
  return false;
}

// --- the end of a call ------------------------------------------------------------------------

bool Signals::interrupts() {
  const bool due = state_.world.self().signal_ready;
  if (due) me().interrupted = true;
  return due;
}

void Signals::note_handled(bool handled, bool restarts) {
  me().handled = handled;
  me().restarts = restarts;
}

// Handlers make calls themselves: what is kept by thread is theirs until they have returned.
void Signals::leave(std::int64_t result) {
  PerThread& t = me();
  const bool by_signal = t.interrupted && result == -EINTR;
  t.interrupted = false;
  note_handled(false, false);
  if (!by_signal) restore_mask();
  const runtime::Thread& self = state_.world.self();
  if (self.signal_ready) state_.world.deliver_signals();
  const bool handled = t.handled;
  const bool restarts = t.restarts;
  restore_mask();  // nobody handled what ended the wait
  if (self.signal_ready) state_.world.deliver_signals();
  note_handled(handled, restarts);
  t.ended = by_signal;
}

bool Signals::starts_again(bool on_restart) {
  const PerThread& t = me();
  return t.ended && (!t.handled || (on_restart && t.restarts));
}

}  // namespace aiosim::kernel
