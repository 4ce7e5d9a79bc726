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

  /// plain() where nothing is to be checked: nobody was here in this run, or this thread did as
  /// much since its last operation. Else false, and nothing is done. The cell may be as an earlier
  /// run left it.
  [[gnu::always_inline]] bool plain_at_once(Cell& cell, const Access& access) const {
    if (cell.run != shadow_.run()) {
      cell.start(shadow_.run());
      cell.count = 1;
      cell.accesses[0] = access;
      return true;
    }
    return cell.accesses[0].includes(access);
  }

  /// plain() within one cell of few plain accesses, none of which races with this one. Else false:
  /// plain() is to be called.
  /// A race that it finds is told by plain(): what was dropped before does not matter then.
  [[gnu::always_inline]] static bool settles(Cell& cell, const VectorClock& clock,
                                             const Access& now) {
    if (!cell.is_plain() || cell.count > Cell::inline_accesses) return false;
    const std::uint64_t shared = now.word & Access::bytes_mask;
    Access* const first = cell.accesses.data();
    Access* end = first + cell.count;
    Access* place = nullptr;  // of an access that this one takes the place of
    for (Access* access = first; access != end;) {
      const std::uint64_t word = access->word;
      if ((word & shared) != 0) {
        if (access->epoch() > clock[access->thread()]) {
          if (((now.word | word) & Access::write_mask) != 0) return false;
        } else if (((now.word | ~word) & Access::write_mask) != 0) {
          if ((word & Access::bytes_mask & ~shared) != 0) {
            access->word = word & ~shared;
          } else if (place == nullptr) {
            place = access;
          } else {
            *access = *--end;
            continue;
          }
        }
      }
      ++access;
    }
    if (place == nullptr) {
      if (end == first + Cell::inline_accesses) return false;
      place = end++;
    }
    cell.count = static_cast<std::uint16_t>(end - first);
    *place = now;
    return true;
  }

  /// Cell of an atomic access; ends the run if it is freed memory or misaligned.
  Cell& atomic_cell(Accessor by, std::uintptr_t at, unsigned size, const char* what);
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
  void check_against_plain(Accessor by, Cell& cell, Location& location, bool write);
  /// Are all plain accesses in the cell ordered? Ends the run for one that races.
  bool check_cell(const Accessor& by, Cell& cell, std::uint32_t bytes, const Location& location,
                  bool write);
  void plain_cell(const Accessor& by, Cell& cell, std::uint8_t bytes, const Whole& whole);
  /// An atomic of another size, or at another place, that shares bytes with `location`.
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
