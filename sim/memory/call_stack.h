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

  CallStack(const CallStack& other) { *this = other; }
  // One by one up to the first null: a wide load would wait for the stores of who made it.
  CallStack& operator=(const CallStack& other) {
    for (std::size_t i = 0; i < max_depth; ++i) {
      pcs[i] = other.pcs[i];
      if (pcs[i] == nullptr) break;
    }
    return *this;
  }

  const void* pc() const { return pcs[0]; }

  std::array<const void*, max_depth> pcs{};  // a null after the last
};

}  // namespace aiosim::memory
