// The busy polling time that contexts start with.
#pragma once

#include <cstdint>

namespace aio::detail {

/// QEMU_AIO_POLL_MAX_NS in ns, 0 if unset. What is no number or negative counts as 0 and is
/// reported on standard error, once in the process (D3).
std::int64_t default_poll_max_ns();

}  // namespace aio::detail
