// Data races, uses of freed memory, and accesses beyond a block.
//
// Two accesses race if they share a byte, one writes, not both are atomic operations of one size at
// one place, and neither happens before the other. Exact: for every byte the accesses are kept that
// a later one could still race with, and an access is dropped only for a later one that it happens
// before and that conflicts with everything it conflicts with. The first race of a run ends it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "memory/blocks.h"
#include "memory/location.h"
#include "memory/memory.h"
#include "memory/shadow.h"
#include "memory/store_history.h"
#include "memory/thread_view.h"

namespace aiosim::memory {

/// A read that saw another thread's store without synchronising: what a report names as the edge
/// that is missing.
struct LooseRead {
  std::uint32_t run = 0;
  std::uint32_t epoch = 0;  // of the store
  std::uint32_t ordinal = 0;
  std::uint8_t store_order = 0;
  std::uint8_t load_order = 0;
  const void* store_pc = nullptr;
  const void* load_pc = nullptr;
};

struct Accessor {
  std::uint32_t thread;
  const ThreadView& view;
  const void* pc;
};

class RaceDetector {
 public:
  RaceDetector(ChoiceSource& choices, Shadow& shadow, Locations& locations, StoreHistory& history)
      : choices_(choices), shadow_(shadow), locations_(locations), history_(history) {}

  void reset() { blocks_.reset(shadow_.run()); }

  void plain(const Accessor& by, std::uintptr_t at, std::size_t size, bool write);

  /// plain() where nobody but this thread accessed the bytes: then there is nothing to check. Else
  /// false, and nothing is done.
  [[gnu::always_inline]] bool plain_of_one(const Accessor& by, std::uintptr_t at, std::size_t size,
                                           bool write) {
    const std::uintptr_t offset = at % Shadow::cell_bytes;
    if (offset + size > Shadow::cell_bytes || size == 0) return false;
    const auto bytes = static_cast<std::uint8_t>(((1U << size) - 1) << offset);
    Cell& cell = shadow_.cell(at);
    return repeats(cell, by, bytes, write) || replaces(cell, by, bytes, size, write) ||
           adds(cell, by, bytes, size, write);
  }

  /// Cell of an atomic access; ends the run if it is freed memory or misaligned.
  Cell& atomic_cell(const Accessor& by, std::uintptr_t at, unsigned size, const char* what);
  /// Checks an atomic access against plain ones, and keeps it for plain ones to come.
  void atomic(const Accessor& by, Cell& cell, Location& location, bool write) {
    if ((location.after_plain >> by.thread & 1) == 0) {
      check_against_plain(by, cell, location, write);
    }
    if (location.overlapped) [[unlikely]]
      against_overlapping(by, location, write);
    Location::Last& last = location.last[by.thread];
    const std::uint32_t me = 1U << by.thread;
    // A write conflicts with all that a read conflicts with.
    if (write) {
      last.write = by.view.clock[by.thread];
      last.write_pc = by.pc;
      location.writers |= me;
      location.readers &= ~me;
    } else {
      last.read = by.view.clock[by.thread];
      last.read_pc = by.pc;
      location.readers |= me;
    }
  }

  void loose_read(std::uint32_t reader, int order, const Location& location, const Store& store,
                  const void* pc) {
    loose_reads_[reader][store.thread] = {
        shadow_.run(), store.epoch, location.ordinal, store.order, static_cast<std::uint8_t>(order),
        store.pc,      pc};
  }

  void allocated(const Accessor& by, std::uintptr_t at, std::size_t size, const CallStack& stack) {
    blocks_.allocated(at, size, by.thread, stack);
  }
  /// Any access from now on is a use after free. `checked`: to free is to write to all of it.
  void poison(const Accessor& by, std::uintptr_t at, std::size_t size, const CallStack& stack,
              bool checked);
  /// Any access from now on is out of bounds. The range ends with a cell.
  void red_zone(std::uintptr_t at, std::size_t size);
  /// Lines for a text: where `at` lies, with the stacks of the block's allocation and free.
  std::string describe_block(std::uintptr_t at);
  std::string describe_allocation(std::uintptr_t at);

 private:
  struct Whole {  // the access that a cell's part belongs to
    std::uintptr_t at;
    std::size_t size;
    bool write;
  };

