// The hooks of atomic operations: a point, the memory model's answer, a line of the trace. Outside
// a run they do what the code says.
#include <algorithm>
#include <string>

#include "memory/operations.h"
#include "memory/thread_view.h"
#include "memory/value.h"
#include "runtime/heap.h"
#include "runtime/live_frames.h"
#include "runtime/point.h"
#include "runtime/retry.h"
#include "runtime/tsan_abi.h"
#include "runtime/world.h"

namespace aiosim::runtime {

namespace {

using memory::Outcome;
using memory::Value;

constexpr Word load_word{"atomic load"};
constexpr Word store_word{"atomic store"};
constexpr Word compare_exchange_word{"atomic compare_exchange"};
constexpr Word rmw_words[] = {Word{"atomic exchange"},  Word{"atomic fetch_add"},
                              Word{"atomic fetch_sub"}, Word{"atomic fetch_and"},
                              Word{"atomic fetch_or"},  Word{"atomic fetch_xor"},
                              Word{"atomic fetch_nand"}};

/// What the trace and its hash may know of a value: pointers into modules, stacks and the host's
/// heap differ from process to process. All of these lie in [first_host_address, 2^47); the run's
/// own heap lies below. Tags in the low or the high bits stay with the pointer.
std::int64_t traced(Value value, unsigned size) {
  constexpr std::uint64_t first_host_address = 0x5000'0000'0000;
  constexpr std::uint64_t address_bits = (std::uint64_t{1} << 48) - 1;
  constexpr std::uint64_t end_of_addresses = std::uint64_t{1} << 47;
  const auto low = static_cast<std::uint64_t>(value);
  const std::uint64_t address = low & address_bits;
  if (size >= 8 && address >= first_host_address && address < end_of_addresses) return -1;
  return static_cast<std::int64_t>(low);
}

/// RuntimeScope of a thread that is under test.
class UnderRuntime {
 public:
  UnderRuntime() : thread_(*g_current) { ++thread_.harness; }
  ~UnderRuntime() { --thread_.harness; }
  UnderRuntime(const UnderRuntime&) = delete;
  UnderRuntime& operator=(const UnderRuntime&) = delete;
  Thread& operator*() const { return thread_; }
  Thread* operator->() const { return &thread_; }

 private:
  Thread& thread_;
};

/// An atomic operation of the running thread that is under way, once it has come to its point. Made
/// anew from what is at hand, not handed on: a struct in memory is copied by wide loads, which wait
/// for the stores of its parts.
struct Operation {
  memory::Memory::State& state;
  memory::Accessor by;
  const memory::Memory::State::Recent& found;

