// Stacks of simulated threads: guarded, pooled, never unwound.
#pragma once

#include <cstddef>
#include <cstdint>

#include "memory/vector_clock.h"

namespace aiosim::runtime {

struct Stack {
  char* low = nullptr;  // first usable byte; the guard page lies below
  char* top = nullptr;  // one past the last
};

inline constexpr std::size_t stack_size = 256 * 1024;
inline constexpr std::size_t guard_size = 4096;

// Between the usual places of heap, libraries and stack on x86-64 Linux.
inline constexpr std::uintptr_t stacks_address = 0x110000000000;
inline constexpr std::size_t stack_stride = guard_size + stack_size;

/// Maps stack number `index` of the process (each simulated thread id has its own). The address is
/// the same in every process, so that nothing that code under test computes from it can differ.
Stack map_stack(unsigned index);

/// Does `address` lie in some mapped stack or its guard?
inline bool in_stack(const void* address) {
  return reinterpret_cast<std::uintptr_t>(address) - stacks_address <
         memory::max_threads * stack_stride;
}

/// The number of the stack that `address` lies in.
inline std::uint32_t stack_number(const void* address) {
  return static_cast<std::uint32_t>((reinterpret_cast<std::uintptr_t>(address) - stacks_address) /
                                    stack_stride);
}

/// Does `address` lie in the guard of some mapped stack?
bool in_stack_guard(const void* address);

}  // namespace aiosim::runtime
