// Handlers of signals, on the stacks of simulated threads.
#include "kernel/signals.h"

#include <ucontext.h>

#include <cstring>

#include "aiosim/observe.h"
#include "kernel/kernel.h"
#include "runtime/crash.h"
#include "runtime/heap.h"
#include "runtime/world.h"

namespace aiosim::runtime {
namespace {

constexpr Object the_kernel{ObjectType::kernel, 0};

// What a thread was about to do: its handlers have points and waits of their own.
class Interruption {
 public:
  explicit Interruption(Thread& thread)
      : thread_(thread),
        yielded_(thread.yielded),
        spins_(thread.spins),
        spin_(thread.spin),
        next_(thread.next),
        interrupt_ns_(thread.interrupt_ns),
        blocked_since_ns_(thread.blocked_since_ns),
        blocked_total_ns_(thread.blocked_total_ns) {
    thread.yielded = thread.spins = false;
  }
  void undo() const {
    thread_.yielded = yielded_;
    thread_.spins = spins_;
    thread_.spin = spin_;
    thread_.next = next_;
    thread_.interrupt_ns = interrupt_ns_;
    // What the handlers waited is counted already.
    thread_.blocked_since_ns = blocked_since_ns_ + thread_.blocked_total_ns - blocked_total_ns_;
  }

 private:
  Thread& thread_;
  bool yielded_;
  bool spins_;
  Spin spin_;
  Touch next_;
  std::int64_t interrupt_ns_;
  std::int64_t blocked_since_ns_;
  std::int64_t blocked_total_ns_;
};

/// Runs the handler; what is blocked from then on.
kernel::SignalSet run_handler(kernel::Signals::Due& due) {
  World& w = world();
  const int number = due.info.si_signo;
  // No registers: nothing of a simulated thread was interrupted between two instructions.
  ucontext_t context{};
  std::memcpy(&context.uc_sigmask, &due.mask_after, sizeof due.mask_after);
  const auto* pc = reinterpret_cast<const void*>(due.action.sa_handler);
  w.record("signal handler", the_kernel, number, due.info.si_code, pc,
           w.tracing() ? kernel::signal_name(number) : "");
  try {
    const UnderTestScope scope;
    if ((due.action.sa_flags & SA_SIGINFO) != 0) {
      due.action.sa_sigaction(number, &due.info, &context);
    } else {
      due.action.sa_handler(number);
    }
  } catch (...) {
    const RuntimeScope scope;
    w.fail(VerdictKind::escaped_exception, "an exception left the handler of " +
                                               kernel::signal_name(number) + ": " +
                                               describe_current_exception());
  }
  w.record("handler returns", the_kernel, number, 0, pc);
  kernel::SignalSet mask = 0;
  std::memcpy(&mask, &context.uc_sigmask, sizeof mask);
  return mask;
}

}  // namespace

// As on Linux, where each due signal puts a frame on top of the last one: a later one runs first,
// unless the earlier one's sa_mask blocks it.
void World::deliver_signals() {
  const RuntimeScope scope;
  Thread& me = *g_current;
  kernel::Signals& signals = kernel->signals();
  const Interruption interruption(me);
  const Site site = site_;
  bool handled = false;
  bool restarts = false;
  kernel::Signals::Due due;
  while (signals.next_due(due)) {
    if (!handled) restarts = (due.action.sa_flags & SA_RESTART) != 0;
    handled = true;
    if (me.signal_ready) deliver_signals();
    signals.set_blocked(run_handler(due));
  }
  site_ = site;
  interruption.undo();
  signals.note_handled(handled, restarts);
}

}  // namespace aiosim::runtime
