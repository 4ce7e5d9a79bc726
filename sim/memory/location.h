// Atomic locations: the address and size that an atomic operation named, found by the shadow.
#pragma once

#include <array>
#include <cstdint>

#include "memory/pool.h"
#include "memory/shadow.h"
#include "memory/vector_clock.h"

namespace aiosim::memory {

struct Store;

struct Location {
  /// A thread's last atomic accesses: a plain access must be ordered after them. Only the entries
  /// of the threads in `readers` and `writers` mean anything.
  struct Last {
    const void* read_pc;
    const void* write_pc;
    std::uint32_t read;
    std::uint32_t write;
  };

  std::uintptr_t address;
  Store* newest;  // null: no history, the value in memory is all there is
  Store* oldest;
  std::uint32_t next;     // in the same cell
  std::uint32_t ordinal;  // by first use in the run
  std::uint32_t depth;    // stores in the history
  std::uint32_t readers;  // threads, since the last plain write
  std::uint32_t writers;
  /// Threads that all plain accesses in these cells happen before; none if it is overlapped.
  std::uint32_t after_all_else;
  std::uint8_t size;
  bool overlapped;  // another location shares bytes with this one
  std::array<Last, max_threads> last;

  bool overlaps(std::uintptr_t at, std::size_t bytes) const {
    return at < address + size && address < at + bytes;
  }
};

class Locations {
 public:
  explicit Locations(Shadow& shadow) : shadow_(shadow) {}

  void reset() {
    pool_.reset();
    ordinals_ = 0;
  }

  /// The location; a new one if the run has not seen it. `cell` is that of `at`, and not freed.
  Location& find(Cell& cell, std::uintptr_t at, unsigned size) {
    for (std::uint32_t i = cell.location; i != 0; i = pool_[i].next) {
      if (pool_[i].address == at && pool_[i].size == size) return pool_[i];
    }
    return create(cell, at, size);
  }

  /// Calls visit(Location&) for each location that has bytes in `cell`.
  template <class Visit>
  void each(const Cell& cell, Visit visit) {
    if (cell.freed()) return;
    for (std::uint32_t i = cell.location; i != 0; i = pool_[i].next) visit(pool_[i]);
    if (!cell.covered()) return;
    const Cell& before = (&cell)[-1];  // of the same page: the location is aligned to 16 bytes
    if (before.run != shadow_.run() || before.freed()) return;
    for (std::uint32_t i = before.location; i != 0; i = pool_[i].next) {
      if (pool_[i].size > Shadow::cell_bytes) visit(pool_[i]);
    }
  }

  /// Calls visit(Location&) for each other location that shares bytes with `location`.
  template <class Visit>
  void each_overlapping(const Location& location, Visit visit) {
    const auto others = [&](Location& other) {
      if (&other != &location && other.overlaps(location.address, location.size)) visit(other);
    };
    each(shadow_.cell(location.address), others);
    if (location.size > Shadow::cell_bytes) {
      const Cell& second = shadow_.cell(location.address + Shadow::cell_bytes);
      each(second, [&](Location& other) {
        if (other.address != location.address) others(other);
      });
    }
  }

 private:
  Location& create(Cell& cell, std::uintptr_t at, unsigned size);

  Shadow& shadow_;
  Pool<Location> pool_;
  std::uint32_t ordinals_ = 0;
};

}  // namespace aiosim::memory
