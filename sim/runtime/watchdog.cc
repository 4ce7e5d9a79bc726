#include "runtime/watchdog.h"

#include <pthread.h>
#include <signal.h>
#include <sys/time.h>
#include <ucontext.h>

#include <cstdint>
#include <string>

#include "runtime/real.h"
#include "runtime/world.h"

namespace aiosim::runtime {
namespace {

constexpr int patience_s = 2;
constexpr std::uint64_t patience_points = 40'000'000;  // minimising is then over

// What the last tick saw. Ticks come to one thread: a process has one that runs worlds.
struct Seen {
  std::uint64_t run = 0;
  std::uint64_t step = 0;
  std::uint64_t plain_left = 0;
  int ticks = 0;
};
Seen last;
const void* looping_pc = nullptr;
bool started = false;

[[noreturn]] void end_after_looping() {
  ++g_current->harness;
  world().loops_without_point(looping_pc, patience_points);
}

// Only where what is interrupted is the loop's: the engine may be in the midst of anything.
void tick(int, siginfo_t*, void* data) {
  if (!under_test()) {
    last.ticks = 0;
    return;
  }
  const Seen now{world().run_number(), world().step(), g_plain_left, last.ticks + 1};
  const bool same =
      now.run == last.run && now.step == last.step && now.plain_left == last.plain_left;
  last = now;
  if (!same) last.ticks = 0;
  if (last.ticks < patience_s) return;
  last.ticks = 0;
  auto& registers = static_cast<ucontext_t*>(data)->uc_mcontext.gregs;
  looping_pc = reinterpret_cast<const void*>(registers[REG_RIP]);
  registers[REG_RIP] = reinterpret_cast<greg_t>(&end_after_looping);
  // Below the red zone, and as after a call: 16-byte aligned plus the return address.
  registers[REG_RSP] = ((registers[REG_RSP] - 256) & ~greg_t{15}) - 8;
}

}  // namespace

void start_watchdog() {
  if (started) return;
  started = true;
  struct sigaction action {};
  action.sa_sigaction = tick;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART;
  AIOSIM_REAL(sigaction)(SIGVTALRM, &action, nullptr);
  const itimerval second{{1, 0}, {1, 0}};
  AIOSIM_REAL(setitimer)(ITIMER_VIRTUAL, &second, nullptr);
  // A child has no timers: its first world starts one.
  static const int registered = pthread_atfork(nullptr, nullptr, [] { started = false; });
  static_cast<void>(registered);
}

}  // namespace aiosim::runtime
