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
#include <cstring>

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
  static constexpr unsigned who_shift = 64 - bytes_shift;

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
  /// Are its bytes all of the other's?
  bool covers(const Access& other) const { return (~word & other.word & bytes_mask) == 0; }
  /// Was it the same thread, and did it just the same?
  bool is_like(const Access& other) const { return (word ^ other.word) >> thread_shift == 0; }
  /// Was it the same thread, since its last operation?
  bool is_same_time(const Access& other) const { return ((word ^ other.word) << who_shift) == 0; }
  /// Did it the same or more?
  bool includes(const Access& other) const {
    return (~word & other.word & (bytes_mask | write_mask)) == 0;
  }
};

struct alignas(16) CellHead {
  std::uint32_t run = 0;
  std::uint32_t overflow = 0;  // 0, or where their number and the further accesses are
  std::uint16_t count = 0;     // of accesses
  std::uint8_t atomics = 0;    // the bytes that are of some atomic location, by bit
  std::uint8_t flags = 0;
  std::uint32_t location = 0;  // first atomic location in these bytes; the block if freed; or 0
};

struct alignas(64) Cell : CellHead {
  static constexpr std::uint16_t inline_accesses = 3;

  std::array<Access, inline_accesses> accesses;

  // `flags`: of the cell's last bytes, how many lie outside of every block; and these.
  static constexpr std::uint8_t red_mask = 0xf;
  static constexpr std::uint8_t freed_flag = 0x10;
  static constexpr std::uint8_t covered_flag = 0x20;  // by a 16 byte location of the cell before

  /// Nothing is known of it but this.
  [[gnu::always_inline]] void start(const CellHead& head) {
    static_cast<CellHead&>(*this) = head;
    accesses[0].word = 0;
  }

  bool freed() const { return (flags & freed_flag) != 0; }
  bool covered() const { return (flags & covered_flag) != 0; }
  bool poisoned() const { return (flags & (freed_flag | red_mask)) != 0; }
  /// If it is not freed.
  bool has_atomics() const { return location != 0 || covered(); }
  /// Nothing but one plain access is known of it.
  bool has_one_access() const {
    std::uint64_t rest;
    std::memcpy(&rest, &count, sizeof rest);
    return rest == 1;
  }
  /// Nothing but plain accesses is known of these bytes.
  bool is_plain(std::uint64_t bytes) const { return flags == 0 && (atomics & bytes) == 0; }
  /// The bytes that nobody may touch, by bit.
  std::uint8_t poison() const {
    return freed() ? std::uint8_t{0xff} : static_cast<std::uint8_t>(0xff00U >> (flags & red_mask));
  }
};
static_assert(sizeof(Cell) == 64);
static_assert(offsetof(CellHead, location) - offsetof(CellHead, count) == 4);

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
    return size == cell_bytes ? std::uint8_t{0xff}
                              : static_cast<std::uint8_t>(((1U << size) - 1) << at % cell_bytes);
  }

  Shadow();
  ~Shadow();
  Shadow(const Shadow&) = delete;
  Shadow& operator=(const Shadow&) = delete;

  void reset();
  std::uint32_t run() const { return run_; }

  /// Another one once what was known of the locations of some cell does not hold: with each run,
  /// and when memory with locations in it is freed. The low bits are free for a size.
  std::uint64_t locations_stamp() const { return locations_stamp_; }
  void forget_locations() { locations_stamp_ += stamp_step; }

  /// The cell of an address in [direct_address, direct_address + direct_bytes), as it was left,
  /// maybe by an earlier run.
  [[gnu::always_inline]] Cell& direct(std::uintptr_t offset) {
    return direct_[offset / cell_bytes];
  }

  Cell& cell(std::uintptr_t address) {
    const std::uintptr_t offset = address - direct_address;
    Cell& cell = offset < direct_bytes ? direct(offset) : far(address);
    if (cell.run != run_) [[unlikely]]
      cell.start({.run = run_});
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
                                     : overflow_[cell.overflow + 1 + (i - Cell::inline_accesses)];
  }
  /// Room for another access, to be filled in.
  Access& add(Cell& cell) {
    if (cell.count >= Cell::inline_accesses && cell.count == Cell::inline_accesses + further(cell))
        [[unlikely]] {
      grow_overflow(cell);
    }
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
  static constexpr std::uint64_t stamp_step = 32;

  struct alignas(64) Page {
    std::uintptr_t number;
    std::array<Cell, cells_per_page> cells;
  };
  struct Cached {
    std::uintptr_t number = ~std::uintptr_t{0};  // no page's: that of a null pointer is 0
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
  /// Room for accesses beside the cell.
  std::uint32_t further(const Cell& cell) const {
    return cell.overflow == 0 ? 0U : static_cast<std::uint32_t>(overflow_[cell.overflow].word);
  }

  std::uint32_t run_ = 0;
  std::uint64_t locations_stamp_ = 0;
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
