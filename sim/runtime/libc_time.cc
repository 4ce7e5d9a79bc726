// Clocks, sleeping and timerfd. Simulated time is CLOCK_MONOTONIC; CLOCK_REALTIME is that plus an
// offset. A clock read is a system call like another: a scheduling point.
#include <sys/time.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "fault/host_calls.h"
#include "runtime/libc_call.h"
#include "runtime/real.h"

namespace aiosim::runtime {
namespace {

namespace host = fault::host;

constexpr Object the_clock{ObjectType::clock, 0};

timespec to_timespec(std::int64_t ns) { return {ns / second_ns, ns % second_ns}; }

std::int64_t read_clock(const char* call, const void* pc,
                        std::int64_t (World::*read)() = &World::read_clock) {
  World& w = world();
  w.point(call, the_clock, pc);
  const std::int64_t now_ns = (w.*read)();
  w.record(call, the_clock, now_ns, 0, pc);
  return now_ns;
}

std::int64_t read_realtime(const char* call, const void* pc) {
  return read_clock(call, pc, &World::read_realtime);
}

/// 0 or a positive error number.
int simulated_sleep(clockid_t clock, int flags, const timespec* request, timespec* remain,
                    const void* pc) {
  const RuntimeScope scope;
  return -world().kernel->clock_nanosleep(clock, flags, request, remain, pc);
}

}  // namespace
}  // namespace aiosim::runtime

using namespace aiosim::runtime;

extern "C" {

int clock_gettime(clockid_t clock, timespec* now) noexcept {
  if (!under_test()) return AIOSIM_REAL(clock_gettime)(clock, now);
  const RuntimeScope scope;
  switch (clock) {
    case CLOCK_MONOTONIC:
    case CLOCK_MONOTONIC_RAW:
    case CLOCK_MONOTONIC_COARSE:
    case CLOCK_BOOTTIME:
      *now = to_timespec(read_clock("clock_gettime", CALLER));
      return 0;
    case CLOCK_REALTIME:
    case CLOCK_REALTIME_COARSE:
      *now = to_timespec(read_realtime("clock_gettime", CALLER));
      return 0;
    default:
      not_simulated("clock_gettime() of clock " + std::to_string(clock));
  }
}

int gettimeofday(timeval* now, void* zone) noexcept {
  if (!under_test()) return AIOSIM_REAL(gettimeofday)(now, zone);
  if (zone != nullptr) not_simulated("gettimeofday() with a time zone");
  const RuntimeScope scope;
  const std::int64_t ns = read_realtime("gettimeofday", CALLER);
  *now = {ns / second_ns, ns % second_ns / 1000};
  return 0;
}

time_t time(time_t* out) noexcept {
  if (!under_test()) return AIOSIM_REAL(time)(out);
  const RuntimeScope scope;
  const time_t now = read_realtime("time", CALLER) / second_ns;
  if (out != nullptr) *out = now;
  return now;
}

int timespec_get(timespec* now, int base) noexcept {
  if (!under_test()) return AIOSIM_REAL(timespec_get)(now, base);
  if (base != TIME_UTC) return 0;
  const RuntimeScope scope;
  *now = to_timespec(read_realtime("timespec_get", CALLER));
  return base;
}

// Processor time is the host's; a world's threads have none of their own.
clock_t clock() noexcept {
  if (under_test()) not_simulated("clock()");
  return AIOSIM_REAL(clock)();
}

int clock_nanosleep(clockid_t clock, int flags, const timespec* request, timespec* remain) {
  if (!under_test()) return host::clock_nanosleep(clock, flags, request, remain);
  return simulated_sleep(clock, flags, request, remain, CALLER);
}

int nanosleep(const timespec* request, timespec* remain) {
  if (!under_test()) return host::nanosleep(request, remain);
  return libc_result(-simulated_sleep(CLOCK_MONOTONIC, 0, request, remain, CALLER));
}

int usleep(useconds_t us) {
  if (!under_test()) return AIOSIM_REAL(usleep)(us);
  const timespec request = to_timespec(std::int64_t{us} * 1000);
  return libc_result(-simulated_sleep(CLOCK_MONOTONIC, 0, &request, nullptr, CALLER));
}

unsigned sleep(unsigned seconds) {
  if (!under_test()) return AIOSIM_REAL(sleep)(seconds);
  const timespec request{seconds, 0};
  timespec left{};
  if (simulated_sleep(CLOCK_MONOTONIC, 0, &request, &left, CALLER) == 0) return 0;
  return static_cast<unsigned>(left.tv_sec + (left.tv_nsec >= second_ns / 2 ? 1 : 0));
}

int timerfd_create(clockid_t clock, int flags) noexcept {
  if (!under_test()) return AIOSIM_REAL(timerfd_create)(clock, flags);
  const RuntimeScope scope;
  return libc_result(world().kernel->timerfd_create(clock, flags, CALLER));
}

int timerfd_settime(int fd, int flags, const itimerspec* value, itimerspec* old) noexcept {
  if (!under_test()) return AIOSIM_REAL(timerfd_settime)(fd, flags, value, old);
  const RuntimeScope scope;
  return libc_result(world().kernel->timerfd_settime(fd, flags, value, old, CALLER));
}

int timerfd_gettime(int fd, itimerspec* value) noexcept {
  if (!under_test()) return AIOSIM_REAL(timerfd_gettime)(fd, value);
  const RuntimeScope scope;
  return libc_result(world().kernel->timerfd_gettime(fd, value, CALLER));
}

}  // extern "C"
