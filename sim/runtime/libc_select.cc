// select and pselect. On a thread under test they go to the simulated kernel.
#include <sys/select.h>

#include "runtime/libc_call.h"
#include "runtime/real.h"
#include "runtime/signal_set.h"

using namespace aiosim::runtime;

extern "C" {

int select(int count, fd_set* in, fd_set* out, fd_set* exceptional, timeval* timeout) {
  if (!under_test()) return AIOSIM_REAL(select)(count, in, out, exceptional, timeout);
  constexpr std::int64_t us_per_second = 1'000'000;
  std::int64_t timeout_ns = -1;
  if (timeout != nullptr) {
    if (timeout->tv_sec < 0 || timeout->tv_usec < 0) return libc_result(-EINVAL);
    const timespec time{timeout->tv_sec, timeout->tv_usec % us_per_second * 1000};
    timeout_ns = to_ns(time) + timeout->tv_usec / us_per_second * second_ns;  // glibc's leniency
  }
  const RuntimeScope scope;
  const int result = world().kernel->select(count, in, out, exceptional, timeout_ns, nullptr,
                                            "select", CALLER);
  if (timeout != nullptr) *timeout = {timeout_ns / second_ns, timeout_ns % second_ns / 1000};
  return libc_result(result);
}

int pselect(int count, fd_set* in, fd_set* out, fd_set* exceptional, const timespec* timeout,
            const sigset_t* mask) {
  if (!under_test()) return AIOSIM_REAL(pselect)(count, in, out, exceptional, timeout, mask);
  if (timeout != nullptr && !is_valid(*timeout)) return libc_result(-EINVAL);
  std::int64_t timeout_ns = timeout != nullptr ? to_ns(*timeout) : -1;
  const RuntimeScope scope;
  return libc_result(world().kernel->select(count, in, out, exceptional, timeout_ns,
                                            MaskArgument(mask).get(), "pselect", CALLER));
}

}  // extern "C"
