// The atomic operations of the memory model but compare-exchange, for inlining into the hooks.
#pragma once

#include <cstdint>

#include "memory/state.h"
#include "memory/value.h"

namespace aiosim::memory {

[[gnu::always_inline]] inline Outcome Memory::State::load(const Accessor& by, const Recent& found,
                                                          const void* at, unsigned size,
                                                          int abi_order) {
  const int order_number = order_of(abi_order);
  Location& location = *found.location;
  races.atomic(by, *found.cell, location, false);
  history.refresh(location, read_memory(at, size));

  Store* store = location.newest;
  std::uint32_t count = 1;
  std::uint32_t chosen = 0;
  Candidates stores;
  if (!by.view.happens_before_me(store->thread, store->epoch) && keeps_history() &&
      !by.view.newest_next) {
    count = history.candidates(location, by.view, by.thread, order_number, stores);
    chosen = choices.ask(Kind::reads_from, count);
    store = stores[chosen];
  } else {
    choices.ask(Kind::reads_from, 1);
  }
  by.view.newest_next = false;
  ++by.view.operations;
  read(location, *store, by, order_number);
  return {store->value, location.ordinal, chosen, count, false};
}

[[gnu::always_inline]] inline void Memory::State::store(const Accessor& by, const Recent& found,
                                                        void* at, unsigned size, Value value,
                                                        int abi_order) {
  const int order_number = order_of(abi_order);
  Location& location = *found.location;
  races.atomic(by, *found.cell, location, true);
  history.refresh(location, read_memory(at, size));

  ++by.view.operations;
  by.view.newest_next = false;
  value = truncate(value, size);
  write(location, by, order_number, value, false);
  write_memory(at, size, value);
}

[[gnu::always_inline]] inline Outcome Memory::State::rmw(const Accessor& by, const Recent& found,
                                                         void* at, unsigned size, Rmw op,
                                                         Value operand, int abi_order) {
  const int order_number = order_of(abi_order);
  Location& location = *found.location;
  races.atomic(by, *found.cell, location, true);
  history.refresh(location, read_memory(at, size));

  ++by.view.operations;
  by.view.newest_next = false;
  Store& newest = *location.newest;
  const Value old = newest.value;
  read(location, newest, by, order_number);
  const Value value = truncate(combine(op, old, operand), size);
  write(location, by, order_number, value, true);
  write_memory(at, size, value);
  return {old, location.ordinal, 0, 1, false};
}

}  // namespace aiosim::memory
