// Calls on fds and processes that a world does not have: under test they end the run by name,
// rather than reach the host with numbers that mean something else there.
#include <fcntl.h>
#include <sys/sendfile.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdarg>

#include "runtime/unsimulated.h"

using namespace aiosim::runtime;

extern "C" {

UNSIMULATED(pid_t, fork, (), (), noexcept)
UNSIMULATED(ssize_t, splice,
            (int in, off64_t* in_at, int out, off64_t* out_at, std::size_t size, unsigned flags),
            (in, in_at, out, out_at, size, flags), )
UNSIMULATED(ssize_t, sendfile, (int out, int in, off_t* at, std::size_t size), (out, in, at, size),
            noexcept)

// The mode is there only if a file may be made; passing on what is not there harms nobody.
#define OPENING(function, parameters, arguments, last) \
  int function parameters {                            \
    if (under_test()) not_simulated(#function "()");   \
    std::va_list list;                                 \
    va_start(list, last);                              \
    const unsigned mode = va_arg(list, unsigned);      \
    va_end(list);                                      \
    return AIOSIM_REAL(function) arguments;            \
  }

OPENING(open, (const char* path, int flags, ...), (path, flags, mode), flags)
OPENING(open64, (const char* path, int flags, ...), (path, flags, mode), flags)
OPENING(openat, (int at, const char* path, int flags, ...), (at, path, flags, mode), flags)

}  // extern "C"
