#include "runtime/loading.h"

#include <signal.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "runtime/crash.h"
#include "runtime/real.h"

namespace aiosim::runtime {
namespace {

constexpr int most_s = 10;
constexpr std::array<int, 6> ends = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGVTALRM};

std::array<char, 512> file;  // of the module, or empty
std::array<struct sigaction, ends.size()> former;
itimerval former_timer;  // the watchdog's

[[noreturn]] void end_process(const char* what) {
  std::array<char, 700> text;
  const int size =
      std::snprintf(text.data(), text.size(), "aiosim: module '%s': %s\n", file.data(), what);
  // Nobody is left to be told that this failed.
  [[maybe_unused]] const auto written =
      AIOSIM_REAL(write)(STDERR_FILENO, text.data(), static_cast<std::size_t>(size));
  AIOSIM_REAL(_exit)(2);
  __builtin_unreachable();
}

void on_signal(int number) {
  if (number == SIGVTALRM) end_process("its start-up code does not end");
  std::array<char, 64> what;
  std::snprintf(what.data(), what.size(), "its start-up code got signal %d (%s)", number,
                sigabbrev_np(number));
  end_process(what.data());
}

void on_exit() {
  if (file[0] != '\0') end_process("its start-up code called exit()");
}

}  // namespace

Loading::Loading(const std::string& name) {
  install_crash_handlers();  // and their stack
  static const bool registered = std::atexit(on_exit) == 0;
  static_cast<void>(registered);
  std::snprintf(file.data(), file.size(), "%s", name.c_str());
  struct sigaction action {};
  action.sa_handler = on_signal;
  action.sa_flags = SA_ONSTACK;
  for (std::size_t i = 0; i < ends.size(); ++i) {
    AIOSIM_REAL(sigaction)(ends[i], &action, &former[i]);
  }
  const itimerval most{{0, 0}, {most_s, 0}};
  AIOSIM_REAL(setitimer)(ITIMER_VIRTUAL, &most, &former_timer);
}

Loading::~Loading() {
  AIOSIM_REAL(setitimer)(ITIMER_VIRTUAL, &former_timer, nullptr);
  for (std::size_t i = 0; i < ends.size(); ++i) {
    AIOSIM_REAL(sigaction)(ends[i], &former[i], nullptr);
  }
  file[0] = '\0';
}

}  // namespace aiosim::runtime
