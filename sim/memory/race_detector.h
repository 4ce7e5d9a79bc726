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
  ThreadView& view;
  const void* pc;
};

class RaceDetector {
 public:
  RaceDetector(ChoiceSource& choices, Shadow& shadow, Locations& locations, StoreHistory& history)
      : choices_(choices), shadow_(shadow), locations_(locations), history_(history) {}

  void reset() { blocks_.reset(shadow_.run()); }

  void plain(const Accessor& by, std::uintptr_t at, std::size_t size, bool write);
  /// The same within one cell, where settles() did not say yes.
  void plain_in_cell(const Accessor& by, Cell& cell, std::uintptr_t at, std::size_t size,
                     bool write) {
    plain_cell(by, cell, Shadow::part_of(at, size), {at, size, write});
  }

  /// plain() where nothing is to be checked: nobody was here in this run, or this thread did as
  /// much since its last operation. Else false, and nothing is done. The cell may be as an earlier
  /// run left it.
  [[gnu::always_inline]] static bool plain_at_once(Cell& cell, std::uint32_t run,
                                                   const Access& access) {
    if (cell.run != run) {
      static_cast<CellHead&>(cell) = {.run = run, .count = 1};
      cell.accesses[0] = access;
      return true;
    }
    Access& first = cell.accesses[0];
    if (first.is_same_time(access)) return first.includes(access);
    // What raced with that would race with this, and it is all there is.
    if (!first.is_like(access) || !cell.has_one_access()) return false;
    first = access;
    return true;
  }

  /// settles() where it is one of three: a write to all that was accessed, a read where the last
  /// access was the same by this thread, a read after a write. Else false, and nothing is done.
  [[gnu::always_inline]] static bool settles_simply(Cell& cell, const VectorClock& clock,
                                                    const Access& now) {
    if (!cell.is_plain(now.bytes()) || cell.count - 1U >= Cell::inline_accesses) return false;
    const auto is_ordered = [&clock](const Access& access) {
      return access.epoch() <= clock[access.thread()];
    };
    Access* const first = cell.accesses.data();
    Access* const last = first + cell.count - 1;
    if (now.write()) {
      for (const Access* access = first; access <= last; ++access) {
        if (!now.covers(*access) || !is_ordered(*access)) return false;
      }
      cell.count = 1;
      *first = now;
      return true;
    }
    // A write that came after that has taken its place.
    if (last->is_like(now)) {
      *last = now;
      return true;
    }
    if (last != first || !first->write() || !is_ordered(*first)) return false;
    cell.count = 2;
    first[1] = now;
    return true;
  }

  /// plain() within one cell of few plain accesses, none of which races with this one. Else false:
  /// plain() is to be called.
  /// A race that it finds is told by plain(): what was dropped before does not matter then.
  [[gnu::always_inline]] bool settles(Cell& cell, const VectorClock& clock, const Access& now) {
    std::uint32_t count = cell.count;
    if (!cell.is_plain(now.bytes()) || count > Cell::inline_accesses) return false;
    Access* const accesses = cell.accesses.data();
    const std::uint64_t shared = now.word & Access::bytes_mask;
    std::uint32_t place = count;  // of an access that this one takes the place of
    for (std::uint32_t i = 0; i < count;) {
      const std::uint64_t word = accesses[i].word;
      if ((word & shared) != 0) {
        if (accesses[i].epoch() > clock[accesses[i].thread()]) {
          if (((now.word | word) & Access::write_mask) != 0) return false;
        } else if (((now.word | ~word) & Access::write_mask) != 0) {
          if ((word & Access::bytes_mask & ~shared) != 0) {
            accesses[i].word = word & ~shared;
          } else if (place == count) {
            place = i;
          } else {
            --count;
            accesses[i] = accesses[count];
            continue;
          }
        }
      }
      ++i;
    }
    if (place == count) {
      cell.count = static_cast<std::uint16_t>(count);
      shadow_.add(cell) = now;
      return true;
    }
    cell.count = static_cast<std::uint16_t>(count);
    accesses[place] = now;
    return true;
  }

  /// Cell of an atomic access; ends the run if it is freed memory or misaligned.
  Cell& atomic_cell(Accessor by, std::uintptr_t at, unsigned size, const char* what);
  /// Checks an atomic access against plain ones, and keeps it for plain ones to come.
  void atomic(const Accessor& by, Cell& cell, Location& location, bool write) {
    const std::uint32_t me = 1U << by.thread;
    if ((location.after_all_else & me) == 0) [[unlikely]]
      check_against_others(cell, location, write, by.thread, by.view, by.pc);
    Location::Last& last = location.last[by.thread];
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

  struct Party {  // of a report
    std::uint32_t thread;
    std::uint32_t epoch;
    bool write;
    bool atomic;
    std::size_t size;  // 0 if not known
    const void* pc;
  };

  /// Ends the run if an access to `bytes` of a poisoned cell is not allowed.
  void check_poison(const Accessor& by, const Cell& cell, std::uint8_t bytes, std::uintptr_t at,
                    std::size_t size, const char* what);
  /// Against plain accesses, and atomics of other sizes or places that share bytes with it.
  // (One by one: who calls it keeps its Accessor in registers.)
  void check_against_others(Cell& cell, Location& location, bool write, std::uint32_t thread,
                            ThreadView& view, const void* pc);
  /// Are all plain accesses in the cell ordered? Ends the run for one that races.
  bool check_cell(const Accessor& by, Cell& cell, std::uint32_t bytes, const Location& location,
                  bool write);
  void plain_cell(const Accessor& by, Cell& cell, std::uint8_t bytes, const Whole& whole);
  void against_overlapping(Accessor by, const Location& location, bool write);
  void plain_against_atomics(const Accessor& by, const Cell& cell, std::uint8_t bytes,
                             const Whole& whole);

  static Access access_of(const Accessor& by, std::uint8_t bytes, std::size_t size, bool write) {
    return Access::of(by.pc, by.thread, by.view.clock[by.thread], bytes, write,
                      size <= 16 ? size : 0);
  }
  static Party party_of(const Access& access) {
    return {access.thread(), access.epoch(), access.write(), false, access.size(), access.pc};
  }

  void check_free(const Accessor& by, Cell& cell, const Whole& whole);
  [[noreturn]] void race(const Accessor& by, const Whole& whole, const Access& before);
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
