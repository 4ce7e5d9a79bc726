// The atomic operations of the memory model, for inlining into the hooks.
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

inline constexpr std::uint8_t max_spurious_failures = 4;

// It succeeds only on the newest store. It fails on any store that a load with the failure order
// may read and that holds something else; a weak one also, for no reason, on one that holds what
// is expected.
template <unsigned size>
[[gnu::always_inline]] inline Outcome Memory::State::compare_exchange(
    const Accessor& by, const Recent& found, void* at, Value expected, Value desired, int success,
    int failure, bool weak) {
  using Word = WordOf<size>;
  const auto wanted = static_cast<Word>(truncate(expected, size));
  const auto holds_wanted = [wanted](const Store& store) {
    return static_cast<Word>(store.value) == wanted;
  };
  success = order_of(success);
  failure = order_of(failure);
  Location& location = *found.location;
  races.atomic(by, *found.cell, location, false);
  history.refresh<size>(location, read_memory(at, size));

  const bool may_fail = weak && by.view.spurious_failures < max_spurious_failures;
  Candidates stores;
  stores[0] = location.newest;
  std::uint32_t count = 1;
  if (keeps_history && !by.view.newest_next) {
    const std::uint32_t readable =
        history.candidates(location, by.view, by.thread, failure, stores);
    for (std::uint32_t i = 1; i < readable; ++i) {
      if (may_fail || !holds_wanted(*stores[i])) stores[count++] = stores[i];
    }
  }
  by.view.newest_next = false;
  Store& store = *stores[choices.ask(Kind::reads_from, count)];
  bool succeeds = holds_wanted(store);
  if (succeeds && weak) {
    const bool newest = &store == location.newest;
    succeeds = newest && choices.ask(Kind::cas_fail, may_fail ? 2 : 1) == 0;
    by.view.spurious_failures =
        succeeds ? std::uint8_t{0} : static_cast<std::uint8_t>(by.view.spurious_failures + 1);
  }
  ++by.view.operations;
  const Value old = store.value;
  const std::uint32_t index = index_of(location, store);
  read(location, store, by, succeeds ? success : failure);
  if (succeeds) {
    races.atomic(by, *found.cell, location, true);
    const Value written = truncate(desired, size);
    write(location, by, success, written, true);
    write_memory(at, size, written);
  }
  return {old, location.ordinal, index, count, succeeds};
}

}  // namespace aiosim::memory
