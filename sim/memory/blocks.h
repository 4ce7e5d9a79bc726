// The heap blocks of a run: who allocated and freed them, for the texts of verdicts.
#pragma once

#include <cstdint>

#include "memory/pool.h"
#include "memory/run_table.h"

namespace aiosim::memory {

struct Block {
  std::uintptr_t address;
  std::size_t size;
  const void* allocated_pc;
  const void* freed_pc;
  std::uint32_t allocated_by;
  std::uint32_t freed_by;
  bool allocated;  // its allocation was seen
  bool freed;

  bool holds(std::uintptr_t at) const { return at >= address && at < address + size; }
};

class Blocks {
 public:
  void reset(std::uint32_t run) {
    pool_.reset();
    by_address_.reset(run);
  }

  Block& allocated(std::uintptr_t at, std::size_t size, std::uint32_t thread, const void* pc) {
    Block& block = pool_[add(at, size)];
    block.allocated = true;
    block.allocated_by = thread;
    block.allocated_pc = pc;
    return block;
  }

  /// The index of the block, made up if its allocation was not seen.
  std::uint32_t freed(std::uintptr_t at, std::size_t size, std::uint32_t thread, const void* pc) {
    std::uint32_t index = by_address_.find(at);
    if (index == 0) index = add(at, size);
    Block& block = pool_[index];
    block.freed = true;
    block.freed_by = thread;
    block.freed_pc = pc;
    return index;
  }

  const Block& operator[](std::uint32_t index) const { return pool_[index]; }

  /// The block that holds `at`, or null. Slow: for texts.
  const Block* find(std::uintptr_t at) const {
    for (std::uint32_t i = pool_.end(); i-- > 1;) {
      if (pool_[i].holds(at)) return &pool_[i];
    }
    return nullptr;
  }

 private:
  std::uint32_t add(std::uintptr_t at, std::size_t size) {
    const std::uint32_t index = pool_.add();
    pool_[index] = {at, size, nullptr, nullptr, 0, 0, false, false};
    by_address_.set(at, index);
    return index;
  }

  Pool<Block> pool_;
  RunTable by_address_;
};

}  // namespace aiosim::memory
