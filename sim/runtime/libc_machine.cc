// What code under test may ask about the machine: a world's processors are the same everywhere.
#include <pthread.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include <cerrno>
#include <cstdarg>
#include <cstring>
#include <string>

#include "runtime/libc_call.h"
#include "runtime/real.h"

namespace aiosim::runtime {
namespace {

constexpr int processors = 4;

/// 0 if one of ours is among them, else EINVAL.
int check_processors(std::size_t size, const cpu_set_t* set) {
  for (std::size_t cpu = 0; cpu < std::size_t{processors}; ++cpu) {
    if (CPU_ISSET_S(cpu, size, set)) return 0;
  }
  return EINVAL;
}

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

// Which processor runs a thread is nothing that it can see: the set is checked, and forgotten.
int sched_setaffinity(pid_t thread, std::size_t size, const cpu_set_t* set) noexcept {
  if (!under_test()) return AIOSIM_REAL(sched_setaffinity)(thread, size, set);
  return libc_result(-check_processors(size, set));
}

int pthread_setaffinity_np(pthread_t thread, std::size_t size, const cpu_set_t* set) noexcept {
  if (!under_test()) return AIOSIM_REAL(pthread_setaffinity_np)(thread, size, set);
  return check_processors(size, set);
}

int pthread_getaffinity_np(pthread_t thread, std::size_t size, cpu_set_t* set) noexcept {
  if (!under_test()) return AIOSIM_REAL(pthread_getaffinity_np)(thread, size, set);
  return sched_getaffinity(0, size, set) == 0 ? 0 : EINVAL;
}

// Priorities: everybody has the usual one, and may not have another (pthread_setschedparam(3)).
int pthread_getschedparam(pthread_t thread, int* policy, sched_param* param) noexcept {
  if (!under_test()) return AIOSIM_REAL(pthread_getschedparam)(thread, policy, param);
  *policy = SCHED_OTHER;
  param->sched_priority = 0;
  return 0;
}

int pthread_setschedparam(pthread_t thread, int policy, const sched_param* param) noexcept {
  if (!under_test()) return AIOSIM_REAL(pthread_setschedparam)(thread, policy, param);
  if (policy == SCHED_FIFO || policy == SCHED_RR) return EPERM;
  return policy == SCHED_OTHER && param->sched_priority == 0 ? 0 : EINVAL;
}

// The name of the calling thread; nothing else of prctl(2).
int prctl(int option, ...) noexcept {
  std::va_list list;
  va_start(list, option);
  unsigned long a[4];
  for (unsigned long& argument : a) argument = va_arg(list, unsigned long);
  va_end(list);
  if (!under_test()) return AIOSIM_REAL(prctl)(option, a[0], a[1], a[2], a[3]);
  char* const name = reinterpret_cast<char*>(a[0]);
  char kept[16] = {};
  if (option == PR_SET_NAME) {
    std::memcpy(kept, name, strnlen(name, sizeof kept - 1));
    return libc_result(-pthread_setname_np(pthread_self(), kept));
  }
  if (option != PR_GET_NAME) not_simulated("prctl(" + std::to_string(option) + ")");
  return libc_result(-pthread_getname_np(pthread_self(), name, sizeof kept));
}

}  // extern "C"
