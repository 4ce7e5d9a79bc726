#include "memory/shadow.h"

#include "aiosim/choice.h"

namespace aiosim::memory {

namespace {

constexpr std::size_t direct_cells = direct_bytes / Shadow::cell_bytes;

}  // namespace

Shadow::Shadow()
    : direct_(static_cast<Cell*>(map_pages(direct_cells * sizeof(Cell)))),
      table_(static_cast<Page**>(map_pages(capacity_ * sizeof(Page*)))) {
  reset();
}

Shadow::~Shadow() {
  for (std::uint32_t i = 1; i < mappings_.end(); ++i) {
    unmap_pages(mappings_[i], pages_per_mapping * sizeof(Page));
  }
  unmap_pages(table_, capacity_ * sizeof(Page*));
  unmap_pages(direct_, direct_cells * sizeof(Cell));
}

void Shadow::reset() {
  forget_locations();
  if (++run_ == 0) {
    // Run numbers have come round: stamps of 2^32 runs ago would pass for ours.
    for (std::size_t i = 0; i < capacity_; ++i) {
      if (table_[i] == nullptr) continue;
      for (Cell& cell : table_[i]->cells) cell.run = 0;
    }
    unmap_pages(direct_, direct_cells * sizeof(Cell));
    direct_ = static_cast<Cell*>(map_pages(direct_cells * sizeof(Cell)));
    run_ = 1;
  }
  overflow_.reset();
}

Shadow::Page*& Shadow::slot(std::uintptr_t number) {
  std::size_t at = mix64(number) & (capacity_ - 1);
  while (table_[at] != nullptr && table_[at]->number != number) at = (at + 1) & (capacity_ - 1);
  return table_[at];
}

Shadow::Page& Shadow::page(std::uintptr_t number) {
  Page* const known = slot(number);
  return known != nullptr ? *known : *new_page(number);
}

Shadow::Page* Shadow::new_page(std::uintptr_t number) {
  if (pages_ * 2 >= capacity_) grow_table();
  if (fresh_count_ == 0) {
    fresh_ = static_cast<Page*>(map_pages(pages_per_mapping * sizeof(Page)));
    fresh_count_ = pages_per_mapping;
    mappings_[mappings_.add()] = fresh_;
  }
  Page* const page = fresh_++;
  --fresh_count_;
  ++pages_;
  page->number = number;
  slot(number) = page;
  return page;
}

void Shadow::grow_table() {
  Page** const old = table_;
  const std::size_t old_capacity = capacity_;
  capacity_ *= 2;
  table_ = static_cast<Page**>(map_pages(capacity_ * sizeof(Page*)));
  for (std::size_t i = 0; i < old_capacity; ++i) {
    if (old[i] != nullptr) slot(old[i]->number) = old[i];
  }
  unmap_pages(old, old_capacity * sizeof(Page*));
}

// Bounded: a byte keeps at most one read and one write of each thread, a cell so 8 * 2 * 32.
void Shadow::grow_overflow(Cell& cell) {
  const std::uint32_t old = cell.overflow;
  const std::uint32_t old_count = further(cell);
  const std::uint32_t count = old_count == 0 ? 8 : old_count * 2;
  cell.overflow = overflow_.add_array(count + 1);
  overflow_[cell.overflow].word = count;
  for (std::uint32_t i = 1; i <= old_count; ++i) overflow_[cell.overflow + i] = overflow_[old + i];
}

}  // namespace aiosim::memory
