// What code under test may ask about the machine: a world's processors are the same everywhere.
#include <sched.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "runtime/libc_call.h"
#include "runtime/real.h"

namespace aiosim::runtime {
namespace {

constexpr int processors = 4;

}  // namespace
}  // namespace aiosim::runtime

using namespace aiosim::runtime;

extern "C" {

int get_nprocs() noexcept { return under_test() ? processors : AIOSIM_REAL(get_nprocs)(); }

int get_nprocs_conf() noexcept {
  return under_test() ? processors : AIOSIM_REAL(get_nprocs_conf)();
}

long sysconf(int name) noexcept {
  const bool asks = name == _SC_NPROCESSORS_ONLN || name == _SC_NPROCESSORS_CONF;
  return under_test() && asks ? processors : AIOSIM_REAL(sysconf)(name);
}

int sched_getcpu() noexcept {
  if (!under_test()) return AIOSIM_REAL(sched_getcpu)();
  return static_cast<int>(world().self().id % processors);
}

int sched_getaffinity(pid_t thread, std::size_t size, cpu_set_t* set) noexcept {
  if (!under_test()) return AIOSIM_REAL(sched_getaffinity)(thread, size, set);
  if (size < sizeof(long) || size % sizeof(long) != 0) return libc_result(-EINVAL);
  std::memset(set, 0, size);
  for (unsigned cpu = 0; cpu < unsigned{processors}; ++cpu) CPU_SET_S(cpu, size, set);
  return 0;
}

}  // extern "C"
