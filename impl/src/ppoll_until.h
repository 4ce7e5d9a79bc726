// ppoll(2) that signals do not shorten.
#pragma once

#include <poll.h>

#include <cstddef>
#include <cstdint>

namespace aio::detail {

/// Waits until an fd is ready or `timeout_ns` (-1: for ever) are over, through any number of
/// signals. As ppoll(2) otherwise; never fails with EINTR.
int ppoll_until(pollfd* fds, std::size_t count, std::int64_t timeout_ns);

}  // namespace aio::detail
