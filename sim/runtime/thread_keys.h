// Simulated pthread keys (libc_thread.cc), as the world uses them.
#pragma once

namespace aiosim::runtime {

struct Thread;

/// A new run: no keys.
void reset_keys();
/// The destructors of the thread's values, as pthread_exit runs them.
void run_key_destructors(Thread& thread);

}  // namespace aiosim::runtime