  /// Ends the run if an access to `bytes` of a poisoned cell is not allowed.
  void check_poison(const Accessor& by, const Cell& cell, std::uint8_t bytes, std::uintptr_t at,
                    std::size_t size, const char* what);
  void check_against_plain(const Accessor& by, Cell& cell, Location& location, bool write);
  /// Are all plain accesses in the cell ordered? Ends the run for one that races.
  bool check_cell(const Accessor& by, Cell& cell, std::uint32_t bytes, const Location& location,
                  bool write);
  void plain_range(const Accessor& by, std::uintptr_t at, std::size_t size, bool write);
  void plain_cell(const Accessor& by, Cell& cell, std::uint8_t bytes, const Whole& whole);
  /// An atomic of another size, or at another place, that shares bytes with `location`.
  void against_overlapping(const Accessor& by, const Location& location, bool write);
  void plain_against_atomics(const Accessor& by, const Cell& cell, std::uint8_t bytes,
                             const Whole& whole);

  // Part by part: a copy of a whole one waits for the parts to be in memory.
  static void note(Access& place, const Accessor& by, std::uint8_t bytes, bool write,
                   std::uint8_t size) {
    place.pc = by.pc;
    place.epoch = by.view.clock[by.thread];
    place.thread = static_cast<std::uint8_t>(by.thread);
    place.bytes = bytes;
    place.write = write;
    place.size = size;
  }

  /// Did this thread the same, or more, since its last operation? Then nobody else ran.
  [[gnu::always_inline]] bool repeats(const Cell& cell, const Accessor& by, std::uint8_t bytes,
                                      bool write) const {
    const std::uint32_t epoch = by.view.clock[by.thread];
    const std::uint32_t count = std::min(cell.count, Cell::inline_accesses);
    for (std::uint32_t i = 0; i < count; ++i) {
      const Access& access = cell.accesses[i];
      if (access.epoch == epoch && access.thread == by.thread && (access.bytes & bytes) == bytes &&
          (access.write || !write)) {
        return true;
      }
    }
    return false;
  }

  /// The common case: only this thread was here, with few accesses to these bytes. Keeps this one.
  bool replaces(Cell& cell, const Accessor& by, std::uint8_t bytes, std::size_t size,
                bool write) const {
    if (cell.count >= Cell::inline_accesses || cell.location != 0 || cell.covered ||
        cell.poisoned()) {
      return false;
    }
    std::uint16_t reads_from = 0;  // past the writes, which a read leaves as they are
    for (std::uint16_t i = 0; i < cell.count; ++i) {
      const Access& access = cell.accesses[i];
      if (access.thread != by.thread || (access.bytes & ~bytes) != 0) return false;
      if (access.write) reads_from = static_cast<std::uint16_t>(i + 1);
    }
    const std::uint16_t place = write ? std::uint16_t{0} : reads_from;
    note(cell.accesses[place], by, bytes, write, static_cast<std::uint8_t>(size));
    // It takes the place of all from there on.
    cell.count = static_cast<std::uint16_t>(place + 1);
    return true;
  }

  /// The neighbours of the first bytes of a cell: nobody accessed these before.
  bool adds(Cell& cell, const Accessor& by, std::uint8_t bytes, std::size_t size,
            bool write) const {
    if (cell.count >= Cell::inline_accesses || cell.location != 0 || cell.covered ||
        (cell.poison() & bytes) != 0) {
      return false;
    }
    for (std::uint16_t i = 0; i < cell.count; ++i) {
      if ((cell.accesses[i].bytes & bytes) != 0) return false;
    }
    note(cell.accesses[cell.count], by, bytes, write, static_cast<std::uint8_t>(size));
    ++cell.count;
    return true;
  }

  struct Party {  // of a report
    std::uint32_t thread;
    std::uint32_t epoch;
    bool write;
    bool atomic;
    std::size_t size;  // 0 if not known
    const void* pc;
  };
  [[noreturn]] void race(const Accessor& by, const Party& now, const Party& before,
                         std::uintptr_t at);
  [[noreturn]] void use_after_free(const Accessor& by, const Cell& cell, std::uintptr_t at,
                                   std::size_t size, const char* what);
  [[noreturn]] void out_of_bounds(const Accessor& by, std::uintptr_t at, std::size_t size,
                                  const char* what);
  std::string describe(const Party& party, const char* verb_form);
  std::string missing_edge(const Accessor& by, const Party& before);
  std::string ends(const char* word, std::uint32_t thread, const CallStack& stack);
  std::string allocation(const Block& block);
  std::string release(const Block& block);
  std::string lines(const CallStack& stack);

  ChoiceSource& choices_;
  Shadow& shadow_;
  Locations& locations_;
  StoreHistory& history_;
  Blocks blocks_;
  std::array<std::array<LooseRead, max_threads>, max_threads> loose_reads_{};
};

}  // namespace aiosim::memory
