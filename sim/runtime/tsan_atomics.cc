// Atomic operations of code under test: a point, the memory model's answer, a line of the trace.
#include <algorithm>
#include <string>

#include "memory/operations.h"
#include "memory/thread_view.h"
#include "memory/value.h"
#include "runtime/heap.h"
#include "runtime/live_frames.h"
#include "runtime/point.h"
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

/// Another thread's frame may return while this one waits for its turn.
inline void check_live(const void* at, unsigned size, const Word& word, const void* pc, bool own) {
  if (!in_stack(at)) [[likely]]
    return;
  const bool noted = own && g_entry.pc == pc;
  check_frame(at, size, word.text, pc, noted ? g_entry.stack_pointer : nullptr);
}

/// The point before an atomic operation; the object that it works on.
inline Object point(World& w, const Word& word, const void* at, unsigned size, bool writes,
                    const void* pc) {
  check_live(at, size, word, pc, true);
  const Object object{ObjectType::atomic, w.memory.state().starts(g_current->id, at, size)};
  const std::uint64_t switches = g_switches;
  w.point_of_atomic(word, object, pc, {World::id_of(object), writes});
  if (g_switches != switches) check_live(at, size, word, pc, false);
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

}  // namespace

Value simulated_load(const void* at, unsigned size, int order, const void* pc) {
  const RuntimeScope scope;
  World& w = world();
  order = strengthened_order(w, pc, order, true, false);
  const Object object = point(w, load_word, at, size, false, pc);
  touch_order(w, order);
  touch_load(w, object, order);
  fence_beside(w, pc, Strengthening::Kind::fence_before);
  const Outcome outcome = w.memory.state().load(g_current->id, at, size, order, pc);
  fence_beside(w, pc, Strengthening::Kind::fence_after);
  w.record_atomic(load_word, object);
  if (w.tracing()) [[unlikely]] {
    w.trace(load_word.text, object, traced(outcome.value, size), outcome.store, pc,
            read_detail(order, outcome));
  }
  w.read_again(at, size, static_cast<std::uint64_t>(outcome.value));
  return outcome.value;
}

void simulated_store(void* at, unsigned size, Value value, int order, const void* pc) {
  const RuntimeScope scope;
  World& w = world();
  order = strengthened_order(w, pc, order, false, true);
  const Object object = point(w, store_word, at, size, true, pc);
  touch_order(w, order);
  fence_beside(w, pc, Strengthening::Kind::fence_before);
  w.memory.state().store(g_current->id, at, size, value, order, pc);
  fence_beside(w, pc, Strengthening::Kind::fence_after);
  w.record_atomic(store_word, object);
  if (w.tracing()) [[unlikely]] {
    w.trace(store_word.text, object, traced(value, size), 0, pc, order_detail(order));
  }
  w.moved_on();
}

Value simulated_rmw(void* at, unsigned size, memory::Rmw op, Value operand, int order,
                    const void* pc) {
  const RuntimeScope scope;
  World& w = world();
  order = strengthened_order(w, pc, order, true, true);
  const Word& word = rmw_words[static_cast<std::size_t>(op)];
  const Object object = point(w, word, at, size, true, pc);
  touch_order(w, order);
  fence_beside(w, pc, Strengthening::Kind::fence_before);
  const Outcome outcome = w.memory.state().rmw(g_current->id, at, size, op, operand, order, pc);
  fence_beside(w, pc, Strengthening::Kind::fence_after);
  w.record_atomic(word, object);
  if (w.tracing()) [[unlikely]] {
    w.trace(word.text, object, traced(outcome.value, size), traced(operand, size), pc,
            order_detail(order));
  }
  // A lock that spins by exchange writes what was there.
  if (memory::read_memory(at, size) == outcome.value) {
    w.read_again(at, size, static_cast<std::uint64_t>(outcome.value));
  } else {
    w.moved_on();
  }
  return outcome.value;
}

Value simulated_compare_exchange(void* at, unsigned size, Value expected, Value desired,
                                 int success, int failure, bool weak, bool& exchanged,
                                 const void* pc) {
  const RuntimeScope scope;
  World& w = world();
  success = strengthened_order(w, pc, success, true, true);
  failure = strengthened_order(w, pc, failure, true, false);
  const Word& word = compare_exchange_word;
  const Object object = point(w, word, at, size, true, pc);
  touch_order(w, std::max(success, failure));
  fence_beside(w, pc, Strengthening::Kind::fence_before);
  const Outcome outcome = w.memory.compare_exchange(g_current->id, at, size, expected, desired,
                                                    success, failure, weak, pc);
  fence_beside(w, pc, Strengthening::Kind::fence_after);
  exchanged = outcome.exchanged;
  if (!exchanged) w.wrote_nothing(object);
  w.record_atomic(word, object);
  if (w.tracing()) [[unlikely]] {
    w.trace(word.text, object, traced(outcome.value, size), exchanged ? 1 : 0, pc,
            exchanged ? order_detail(success) + ", succeeds"
                      : read_detail(failure, outcome) + ", fails");
  }
  if (exchanged) {
    w.moved_on();
  } else {
    w.read_again(at, size, static_cast<std::uint64_t>(outcome.value));
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

}  // namespace aiosim::runtime
