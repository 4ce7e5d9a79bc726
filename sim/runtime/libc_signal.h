// Sending a signal to a thread by its number, as tgkill(2) and syscall(2) do.
#pragma once

#include <sys/types.h>

namespace aiosim::runtime {

/// 0 or -errno. Under test only.
int simulated_tgkill(const char* call, pid_t process, pid_t thread, int number, const void* pc);

}  // namespace aiosim::runtime
