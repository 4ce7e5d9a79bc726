// Assertions that stay on in every build, and the call of a user's function.
#pragma once

#include "aio/callback.h"

namespace aio::detail {

/// Prints `file:line: what` on standard error and aborts.
[[noreturn]] void check_failed(const char* file, int line, const char* what);

/// Calls back; an exception ends the process here, where the stack still shows whose it was.
inline void call(Callback callback, void* opaque) noexcept { callback(opaque); }
inline bool call(PollCallback callback, void* opaque) noexcept { return callback(opaque); }

}  // namespace aio::detail

#define AIO_CHECK(expression)          \
  ((expression) ? static_cast<void>(0) \
                : ::aio::detail::check_failed(__FILE__, __LINE__, #expression))
