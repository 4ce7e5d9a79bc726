// Thread control blocks of simulated threads, borrowed from parked pthreads.
//
// A parked pthread never runs after it was made; the simulated thread runs on the one OS thread
// with %fs at the parked one's control block, so that errno, thread_local, exception globals,
// pthread_self and the stack protector are real and its own (ENGINE.md section 1, TLS).
#pragma once

#include <pthread.h>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace aiosim::runtime {

struct Tcb {
  pthread_t handle{};       // of the parked pthread, what pthread_self() returns
  std::uintptr_t fs = 0;
  int* error = nullptr;     // its errno
  void* exceptions = nullptr;  // its __cxa_get_globals()
  std::vector<void*> tls;   // this thread's block of each module under test, by module order
  bool has_tls = false;     // one of them is not null
};

/// The %fs base of the caller, and how to change it. Code between a change and the jump to the
/// thread that it belongs to must not touch thread-local variables.
std::uintptr_t get_fs();
void set_fs_by_system_call(std::uintptr_t base);
extern __attribute__((visibility("hidden"))) bool has_fsgsbase;  // once borrow_tcb() was called
[[gnu::always_inline]] inline void set_fs(std::uintptr_t base) {
  if (has_fsgsbase) [[likely]] {
    asm volatile("wrfsbase %0" : : "r"(base) : "memory");
  } else {
    set_fs_by_system_call(base);
  }
}

/// Control block number `index` of the process: made at first use, again after a fork, which
/// changes the generation.
Tcb& borrow_tcb(unsigned index);
extern __attribute__((visibility("hidden"))) unsigned tcb_generation;

/// Brings errno, exception globals and the thread_local images of the modules under test back to
/// what a new thread sees. Called outside a world, with the caller's own %fs.
void reset_tcb(Tcb& tcb);

}  // namespace aiosim::runtime
