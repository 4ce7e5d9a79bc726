// The heap blocks of a run: who allocated and freed them, for the texts of verdicts.
#pragma once

#include <cstdint>

#include "memory/call_stack.h"
#include "memory/pool.h"
#include "memory/run_table.h"

namespace aiosim::memory {

struct Block {
  std::uintptr_t address;
  std::size_t size;
  CallStack allocated_at;
  CallStack freed_at;
  std::uint32_t allocated_by;
  std::uint32_t freed_by;
  bool allocated;  // its allocation was seen
  bool freed;

  bool holds(std::uintptr_t at) const { return at >= address && at < address + size; }
  /// Bytes from the block to `at`, from 1 after its last byte or before its first one.
  std::uintptr_t distance(std::uintptr_t at) const {
    return at < address ? address - at : at < address + size ? 0 : at - (address + size) + 1;
  }
};

class Blocks {
 public:
  void reset(std::uint32_t run) {
    pool_.reset();
    by_address_.reset(run);
  }

  Block& allocated(std::uintptr_t at, std::size_t size, std::uint32_t thread,
                   const CallStack& stack) {
    Block& block = pool_[add(at, size)];
    block.allocated = true;
    block.allocated_by = thread;
    block.allocated_at = stack;
    return block;
  }

  /// The index of the block, made up if its allocation was not seen.
  std::uint32_t index_of(std::uintptr_t at, std::size_t size) {
    const std::uint32_t index = by_address_.find(at);
    return index != 0 ? index : add(at, size);
  }
  void freed(std::uint32_t index, std::uint32_t thread, const CallStack& stack) {
    Block& block = pool_[index];
    block.freed = true;
    block.freed_by = thread;
    block.freed_at = stack;
  }

  const Block& operator[](std::uint32_t index) const { return pool_[index]; }

  /// The block at this very address, or null.
  const Block* at(std::uintptr_t address) const {
    const std::uint32_t index = by_address_.find(address);
    return index == 0 ? nullptr : &pool_[index];
  }

  /// The block that holds `at`, or null. Slow: for texts.
  const Block* find(std::uintptr_t at) const {
    for (std::uint32_t i = pool_.end(); i-- > 1;) {
      if (pool_[i].holds(at)) return &pool_[i];
    }
    return nullptr;
  }

  /// The block whose bounds are least far from `at`, which no block holds; or null. Slow, too.
  const Block* nearest(std::uintptr_t at) const {
    const Block* best = nullptr;
    for (std::uint32_t i = pool_.end(); i-- > 1;) {
      if (best == nullptr || pool_[i].distance(at) < best->distance(at)) best = &pool_[i];
    }
    return best;
  }

 private:
  std::uint32_t add(std::uintptr_t at, std::size_t size) {
    const std::uint32_t index = pool_.add();
    pool_[index] = {at, size, {}, {}, 0, 0, false, false};
    by_address_.set(at, index);
    return index;
  }

  Pool<Block> pool_;
  RunTable by_address_;
};

}  // namespace aiosim::memory
