// What Memory is made of. Only memory.cc and the hooks' fast path look inside.
#pragma once

#include <array>
#include <cstdint>

#include "memory/location.h"
#include "memory/memory.h"
#include "memory/pool.h"
#include "memory/race_detector.h"
#include "memory/run_table.h"
#include "memory/seq_cst.h"
#include "memory/shadow.h"
#include "memory/store_history.h"
#include "memory/thread_view.h"

namespace aiosim::memory {

inline std::uintptr_t address_of(const void* at) { return reinterpret_cast<std::uintptr_t>(at); }

struct Memory::State {
  explicit State(ChoiceSource& source)
      : choices(source),
        locations(shadow),
        history(order, locations),
        races(source, shadow, locations, history) {}

  ChoiceSource& choices;
  MemoryMode mode = MemoryMode::weak;
  /// With one thread, and under sequential consistency, nothing but the newest is ever read.
  bool keeps_history = false;
  std::uint32_t thread_count = 1;
  std::uint64_t behaviour = 0;
  Shadow shadow;
  SeqCst order;
  Locations locations;
  StoreHistory history;
  RaceDetector races;
  RunTable annotated;  // address -> message
  Pool<Message> annotations;
  std::array<ThreadView, max_threads> threads;
  /// A location that was looked up: right while the shadow's stamp is that of the key.
  struct Recent {
    std::uintptr_t address = 0;
    std::uint64_t key = 0;
    Cell* cell = nullptr;
    Location* location = nullptr;
  };
  std::array<Recent, 128> recents;  // a cache of lookups

  Accessor accessor(std::uint32_t thread, const void* pc) { return {thread, threads[thread], pc}; }

  /// Operations of a thread are counted to 2^27: enough to tell the edges of a run apart.
  void edge(std::uint32_t thread, std::uint64_t from, std::uint64_t number) {
    const std::uint64_t to = std::uint64_t{thread} << 27 | (threads[thread].operations & 0x7ffffff);
    behaviour += mix64(to << 32 ^ (from << 27 | (number & 0x7ffffff)));
  }

  /// A location that was looked up before in this run, if it is still at hand.
  Recent& recent(std::uintptr_t address) { return recents[(address / 4) % recents.size()]; }
  bool is_current(const Recent& entry, std::uintptr_t address, unsigned size) const {
    return entry.address == address && entry.key == key_of(size);
  }
  std::uint64_t key_of(unsigned size) const { return shadow.locations_stamp() | size; }

  /// The location of an atomic access; ends the run if it is misaligned or freed memory.
  const Recent& locate(const Accessor& by, const void* at, unsigned size, const char* what) {
    const std::uintptr_t address = address_of(at);
    Recent& entry = recent(address);
    if (!is_current(entry, address, size)) [[unlikely]]
      look_up(entry, by.thread, by.view, by.pc, address, size, what);
    return entry;
  }
  [[gnu::noinline]] void look_up(Recent& entry, std::uint32_t thread, ThreadView& view,
                                 const void* pc, std::uintptr_t address, unsigned size,
                                 const char* what) {
    Cell& cell = races.atomic_cell({thread, view, pc}, address, size, what);
    note(entry, cell, address, size);
  }
  void note(Recent& entry, Cell& cell, std::uintptr_t address, unsigned size) {
    entry = {address, key_of(size), &cell, &locations.find(cell, address, size)};
  }

  std::uint32_t ordinal_of(const void* at, unsigned size) {
    const std::uintptr_t address = address_of(at);
    const Recent& entry = recent(address);
    if (is_current(entry, address, size)) [[likely]]
      return entry.location->ordinal;
    return find_ordinal(address, size);
  }
  [[gnu::noinline]] std::uint32_t find_ordinal(std::uintptr_t address, unsigned size) {
    if (address % size != 0) return 0;
    Cell& cell = shadow.cell(address);
    if ((cell.poison() & Shadow::bytes_of(address, size)) != 0) return 0;
    Recent& entry = recent(address);
    note(entry, cell, address, size);
    return entry.location->ordinal;
  }

  // Memory's, see there, at a location that was looked up; in operations.h.
  template <unsigned size>
  Outcome load(const Accessor& by, const Recent& found, const void* at, int order);
  template <unsigned size>
  void store(const Accessor& by, const Recent& found, void* at, Value value, int order);
  template <unsigned size>
  Outcome rmw(const Accessor& by, const Recent& found, void* at, Rmw op, Value operand, int order);
  template <unsigned size>
  Outcome compare_exchange(const Accessor& by, const Recent& found, void* at, Value expected,
                           Value desired, int success, int failure, bool weak);
  /// One of those that a load may read.
  struct Chosen {
    Store* store;
    std::uint32_t index;
    std::uint32_t candidates;
  };
  Chosen choose_store(const Location& location, std::uint32_t thread, const ThreadView& view,
                      int order);

  std::uint32_t index_of(const Location& location, const Store& store) const {
    std::uint32_t index = 0;
    for (const Store* at = location.newest; at != &store; at = at->older) ++index;
    return index;
  }

  [[gnu::always_inline]] void read(const Location& location, Store& store, const Accessor& by,
                                   int order_number) {
    history.read(location, store, by.view, by.thread, order_number);
    // Without an edge a read got its thread's own last store, or, without one, the first value.
    if (store.thread == by.thread || store.initial) return;
    edge(by.thread, store.thread, store.operation);
    if (!by.view.happens_before_me(store.thread, store.epoch)) {
      races.loose_read(by.thread, order_number, location, store, by.pc);
    }
  }

  /// Writes on top of the newest store; `continues` if the operation read it.
  [[gnu::always_inline]] void write(Location& location, const Accessor& by, int order_number,
                                    Value value, bool continues) {
    history.append(location, by.view, by.thread, order_number, value,
                   continues ? location.newest : nullptr, keeps_history, by.pc);
    if (releases(order_number)) by.view.tick(by.thread);
  }
};

}  // namespace aiosim::memory
