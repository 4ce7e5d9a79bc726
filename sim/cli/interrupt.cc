#include "cli/interrupt.h"

#include <csignal>

namespace aiosim::cli {
namespace {

volatile std::sig_atomic_t asked_to_stop = 0;

void install(unsigned flags) {
  struct sigaction action = {};
  action.sa_handler = [](int) { asked_to_stop = 1; };
  action.sa_flags = static_cast<int>(flags);
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

}  // namespace

void catch_interrupts() { install(static_cast<unsigned>(SA_RESETHAND) | SA_ONSTACK); }

void catch_all_interrupts() { install(SA_ONSTACK); }

bool interrupted() { return asked_to_stop != 0; }

}  // namespace aiosim::cli
