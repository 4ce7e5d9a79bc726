// What the tests of signals share.
#pragma once

#include <pthread.h>
#include <signal.h>

#include <atomic>
#include <cstdint>
#include <thread>

#include "test/kernel_fixture.h"

namespace aiosim {

// Handlers know nothing but globals; each test begins with `handled` 0.
inline std::atomic<int> handled;
inline int handled_by = -1;
inline int wake_fd = -1;

inline void count(int) { handled.fetch_add(1, std::memory_order_relaxed); }

inline void install(int number, void (*handler)(int), int flags = 0) {
  handled.store(0, std::memory_order_relaxed);
  struct sigaction action {};
  action.sa_handler = handler;
  action.sa_flags = flags;
  sigaction(number, &action, nullptr);
}

inline sigset_t set_of(int number) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, number);
  return set;
}

inline void block(int number) {
  const sigset_t set = set_of(number);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

/// Sends to the thread once it is blocked in a call.
inline void interrupt(pthread_t receiver, std::uint32_t index) {
  while (!is_blocked(index)) sched_yield();
  GIVES(0, pthread_kill(receiver, SIGUSR1));
}

/// Runs `call` on a thread that gets SIGUSR1 while the call blocks.
template <typename Call>
void while_interrupted(int flags, Call call) {
  install(SIGUSR1, count, flags);
  std::thread receiver([&] { call(); });
  interrupt(receiver.native_handle(), 1);
  receiver.join();
  SAME(1, handled.load(std::memory_order_relaxed));
}

}  // namespace aiosim
