// A crash of code under test is a verdict, not the end of the process.
#pragma once

#include <string>

namespace aiosim::runtime {

/// Handlers for SIGSEGV, SIGBUS, SIGFPE and SIGILL on an alternate stack, and for std::terminate.
/// Idempotent; outside a world the former handlers apply.
void install_crash_handlers();

/// std::terminate was called at `pc` (null: by the C++ runtime) on a simulated thread.
[[noreturn]] void end_by_terminate(const void* pc);

/// "type: what" of the exception being handled.
std::string describe_current_exception();

/// "reference-epoll.so+0x1a2b": the same in every process; symbolised later by the command.
std::string describe_code(const void* pc);

}  // namespace aiosim::runtime
