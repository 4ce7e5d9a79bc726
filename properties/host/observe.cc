// observe.h for binaries without the simulator: there is no world, threads are real.
#include "aiosim/observe.h"

#include <chrono>
#include <utility>

namespace aiosim {

bool in_world() { return false; }
std::uint32_t thread_index() { return 0; }
std::int64_t now_ns() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::nanoseconds>(now).count();
}
std::uint64_t step() { return 0; }
std::int64_t blocked_ns() { return 0; }
std::size_t open_fds() { return 0; }
std::string closed_twice() { return {}; }
void pass_time(std::int64_t) {}
bool is_blocked(std::uint32_t) { return false; }
std::string_view blocked_in(std::uint32_t) { return {}; }

HarnessScope::HarnessScope() : saved_(0) { static_cast<void>(saved_); }
HarnessScope::~HarnessScope() = default;
UnderTestScope::UnderTestScope() : saved_(0) { static_cast<void>(saved_); }
UnderTestScope::~UnderTestScope() = default;

void shares(std::uint32_t, bool) {}
void note(const char*, std::int64_t, std::int64_t) {}
void name_thread(std::string_view) {}
void stop_run(Verdict verdict) { throw RunStopped{std::move(verdict)}; }
void on_time_jump(std::function<void(const TimeJump&)>) {}
void on_kernel_call(std::function<void(const KernelCall&)>) {}

}  // namespace aiosim
