// syscall(2), by which futexes and Linux AIO come.
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstdarg>
#include <limits>

#include "fault/host_calls.h"
#include "runtime/libc_call.h"
#include "runtime/libc_random.h"
#include "runtime/libc_signal.h"
#include "runtime/real.h"

namespace aiosim::runtime {
namespace {

std::int64_t futex_deadline_ns(int operation, const timespec& timeout) {
  if ((operation & FUTEX_CMD_MASK) == FUTEX_WAIT) return world().now_ns() + to_ns(timeout);
  const bool realtime = (operation & FUTEX_CLOCK_REALTIME) != 0;
  return std::max<std::int64_t>(to_ns(timeout) - (realtime ? world().realtime_offset_ns() : 0), 0);
}

long simulated_futex(const long (&a)[6], const void* pc) {
  auto* word = reinterpret_cast<std::uint32_t*>(a[0]);
  const auto operation = static_cast<int>(a[1]);
  const auto value = static_cast<std::uint32_t>(a[2]);
  const auto* timeout = reinterpret_cast<const timespec*>(a[3]);
  const auto bitset = static_cast<std::uint32_t>(a[5]);
  kernel::Kernel& kernel = *world().kernel;
  const int command = operation & FUTEX_CMD_MASK;
  switch (command) {
    case FUTEX_WAIT:
    case FUTEX_WAIT_BITSET: {
      if (timeout != nullptr && !is_valid(*timeout)) return -EINVAL;
      const auto deadline_ns = timeout != nullptr ? futex_deadline_ns(operation, *timeout) : -1;
      const auto mask = command == FUTEX_WAIT ? FUTEX_BITSET_MATCH_ANY : bitset;
      return kernel.futex_wait(word, value, deadline_ns, mask, pc);
    }
    case FUTEX_WAKE:
      return kernel.futex_wake(word, static_cast<int>(value), FUTEX_BITSET_MATCH_ANY, pc);
    case FUTEX_WAKE_BITSET:
      return kernel.futex_wake(word, static_cast<int>(value), bitset, pc);
    default:
      not_simulated("futex operation " + std::to_string(command));
  }
}

long simulated_aio(long number, const long (&a)[6], const void* pc) {
  kernel::Kernel& kernel = *world().kernel;
  const auto id = static_cast<unsigned long>(a[0]);
  switch (number) {
    case SYS_io_setup:
      return kernel.io_setup(static_cast<unsigned>(a[0]), reinterpret_cast<unsigned long*>(a[1]),
                             pc);
    case SYS_io_destroy:
      return kernel.io_destroy(id, pc);
    case SYS_io_submit:
      return kernel.io_submit(id, a[1], reinterpret_cast<iocb**>(a[2]), pc);
    case SYS_io_getevents: {
      const auto* timeout = reinterpret_cast<const timespec*>(a[4]);
      const std::int64_t timeout_ns =
          timeout != nullptr ? std::max<std::int64_t>(to_ns(*timeout), 0) : -1;
      return kernel.io_getevents(id, a[1], a[2], reinterpret_cast<io_event*>(a[3]), timeout_ns,
                                 pc);
    }
    default:
      return kernel.io_cancel(reinterpret_cast<const iocb*>(a[1]), pc);
  }
}

pid_t simulated_thread_id() { return kernel::process_id + static_cast<pid_t>(g_current->id); }

}  // namespace
}  // namespace aiosim::runtime

using namespace aiosim::runtime;

extern "C" {

long syscall(long number, ...) noexcept {
  std::va_list list;
  va_start(list, number);
  long a[6];
  for (long& argument : a) argument = va_arg(list, long);
  va_end(list);
  if (!under_test()) {
    return aiosim::fault::host::syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
  }
  switch (number) {
    case SYS_futex: {
      const RuntimeScope scope;
      return libc_result(simulated_futex(a, CALLER));
    }
    case SYS_io_setup:
    case SYS_io_destroy:
    case SYS_io_submit:
    case SYS_io_getevents:
    case SYS_io_cancel: {
      const void* pc = CALLER;
      const RuntimeScope scope;
      return libc_result(simulated_aio(number, a, pc));
    }
    case SYS_gettid:
      return simulated_thread_id();
    case SYS_getpid:
      return aiosim::kernel::process_id;
    case SYS_tgkill:
      return libc_result(simulated_tgkill("tgkill", static_cast<pid_t>(a[0]),
                                          static_cast<pid_t>(a[1]), static_cast<int>(a[2]),
                                          CALLER));
    case SYS_tkill:
      return libc_result(simulated_tgkill("tkill", aiosim::kernel::process_id,
                                          static_cast<pid_t>(a[0]), static_cast<int>(a[1]),
                                          CALLER));
    case SYS_getrandom:
      return simulated_random(reinterpret_cast<void*>(a[0]), static_cast<std::size_t>(a[1]),
                              CALLER);
    default:
      not_simulated("syscall(" + std::to_string(number) + ")");
  }
}

pid_t gettid() noexcept { return under_test() ? simulated_thread_id() : AIOSIM_REAL(gettid)(); }

}  // extern "C"
