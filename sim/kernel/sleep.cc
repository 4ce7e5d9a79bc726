// clock_nanosleep(2).
#include <cerrno>

#include "kernel/state.h"

namespace aiosim::kernel {
namespace {

constexpr std::int64_t second_ns = 1'000'000'000;

bool never(void*) { return false; }

}  // namespace

int Kernel::clock_nanosleep(int clock, int flags, const timespec* request, timespec* remain,
                            const void* pc) {
  State& k = *state_;
  const runtime::Object object{runtime::ObjectType::clock, 0};
  k.enter("clock_nanosleep", object, pc);
  const auto done = [&](int result) {
    k.world.record("clock_nanosleep", object, result, k.world.now_ns(), pc,
                   k.world.tracing() && result < 0 ? strerrorname_np(-result) : "");
    k.signals.leave(result);
    return result;
  };
  if (clock != CLOCK_MONOTONIC && clock != CLOCK_REALTIME && clock != CLOCK_BOOTTIME) {
    return done(-EINVAL);
  }
  if (request->tv_sec < 0 || request->tv_nsec < 0 || request->tv_nsec >= second_ns) {
    return done(-EINVAL);
  }
  const std::int64_t now_ns = k.world.now_ns();
  const bool absolute = (flags & TIMER_ABSTIME) != 0;
  constexpr std::int64_t most_s = INT64_MAX / 4 / second_ns;
  const std::int64_t asked_ns =
      std::min<std::int64_t>(request->tv_sec, most_s) * second_ns + request->tv_nsec;
  std::int64_t deadline_ns = asked_ns + (absolute ? 0 : now_ns);
  if (absolute && clock == CLOCK_REALTIME) deadline_ns -= k.world.realtime_offset_ns();
  if (deadline_ns <= now_ns) return done(0);

  do {
    const int woken = k.wait("clock_nanosleep", object, deadline_ns,
                             fault::PointId::nanosleep_eintr, never, nullptr);
    if (woken != -EINTR) return done(0);
    done(-EINTR);
  } while (k.signals.starts_again(false));
  const std::int64_t left_ns = std::max<std::int64_t>(deadline_ns - k.world.now_ns(), 0);
  if (remain != nullptr && !absolute) *remain = {left_ns / second_ns, left_ns % second_ns};
  return -EINTR;
}

}  // namespace aiosim::kernel
