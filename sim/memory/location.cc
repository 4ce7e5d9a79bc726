#include "memory/location.h"

namespace aiosim::memory {

Location& Locations::create(Cell& cell, std::uintptr_t at, unsigned size) {
  const std::uint32_t index = pool_.add();
  Location& location = pool_[index];
  location.address = at;
  location.newest = nullptr;
  location.oldest = nullptr;
  location.next = cell.location;
  location.ordinal = ++ordinals_;
  location.depth = 0;
  location.readers = 0;
  location.writers = 0;
  location.after_all_else = 0;
  location.size = static_cast<std::uint8_t>(size);
  location.overlapped = false;
  cell.location = index;
  cell.atomics |= Shadow::bytes_of(at, size);
  if (size > Shadow::cell_bytes) {
    Cell& second = shadow_.cell(at + Shadow::cell_bytes);
    if (!second.freed()) second.flags |= Cell::covered_flag;
  }
  each_overlapping(location, [&](Location& other) {
    location.overlapped = true;
    other.overlapped = true;
    other.after_all_else = 0;
  });
  return location;
}

}  // namespace aiosim::memory
