// The atomic operations of the memory model but compare-exchange, for inlining into the hooks.
#pragma once

#include <cstdint>

#include "memory/state.h"
#include "memory/value.h"

namespace aiosim::memory {

[[gnu::always_inline]] inline std::uint32_t Memory::State::starts(std::uint32_t thread,
                                                                  const void* at, unsigned size) {
  threads[thread].tick(thread);
  return ordinal_of(at, size);
}

[[gnu::always_inline]] inline Outcome Memory::State::load(std::uint32_t thread, const void* at,
                                                          unsigned size, int abi_order,
                                                          const void* pc) {
  const Accessor by = accessor(thread, pc);
  const int order_number = order_of(abi_order);
  const State::Recent& found = locate(by, at, size, "atomic load");
  Location& location = *found.location;
  races.atomic(by, *found.cell, location, false);
  history.refresh(location, read_memory(at, size));

  Candidates stores;
  stores[0] = location.newest;
  ThreadView& view = threads[thread];
  const std::uint32_t count = keeps_history() && !view.newest_next
                                  ? history.candidates(location, view, thread, order_number, stores)
                                  : 1;
  view.newest_next = false;
  const std::uint32_t chosen = choices.ask(Kind::reads_from, count);
  Store& store = *stores[chosen];
  ++threads[thread].operations;
  read(location, store, thread, order_number, pc);
  return {store.value, location.ordinal, chosen, count, false};
}

[[gnu::always_inline]] inline Outcome Memory::State::store(std::uint32_t thread, void* at,
                                                           unsigned size, Value value,
                                                           int abi_order, const void* pc) {
  const Accessor by = accessor(thread, pc);
  const int order_number = order_of(abi_order);
  const State::Recent& found = locate(by, at, size, "atomic store");
  Location& location = *found.location;
  races.atomic(by, *found.cell, location, true);
  history.refresh(location, read_memory(at, size));

  ++threads[thread].operations;
  threads[thread].newest_next = false;
  value = truncate(value, size);
  write(location, thread, order_number, value, false, pc);
  write_memory(at, size, value);
  return {value, location.ordinal, 0, 1, false};
}

[[gnu::always_inline]] inline Outcome Memory::State::rmw(std::uint32_t thread, void* at,
                                                         unsigned size, Rmw op, Value operand,
                                                         int abi_order, const void* pc) {
  const Accessor by = accessor(thread, pc);
  const int order_number = order_of(abi_order);
  const State::Recent& found = locate(by, at, size, "atomic read-modify-write");
  Location& location = *found.location;
  races.atomic(by, *found.cell, location, true);
  history.refresh(location, read_memory(at, size));

  ++threads[thread].operations;
  threads[thread].newest_next = false;
  Store& newest = *location.newest;
  const Value old = newest.value;
  read(location, newest, thread, order_number, pc);
  const Value value = truncate(combine(op, old, operand), size);
  write(location, thread, order_number, value, true, pc);
  write_memory(at, size, value);
  return {old, location.ordinal, 0, 1, false};
}

}  // namespace aiosim::memory