  [[gnu::always_inline]] Operation(const Thread& me, const void* at, const void* pc)
      : state(memory_state()),
        by{me.id, *me.view, pc},
        found(state.recent(memory::address_of(at))) {}
};

[[gnu::noinline]] void check_a_frame(const void* at, unsigned size, const Word& word,
                                     const void* pc, const void* stack_pointer) {
  check_frame(at, size, word.text, pc, stack_pointer);
}

/// Comes to the point before an atomic operation, and finds what it works on: its location is then
/// State::recent().
template <unsigned size, bool special>
[[gnu::always_inline]] inline Object come_to(World& w, Thread& me, const Word& word,
                                                const void* at, bool writes, const void* pc) {
  const std::uintptr_t address = memory::address_of(at);
  const std::uintptr_t place = address - memory::stacks_address;
  if (place < memory::stacks_bytes && may_have_returned(at, place, me.id, g_entry.stack_pointer))
      [[unlikely]] {
    check_a_frame(at, size, word, pc, g_entry.stack_pointer);
  }
  memory::Memory::State& state = memory_state();
  const memory::Accessor by{me.id, *me.view, pc};
  by.view.tick(me.id);
  const memory::Memory::State::Recent& found = state.recent(address);
  const bool is_known = state.is_current(found, address, size);
  const Object object{ObjectType::atomic, is_known ? found.location->ordinal
                                                   : state.find_ordinal(address, size)};
  const bool others_ran =
      w.point_of_atomic<special>(me, word, object, pc, {World::id_of(object), writes});
  if (others_ran || !is_known) [[unlikely]] {
    // Another thread's frame may have returned meanwhile.
    if (place < memory::stacks_bytes && may_have_returned(at, place, me.id, nullptr)) {
      check_a_frame(at, size, word, pc, nullptr);
    }
    state.locate(by, at, size, word.text);
  }
  return object;
}

/// Seq_cst operations have one order among them: no two commute.
void touch_order(World& w, int order) {
  if (memory::order_of(order) == memory::seq_cst) w.touch({ObjectType::seq_cst, 0}, true);
}

/// Not so for seq_cst loads: the order of seq_cst operations binds them to the newest stores.
void touch_load(World& w, Object object, int order) {
  if (!w.watches_transitions() || memory::order_of(order) == memory::seq_cst) return;
  if (!w.memory.reads_older(g_current->id)) return;
  w.touch({World::id_of(object), false, true});
}

/// The order of an access, with what a replay asks for (RunOptions::strengthened).
int strengthened_order(World& w, const void* pc, int order, bool loads, bool stores) {
  if (!w.strengthens()) [[likely]]
    return order;
  order = memory::order_of(order);
  for (const Strengthening& asked : w.strengthened()) {
    if (asked.pc != pc) continue;
    if (asked.kind == Strengthening::Kind::seq_cst) return memory::seq_cst;
    if (asked.kind != Strengthening::Kind::acq_rel || order == memory::seq_cst) continue;
    order = loads && stores ? memory::acq_rel : loads ? memory::acquire : memory::release;
  }
  return order;
}

void fence_beside(World& w, const void* pc, Strengthening::Kind kind) {
  if (!w.strengthens()) [[likely]]
    return;
  for (const Strengthening& asked : w.strengthened()) {
    if (asked.pc == pc && asked.kind == kind) w.memory.fence(g_current->id, memory::seq_cst);
  }
}

std::string order_detail(int order) { return memory::order_name(memory::order_of(order)); }

std::string read_detail(int order, const Outcome& outcome) {
  std::string text = order_detail(order);
  // The choice of an older one has a line of its own in the trace.
  if (outcome.candidates > 1 && outcome.store == 0) {
    text += ", reads the newest of " + std::to_string(outcome.candidates);
  }
  return text;
}

// --- the operations, `me` being harness meanwhile; `special` is the world's is_special() ---------

template <unsigned size, bool special>
[[gnu::always_inline]] inline Value simulated_load(const void* at, int order, const void* pc) {
  const UnderRuntime me;
  World& w = world();
  if (special) order = strengthened_order(w, pc, order, true, false);
  const Object object = come_to<size, special>(w, *me, load_word, at, false, pc);
  if (special) {
    touch_order(w, order);
    touch_load(w, object, order);
    fence_beside(w, pc, Strengthening::Kind::fence_before);
  }
  const Operation o(*me, at, pc);
  const Outcome outcome = o.state.load<size>(o.by, o.found, at, order);
  w.record_atomic(*me, load_word, object);
  if (special) {
    fence_beside(w, pc, Strengthening::Kind::fence_after);
    if (w.tracing()) {
      w.trace(load_word.text, object, traced(outcome.value, size), outcome.store, pc,
              read_detail(order, outcome));
    }
  }
  w.read_again(*me, at, size, static_cast<std::uint64_t>(outcome.value));
  return outcome.value;
}

template <unsigned size, bool special>
[[gnu::always_inline]] inline void simulated_store(void* at, Value value, int order,
                                                   const void* pc) {
  const UnderRuntime me;
  World& w = world();
  if (special) order = strengthened_order(w, pc, order, false, true);
  const Object object = come_to<size, special>(w, *me, store_word, at, true, pc);
  if (special) {
    touch_order(w, order);
    fence_beside(w, pc, Strengthening::Kind::fence_before);
  }
  const Operation o(*me, at, pc);
  o.state.store<size>(o.by, o.found, at, value, order);
  w.record_atomic(*me, store_word, object);
  if (special) {
    fence_beside(w, pc, Strengthening::Kind::fence_after);
    if (w.tracing()) {
      w.trace(store_word.text, object, traced(value, size), 0, pc, order_detail(order));
    }
  }
  w.moved_on(*me);
}

template <unsigned size, bool special>
[[gnu::noinline]] Value simulated_rmw(void* at, memory::Rmw op, Value operand, int order,
                                      const void* pc) {
  const UnderRuntime me;
  World& w = world();
  const Word& word = rmw_words[static_cast<std::size_t>(op)];
  if (special) order = strengthened_order(w, pc, order, true, true);
  const Object object = come_to<size, special>(w, *me, word, at, true, pc);
  if (special) {
    touch_order(w, order);
    fence_beside(w, pc, Strengthening::Kind::fence_before);
  }
  const Operation o(*me, at, pc);
  const Outcome outcome = o.state.rmw<size>(o.by, o.found, at, op, operand, order);
  w.record_atomic(*me, word, object);
  if (special) {
    fence_beside(w, pc, Strengthening::Kind::fence_after);
    if (w.tracing()) {
      w.trace(word.text, object, traced(outcome.value, size), traced(operand, size), pc,
              order_detail(order));
    }
  }
  // A lock that spins by exchange writes what was there.
  if (memory::read_memory(at, size) == outcome.value) {
    w.read_again(*me, at, size, static_cast<std::uint64_t>(outcome.value));
  } else {
    w.moved_on(*me);
  }
  return outcome.value;
}

/// Returns what was read; `exchanged` says whether it succeeded.
template <unsigned size>
[[gnu::noinline]] Value simulated_compare_exchange(void* at, const Exchange& asked,
                                                   bool& exchanged, const void* pc) {
  const UnderRuntime me;
  World& w = world();
  const Word& word = compare_exchange_word;
  if (w.spin_blocks() && retries().again({pc, at, size, asked})) [[unlikely]]
    retries().give_up(w);
  int success = asked.success;
  int failure = asked.failure;
  if (w.is_special()) [[unlikely]] {
    success = strengthened_order(w, pc, success, true, true);
    failure = strengthened_order(w, pc, failure, true, false);
  }
  const Object object = come_to<size, true>(w, *me, word, at, true, pc);
  if (w.is_special()) [[unlikely]] {
    touch_order(w, std::max(success, failure));
    fence_beside(w, pc, Strengthening::Kind::fence_before);
  }
  const Operation o(*me, at, pc);
  const Outcome outcome = o.state.compare_exchange<size>(
      o.by, o.found, at, asked.expected, asked.desired, success, failure, asked.weak);
  exchanged = outcome.exchanged;
  if (!exchanged) w.wrote_nothing(object);
  w.record_atomic(*me, word, object);
  if (w.is_special()) [[unlikely]] {
    fence_beside(w, pc, Strengthening::Kind::fence_after);
    if (w.tracing()) {
      w.trace(word.text, object, traced(outcome.value, size), exchanged ? 1 : 0, pc,
              exchanged ? order_detail(success) + ", succeeds"
                        : read_detail(failure, outcome) + ", fails");
    }
  }
  if (exchanged) {
    w.moved_on(*me);
  } else {
    w.read_again(*me, at, size, static_cast<std::uint64_t>(outcome.value));
    if (w.spin_blocks()) [[unlikely]]
      retries().failed({pc, at, size, asked}, outcome.value);
  }
  return outcome.value;
}

void simulated_fence(int order, const void* pc) {
  const RuntimeScope scope;
  World& w = world();
  order = strengthened_order(w, pc, order, true, true);
  w.point("fence", {}, pc, {});
  touch_order(w, order);
  w.memory.fence(g_current->id, order);
  w.record("fence", {}, memory::order_of(order), 0, pc,
           w.tracing() ? order_detail(order) : std::string());
}

// --- the hooks: in a run, or what the code says -------------------------------------------------

template <class T>
[[gnu::noinline]] T load_specially(const T* at, int order, const void* pc) {
  return static_cast<T>(simulated_load<sizeof(T), true>(at, order, pc));
}
template <class T>
[[gnu::noinline]] void store_specially(T* at, T value, int order, const void* pc) {
  simulated_store<sizeof(T), true>(at, value, order, pc);
}

template <class T>
[[gnu::always_inline]] inline T load(const volatile T* at, int order, const void* pc) {
  if (!under_test()) return host_load(at);
  if (world().is_special()) [[unlikely]]
    return load_specially(const_cast<const T*>(at), order, pc);
  return static_cast<T>(simulated_load<sizeof(T), false>(const_cast<const T*>(at), order, pc));
}

template <class T>
[[gnu::always_inline]] inline void store(volatile T* at, T value, int order, const void* pc) {
  if (!under_test()) {
    host_rmw(at, memory::Rmw::exchange, value);
  } else if (world().is_special()) [[unlikely]] {
    store_specially(const_cast<T*>(at), value, order, pc);
  } else {
    simulated_store<sizeof(T), false>(const_cast<T*>(at), value, order, pc);
  }
}

template <class T>
[[gnu::always_inline]] inline T rmw(volatile T* at, memory::Rmw op, T operand, int order,
                                    const void* pc) {
  if (!under_test()) return host_rmw(at, op, operand);
  const auto simulated =
      world().is_special() ? simulated_rmw<sizeof(T), true> : simulated_rmw<sizeof(T), false>;
  return static_cast<T>(simulated(const_cast<T*>(at), op, operand, order, pc));
}

template <class T>
bool compare_exchange(volatile T* at, T& expected, T desired, int success, int failure, bool weak,
                      const void* pc) {
  if (!under_test()) return host_exchange_if_equal(at, expected, desired);
  bool exchanged = false;
  const auto read = simulated_compare_exchange<sizeof(T)>(
      const_cast<T*>(at), {expected, desired, success, failure, weak, &expected}, exchanged, pc);
  if (!exchanged) expected = static_cast<T>(read);
  return exchanged;
}

}  // namespace
}  // namespace aiosim::runtime

