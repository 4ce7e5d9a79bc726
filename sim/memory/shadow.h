// Shadow memory: what is known of each eight bytes that code under test touched in this run.
//
// A cell holds the plain accesses that a later one could still race with, and leads to the atomic
// locations inside its bytes. Cells live in pages of 4 KiB of memory each, found by a hash table
// with a small cache in front. Everything carries the run's number, so that a new run starts by
// counting up. Nothing is allocated once a page has been touched by an earlier run.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "memory/pool.h"

namespace aiosim::memory {

/// A plain access. `bytes` are those of the cell that no later access has taken the place of.
struct Access {
  const void* pc;
  std::uint32_t epoch;
  std::uint8_t thread;
  std::uint8_t bytes;
  bool write;
  std::uint8_t size;  // of the whole access, 0 if it was a range
};

struct alignas(64) Cell {
  static constexpr std::uint16_t inline_accesses = 3;

  std::uint32_t run;
  std::uint32_t location;  // first atomic location in these bytes; the block if freed; 0 if none
  std::uint32_t overflow;  // first of `capacity` further accesses
  std::uint16_t count;     // of accesses
  std::uint8_t capacity_log2;  // of overflow, 0 if there is none
  bool covered : 1;            // by a 16 byte location that starts in the cell before
  bool freed : 1;
  std::uint8_t red : 4;  // of the cell's last bytes, how many lie outside of every block
  std::array<Access, inline_accesses> accesses;

  void start(std::uint32_t in_run) {
    run = in_run;
    location = 0;
    overflow = 0;
    count = 0;
    capacity_log2 = 0;
    covered = false;
    freed = false;
    red = 0;
  }

  bool poisoned() const { return freed || red != 0; }
  /// The bytes that nobody may touch, by bit.
  std::uint8_t poison() const {
    return freed ? std::uint8_t{0xff} : static_cast<std::uint8_t>(0xff00U >> red);
  }
};
static_assert(sizeof(Cell) == 64);

class Shadow {
 public:
  static constexpr std::uintptr_t cell_bytes = 8;

  /// The bytes that an aligned access takes of its first cell, by bit.
  static std::uint8_t bytes_of(std::uintptr_t at, std::size_t size) {
    return size >= cell_bytes ? std::uint8_t{0xff}
                              : static_cast<std::uint8_t>(((1U << size) - 1) << at % cell_bytes);
  }

  Shadow();
  ~Shadow();
  Shadow(const Shadow&) = delete;
  Shadow& operator=(const Shadow&) = delete;

  void reset();
  std::uint32_t run() const { return run_; }

  Cell& cell(std::uintptr_t address) {
    const std::uintptr_t number = address >> page_shift;
    Cached& cached = cache_[(number ^ (number >> cache_shift)) & (cache_.size() - 1)];
    if (cached.number != number || cached.run != run_) [[unlikely]] {
      cached = {number, &touch(number, cached), run_};
    }
    Cell& cell = cached.page->cells[(address / cell_bytes) % cells_per_page];
    if (cell.run != run_) [[unlikely]]
      cell.start(run_);
    return cell;
  }

  Access& access(Cell& cell, std::uint32_t i) {
    return i < Cell::inline_accesses ? cell.accesses[i]
                                     : overflow_[cell.overflow + (i - Cell::inline_accesses)];
  }
  /// Room for another access, to be filled in.
  Access& add(Cell& cell) {
    const std::uint32_t capacity =
        Cell::inline_accesses + (cell.capacity_log2 == 0 ? 0U : 1U << cell.capacity_log2);
    if (cell.count == capacity) [[unlikely]]
      grow_overflow(cell);
    return access(cell, cell.count++);
  }
  void remove(Cell& cell, std::uint32_t i) {
    --cell.count;
    if (i != cell.count) access(cell, i) = access(cell, cell.count);
  }

  /// Forgets the cells that [address, address + size) touches.
  void forget(std::uintptr_t address, std::size_t size);

 private:
  static constexpr std::uintptr_t page_shift = 12;
  static constexpr std::uintptr_t cells_per_page = (1U << page_shift) / cell_bytes;
  static constexpr std::uintptr_t cache_shift = 7;
  static constexpr std::size_t pages_per_mapping = 32;

  struct alignas(64) Page {
    std::uintptr_t number;
    std::uint32_t run;  // that touched it last
    std::array<Cell, cells_per_page> cells;
  };
  struct Cached {
    std::uintptr_t number = 0;
    Page* page = nullptr;
    std::uint32_t run = 0;
  };

  Page& touch(std::uintptr_t number, const Cached& cached);
  Page*& slot(std::uintptr_t number);
  Page* new_page(std::uintptr_t number);
  void grow_table();
  void grow_overflow(Cell& cell);

  std::uint32_t run_ = 0;
  std::array<Cached, 1U << cache_shift> cache_{};
  std::size_t capacity_ = 4096;  // of the table
  Page** table_;
  std::size_t pages_ = 0;
  Page* fresh_ = nullptr;  // pages mapped and not yet used
  std::size_t fresh_count_ = 0;
  Pool<Page*> mappings_;
  Pool<Page*> touched_;  // in this run
  Pool<Access> overflow_;
};

}  // namespace aiosim::memory
