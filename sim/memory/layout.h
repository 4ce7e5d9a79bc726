// Where in the address space the worlds of a process live: control blocks, stacks, and the heap.
//
// The same addresses in every process, between the usual places of programs, libraries and stacks
// on x86-64 Linux. They are close together so that the shadow of both is one table.
#pragma once

#include <cstddef>
#include <cstdint>

#include "memory/vector_clock.h"

namespace aiosim::memory {

inline constexpr std::uintptr_t heap_address = 0x100000000000;
inline constexpr std::size_t heap_bytes = std::size_t{1} << 30;

/// A thread's stack lies at the upper end of its stride; what is below is guarded.
inline constexpr unsigned stack_shift = 19;
inline constexpr std::size_t stack_stride = std::size_t{1} << stack_shift;
inline constexpr std::size_t stack_size = 256 * 1024;
inline constexpr std::size_t stacks_bytes = max_threads * stack_stride;
inline constexpr std::size_t stacks_gap = 4096;  // between the last stack and the heap
inline constexpr std::uintptr_t stacks_address = heap_address - stacks_gap - stacks_bytes;

/// Of the pthreads whose control blocks threads borrow: pthread_self() is an address in here.
inline constexpr std::size_t control_block_stride = 64 * 1024;
inline constexpr std::size_t control_blocks_bytes = max_threads * control_block_stride;
inline constexpr std::uintptr_t control_blocks_address = stacks_address - control_blocks_bytes;

/// What has its shadow in one table: all stacks, and what nearly every run uses of the heap.
inline constexpr std::uintptr_t direct_address = stacks_address;
inline constexpr std::size_t direct_bytes = stacks_bytes + stacks_gap + (std::size_t{64} << 20);

}  // namespace aiosim::memory
