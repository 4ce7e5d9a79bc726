// How a test harness lives inside a world (and, unchanged, on real threads).
//
// Code on a simulated thread is either under test (its atomics, locks, system calls and
// allocations are simulated; each is a scheduling point or checked) or the harness's own (it runs
// on the host, invisible to the memory model, no points). A world's first thread starts as
// harness; a thread that code under test creates starts as code under test. Outside a world all
// of this does nothing, so that the same harness drives real threads on the real kernel.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "aiosim/verdict.h"

namespace aiosim {

/// True inside a simulated world (on a simulated thread).
bool in_world();

/// The calling thread's creation index in its world; 0 outside one.
std::uint32_t thread_index();

/// Simulated monotonic time in ns without moving it; std::chrono::steady_clock outside a world.
std::int64_t now_ns();

/// Moves simulated time on by `ns`, as if the calling thread worked for so long; nobody runs in
/// between. Does nothing outside a world.
void pass_time(std::int64_t ns);

/// Scheduling points so far in this run; 0 outside a world.
std::uint64_t step();

/// Total simulated ns that the calling thread was blocked since it started.
std::int64_t blocked_ns();

/// True while simulated thread `thread` is blocked (in any call).
bool is_blocked(std::uint32_t thread);

/// The call ("epoll_wait") in which `thread` sleeps; empty if it does not, or outside a world.
std::string_view blocked_in(std::uint32_t thread);

/// How many fds code under test has open now; 0 outside a world.
std::size_t open_fds();

/// "home closes fd 4, which is not open any more, at ...": the first such call in this run. Nothing
/// comes of it but EBADF, until the number is somebody else's. Empty if there was none.
std::string closed_twice();

/// What the calling thread does inside the scope is the harness's own.
class HarnessScope {
 public:
  HarnessScope();
  ~HarnessScope();
  HarnessScope(const HarnessScope&) = delete;
  HarnessScope& operator=(const HarnessScope&) = delete;

 private:
  int saved_;
};

/// What the calling thread does inside the scope is under test.
class UnderTestScope {
 public:
  UnderTestScope();
  ~UnderTestScope();
  UnderTestScope(const UnderTestScope&) = delete;
  UnderTestScope& operator=(const UnderTestScope&) = delete;

 private:
  int saved_;
};

/// Adds a line to the trace and to its hash ("bh 3 called"). `label` must be a literal.
void note(const char* label, std::int64_t a = 0, std::int64_t b = 0);

/// What the harness does next reads (or writes) state of its own, named by a number of its choice,
/// that harness code on other threads writes (reads) and that steers what is done under test.
/// Exhaustive search must know of it: orders of what shares nothing are not tried.
void shares(std::uint32_t state, bool writes);

/// Names the calling thread in traces and seed files (at most 15 characters).
void name_thread(std::string_view name);

/// Ends the run now with this verdict. In a world it does not return and unwinds nothing.
/// Outside a world it throws RunStopped.
[[noreturn]] void stop_run(Verdict verdict);
struct RunStopped {
  Verdict verdict;
};

/// Called whenever time is about to jump because nobody can run: the place to find progress that
/// only a timeout makes. The function is called as harness, and may call stop_run. Cleared when
/// the run ends. Does nothing outside a world.
struct TimeJump {
  std::int64_t from_ns;
  std::int64_t to_ns;
};
void on_time_jump(std::function<void(const TimeJump&)> probe);

/// Called after each system call of code under test that succeeded on a simulated fd: for rules on
/// what a loop may ask of the kernel ("no eventfd write while the loop runs"). As harness.
struct KernelCall {
  const char* call;  // "write", "epoll_wait", ...
  int fd;
  std::int64_t result;
};
void on_kernel_call(std::function<void(const KernelCall&)> probe);

}  // namespace aiosim