using namespace aiosim::runtime;
using aiosim::memory::Rmw;

extern "C" {

#define AIOSIM_RMW(bits, type, word, op)                                          \
  type __tsan_atomic##bits##_##word(volatile type* at, type operand, int order) { \
    return rmw<type>(at, Rmw::op, operand, order, AIOSIM_ENTRY);                 \
  }

#define AIOSIM_ATOMICS(bits, type)                                                                 \
  type __tsan_atomic##bits##_load(const volatile type* at, int order) {                            \
    return load<type>(at, order, AIOSIM_ENTRY);                                                   \
  }                                                                                                \
  void __tsan_atomic##bits##_store(volatile type* at, type value, int order) {                     \
    store<type>(at, value, order, AIOSIM_ENTRY);                                                  \
  }                                                                                                \
  AIOSIM_RMW(bits, type, exchange, exchange)                                                       \
  AIOSIM_RMW(bits, type, fetch_add, add)                                                           \
  AIOSIM_RMW(bits, type, fetch_sub, sub)                                                           \
  AIOSIM_RMW(bits, type, fetch_and, bit_and)                                                       \
  AIOSIM_RMW(bits, type, fetch_or, bit_or)                                                         \
  AIOSIM_RMW(bits, type, fetch_xor, bit_xor)                                                       \
  AIOSIM_RMW(bits, type, fetch_nand, nand)                                                         \
  int __tsan_atomic##bits##_compare_exchange_strong(volatile type* at, type* expected,             \
                                                    type desired, int order, int failure) {        \
    return compare_exchange<type>(at, *expected, desired, order, failure, false, AIOSIM_ENTRY);   \
  }                                                                                                \
  int __tsan_atomic##bits##_compare_exchange_weak(volatile type* at, type* expected, type desired, \
                                                  int order, int failure) {                        \
    return compare_exchange<type>(at, *expected, desired, order, failure, true, AIOSIM_ENTRY);    \
  }                                                                                                \
  type __tsan_atomic##bits##_compare_exchange_val(volatile type* at, type expected, type desired,  \
                                                  int order, int failure) {                        \
    compare_exchange<type>(at, expected, desired, order, failure, false, AIOSIM_ENTRY);           \
    return expected;                                                                               \
  }

AIOSIM_ATOMICS(8, std::uint8_t)
AIOSIM_ATOMICS(16, std::uint16_t)
AIOSIM_ATOMICS(32, std::uint32_t)
AIOSIM_ATOMICS(64, std::uint64_t)
AIOSIM_ATOMICS(128, Wide)

void __tsan_atomic_thread_fence(int order) {
  if (under_test()) {
    simulated_fence(order, AIOSIM_ENTRY);
  } else {
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
  }
}
// Orders nothing between threads.
void __tsan_atomic_signal_fence(int) { __atomic_signal_fence(__ATOMIC_SEQ_CST); }

}  // extern "C"
