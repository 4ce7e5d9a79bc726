// What the process holds: heap blocks, resident memory, file descriptors. Counted at rest.
#pragma once

#include <cstddef>
#include <cstdint>

namespace soak {

struct Holdings {
  std::int64_t blocks = 0;   ///< of operator new, not deleted
  std::int64_t bytes = 0;    ///< in them
  std::size_t fds = 0;       ///< open file descriptors
  std::size_t heap = 0;      ///< bytes that malloc has given out; 0 under a sanitizer
  std::size_t resident = 0;  ///< bytes of RSS
};

/// Any thread.
Holdings holdings();

/// Threads of the process. Any thread.
std::size_t threads();

}  // namespace soak
