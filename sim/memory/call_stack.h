// Where something was called from: return addresses, the innermost first.
#pragma once

#include <array>
#include <cstddef>

namespace aiosim::memory {

struct CallStack {
  static constexpr std::size_t max_depth = 8;

  CallStack() = default;
  /// One frame: nothing is known of its callers.
  CallStack(const void* pc) { pcs[0] = pc; }  // NOLINT: every place is a stack of one

  const void* pc() const { return pcs[0]; }

  std::array<const void*, max_depth> pcs{};  // null after the last
};

}  // namespace aiosim::memory
