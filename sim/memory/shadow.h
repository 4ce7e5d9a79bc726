// Shadow memory: what is known of each eight bytes that code under test touched in this run.
//
// A cell holds the plain accesses that a later one could still race with, and leads to the atomic
// locations inside its bytes. The cells of stacks and heap (layout.h) are one table; those of
// statics and of the host's memory live in pages of 4 KiB of memory each, found by a hash table
// with a small cache in front. Everything carries the run's number, so that a new run starts by
// counting up. Nothing is allocated once a page has been touched by an earlier run.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "memory/layout.h"
#include "memory/pool.h"

namespace aiosim::memory {

/// A plain access. Its bytes are those of the cell that no later access has taken the place of.
/// Two words, so that it is written, compared and copied by whole registers.
struct Access {
  static constexpr unsigned thread_shift = 32;
  static constexpr unsigned bytes_shift = 40;
  static constexpr unsigned write_shift = 48;
  static constexpr unsigned size_shift = 56;
  static constexpr std::uint64_t bytes_mask = std::uint64_t{0xff} << bytes_shift;
  static constexpr std::uint64_t write_mask = std::uint64_t{1} << write_shift;
  static constexpr std::uint64_t who_mask = (std::uint64_t{1} << bytes_shift) - 1;

  const void* pc;
  std::uint64_t word;  // 0 is none: epochs count from 1

  /// `size` is that of the whole access, 0 if it was a range.
  [[gnu::always_inline]] static Access of(const void* pc, std::uint32_t thread,
                                          std::uint32_t epoch, std::uint8_t bytes, bool write,
                                          std::size_t size) {
    return {pc, std::uint64_t{thread} << thread_shift | epoch |
                    std::uint64_t{bytes} << bytes_shift | std::uint64_t{write} << write_shift |
                    std::uint64_t{size} << size_shift};
  }

  std::uint32_t epoch() const { return static_cast<std::uint32_t>(word); }
  std::uint8_t thread() const { return static_cast<std::uint8_t>(word >> thread_shift); }
  std::uint8_t bytes() const { return static_cast<std::uint8_t>(word >> bytes_shift); }
  bool write() const { return (word >> write_shift & 1) != 0; }
  std::uint8_t size() const { return static_cast<std::uint8_t>(word >> size_shift); }
  void drop(std::uint8_t bytes) { word &= ~(std::uint64_t{bytes} << bytes_shift); }
  /// Was it the same thread, since its last operation, and did it the same or more?
  bool includes(const Access& other) const {
    const std::uint64_t what = other.word & (bytes_mask | write_mask);
    return ((word ^ other.word) & who_mask) == 0 && (~word & what) == 0;
  }
};

struct alignas(64) Cell {
  static constexpr std::uint16_t inline_accesses = 3;

  std::uint32_t run;
  std::uint16_t count;         // of accesses
  std::uint8_t capacity_log2;  // of overflow, 0 if there is none
  std::uint8_t flags;
  std::uint32_t location;  // first atomic location in these bytes; the block if freed; 0 if none
  std::uint32_t overflow;  // first of `capacity` further accesses
  std::array<Access, inline_accesses> accesses;

  // `flags`: of the cell's last bytes, how many lie outside of every block; and these.
  static constexpr std::uint8_t red_mask = 0xf;
  static constexpr std::uint8_t freed_flag = 0x10;
  static constexpr std::uint8_t covered_flag = 0x20;  // by a 16 byte location of the cell before

  // Few stores, when the compiler has put them together.
  [[gnu::always_inline]] void start(std::uint32_t in_run, std::uint32_t of_block = 0,
                                    std::uint8_t with_flags = 0) {
    run = in_run;
    count = 0;
    capacity_log2 = 0;
    flags = with_flags;
    location = of_block;
    overflow = 0;
    accesses[0].word = 0;
  }

  bool freed() const { return (flags & freed_flag) != 0; }
  bool covered() const { return (flags & covered_flag) != 0; }
  bool poisoned() const { return (flags & (freed_flag | red_mask)) != 0; }
  /// Nothing but plain accesses is known of it.
  bool is_plain() const { return location == 0 && flags == 0; }
  /// The bytes that nobody may touch, by bit.
  std::uint8_t poison() const {
    return freed() ? std::uint8_t{0xff} : static_cast<std::uint8_t>(0xff00U >> (flags & red_mask));
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

  /// The bytes that an access takes of its cell, which it does not leave.
  static std::uint8_t part_of(std::uintptr_t at, std::size_t size) {
    return static_cast<std::uint8_t>(((1U << size) - 1) << at % cell_bytes);
  }

  Shadow();
  ~Shadow();
  Shadow(const Shadow&) = delete;
  Shadow& operator=(const Shadow&) = delete;

  void reset();
  std::uint32_t run() const { return run_; }

  /// The cell of an address in [direct_address, direct_address + direct_bytes), as it was left,
  /// maybe by an earlier run.
  [[gnu::always_inline]] Cell& direct(std::uintptr_t offset) {
    return direct_[offset / cell_bytes];
  }

  Cell& cell(std::uintptr_t address) {
    const std::uintptr_t offset = address - direct_address;
    Cell& cell = offset < direct_bytes ? direct(offset) : far(address);
    if (cell.run != run_) [[unlikely]]
      cell.start(run_);
    return cell;
  }

  /// Calls visit(Cell&) for each cell of a range, as an earlier run may have left it.
  template <class Visit>
  [[gnu::always_inline]] void each(std::uintptr_t at, std::size_t size, Visit visit) {
    const std::uintptr_t offset = at - direct_address;
    if (offset < direct_bytes && size <= direct_bytes - offset) [[likely]] {
      Cell* const end = &direct(offset + size + cell_bytes - 1);
      for (Cell* cell = &direct(offset); cell != end; ++cell) visit(*cell);
    } else {
      const std::uintptr_t end = at + size;
      for (at -= at % cell_bytes; at < end; at += cell_bytes) visit(cell(at));
    }
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
    if (cell.count == 0) cell.accesses[0].word = 0;
  }

 private:
  static constexpr std::uintptr_t page_shift = 12;
  static constexpr std::uintptr_t cells_per_page = (1U << page_shift) / cell_bytes;
  static constexpr std::uintptr_t cache_shift = 7;
  static constexpr std::size_t pages_per_mapping = 32;

  struct alignas(64) Page {
    std::uintptr_t number;
    std::array<Cell, cells_per_page> cells;
  };
  struct Cached {
    std::uintptr_t number = 0;
    Page* page = nullptr;
  };

  Cell& far(std::uintptr_t address) {
    const std::uintptr_t number = address >> page_shift;
    Cached& cached = cache_[(number ^ (number >> cache_shift)) & (cache_.size() - 1)];
    if (cached.number != number) [[unlikely]]
      cached = {number, &page(number)};
    return cached.page->cells[(address / cell_bytes) % cells_per_page];
  }
  Page& page(std::uintptr_t number);
  Page*& slot(std::uintptr_t number);
  Page* new_page(std::uintptr_t number);
  void grow_table();
  void grow_overflow(Cell& cell);

  std::uint32_t run_ = 0;
  Cell* direct_;
  std::array<Cached, 1U << cache_shift> cache_{};
  std::size_t capacity_ = 4096;  // of the table
  Page** table_;
  std::size_t pages_ = 0;
  Page* fresh_ = nullptr;  // pages mapped and not yet used
  std::size_t fresh_count_ = 0;
  Pool<Page*> mappings_;
  Pool<Access> overflow_;
};

}  // namespace aiosim::memory
