// Stacks of simulated threads: guarded, pooled, never unwound.
#pragma once

#include <cstddef>
#include <cstdint>

#include "memory/layout.h"

namespace aiosim::runtime {

struct Stack {
  char* low = nullptr;  // first usable byte; the guard lies below
  char* top = nullptr;  // one past the last
};

using memory::stack_size;
using memory::stack_stride;
using memory::stacks_address;
inline constexpr std::size_t guard_size = stack_stride - stack_size;

/// Maps stack number `index` of the process (each simulated thread id has its own). The address is
/// the same in every process, so that nothing that code under test computes from it can differ.
Stack map_stack(unsigned index);

/// Does `address` lie in some mapped stack or its guard?
inline bool in_stack(const void* address) {
  return reinterpret_cast<std::uintptr_t>(address) - stacks_address < memory::stacks_bytes;
}

/// Where in the stacks `address` lies, which is in_stack().
struct StackPlace {
  std::uint32_t stack;   // number
  std::uint32_t offset;  // from the begin of its guard
};
inline StackPlace place_in_stack(const void* address) {
  const std::uintptr_t at = reinterpret_cast<std::uintptr_t>(address) - stacks_address;
  return {static_cast<std::uint32_t>(at / stack_stride),
          static_cast<std::uint32_t>(at % stack_stride)};
}

/// Does `address` lie in the guard of some mapped stack?
bool in_stack_guard(const void* address);

}  // namespace aiosim::runtime
