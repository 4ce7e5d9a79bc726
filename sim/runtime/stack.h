// Stacks of simulated threads: guarded, pooled, never unwound.
#pragma once

#include <cstddef>

namespace aiosim::runtime {

struct Stack {
  char* low = nullptr;  // first usable byte; the guard page lies below
  char* top = nullptr;  // one past the last
};

inline constexpr std::size_t stack_size = 256 * 1024;
inline constexpr std::size_t guard_size = 4096;

/// Maps stack number `index` of the process (each simulated thread id has its own). The address is
/// the same in every process, so that nothing that code under test computes from it can differ.
Stack map_stack(unsigned index);

/// Does `address` lie in some mapped stack or its guard?
bool in_stack(const void* address);

/// Does `address` lie in the guard of some mapped stack?
bool in_stack_guard(const void* address);

}  // namespace aiosim::runtime
