// The atomic operations of the memory model but compare-exchange, for inlining into the hooks.
#pragma once

#include <cstdint>

#include "memory/state.h"
#include "memory/value.h"

namespace aiosim::memory {

template <unsigned size>
[[gnu::always_inline]] inline Outcome Memory::State::load(const Accessor& by, const Recent& found,
                                                          const void* at, int abi_order) {
  const int order_number = order_of(abi_order);
  Location& location = *found.location;
  races.atomic(by, *found.cell, location, false);
  history.refresh<size>(location, read_memory(at, size));

  Store* store = location.newest;
  Outcome outcome;
  if (!by.view.happens_before_me(store->thread, store->epoch) && keeps_history &&
      !by.view.newest_next) {
    const Chosen chosen = choose_store(location, by.thread, by.view, order_number);
    store = chosen.store;
    outcome.store = chosen.index;
    outcome.candidates = chosen.candidates;
  } else {
    choices.count(Kind::reads_from);
  }
  by.view.newest_next = false;
  ++by.view.operations;
  read(location, *store, by, order_number);
  outcome.value = store->value;
  return outcome;
}

template <unsigned size>
[[gnu::always_inline]] inline void Memory::State::store(const Accessor& by, const Recent& found,
                                                        void* at, Value value, int abi_order) {
  const int order_number = order_of(abi_order);
  Location& location = *found.location;
  races.atomic(by, *found.cell, location, true);
  history.refresh<size>(location, read_memory(at, size));

  ++by.view.operations;
  by.view.newest_next = false;
  value = truncate(value, size);
  write(location, by, order_number, value, false);
  write_memory(at, size, value);
}

template <unsigned size>
[[gnu::always_inline]] inline Outcome Memory::State::rmw(const Accessor& by, const Recent& found,
                                                         void* at, Rmw op, Value operand,
                                                         int abi_order) {
  const int order_number = order_of(abi_order);
  Location& location = *found.location;
  races.atomic(by, *found.cell, location, true);
  history.refresh<size>(location, read_memory(at, size));

  ++by.view.operations;
  by.view.newest_next = false;
  Store& newest = *location.newest;
  const auto old = static_cast<WordOf<size>>(newest.value);
  read(location, newest, by, order_number);
  const Value value = truncate(combine(op, old, static_cast<WordOf<size>>(operand)), size);
  write(location, by, order_number, value, true);
  write_memory(at, size, value);
  return {old};
}

}  // namespace aiosim::memory
