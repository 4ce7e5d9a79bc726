// Atomic operations of code under test: a point, the memory model's answer, a line of the trace.
#include <algorithm>
#include <string>

#include "memory/thread_view.h"
#include "memory/value.h"
#include "runtime/heap.h"
#include "runtime/tsan_abi.h"
#include "runtime/world.h"

namespace aiosim::runtime {

namespace {

using memory::Outcome;
using memory::Value;

constexpr const char* rmw_names[] = {"atomic exchange",  "atomic fetch_add", "atomic fetch_sub",
                                     "atomic fetch_and", "atomic fetch_or",  "atomic fetch_xor",
                                     "atomic fetch_nand"};

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

Object atomic_at(World& w, const void* at, unsigned size) {
  return {ObjectType::atomic, w.memory.object_of(at, size)};
}

/// Seq_cst operations have one order among them: no two commute.
void touch_order(World& w, int order) {
  if (memory::order_of(order) == memory::seq_cst) w.touch({ObjectType::seq_cst, 0}, true);
}

/// The order of an access, with what a replay asks for (RunOptions::strengthened).
int strengthened_order(World& w, const void* pc, int order, bool loads, bool stores) {
  if (w.strengthened().empty()) [[likely]]
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
  if (w.strengthened().empty()) [[likely]]
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
  const Object object = atomic_at(w, at, size);
  w.point("atomic load", object, pc, {World::id_of(object), false});
  touch_order(w, order);
  fence_beside(w, pc, Strengthening::Kind::fence_before);
  const Outcome outcome = w.memory.load(g_current->id, at, size, order, pc);
  fence_beside(w, pc, Strengthening::Kind::fence_after);
  w.record("atomic load", object, traced(outcome.value, size), outcome.store, pc,
           w.tracing() ? read_detail(order, outcome) : std::string());
  w.read_again(at, size, static_cast<std::uint64_t>(outcome.value));
  return outcome.value;
}

void simulated_store(void* at, unsigned size, Value value, int order, const void* pc) {
  const RuntimeScope scope;
  World& w = world();
  order = strengthened_order(w, pc, order, false, true);
  const Object object = atomic_at(w, at, size);
  w.point("atomic store", object, pc);
  touch_order(w, order);
  fence_beside(w, pc, Strengthening::Kind::fence_before);
  w.memory.store(g_current->id, at, size, value, order, pc);
  fence_beside(w, pc, Strengthening::Kind::fence_after);
  w.record("atomic store", object, traced(value, size), 0, pc,
           w.tracing() ? order_detail(order) : std::string());
  w.moved_on();
}

Value simulated_rmw(void* at, unsigned size, memory::Rmw op, Value operand, int order,
                    const void* pc) {
  const RuntimeScope scope;
  World& w = world();
  order = strengthened_order(w, pc, order, true, true);
  const Object object = atomic_at(w, at, size);
  const char* const name = rmw_names[static_cast<std::size_t>(op)];
  w.point(name, object, pc);
  touch_order(w, order);
  fence_beside(w, pc, Strengthening::Kind::fence_before);
  const Outcome outcome = w.memory.rmw(g_current->id, at, size, op, operand, order, pc);
  fence_beside(w, pc, Strengthening::Kind::fence_after);
  w.record(name, object, traced(outcome.value, size), traced(operand, size), pc,
           w.tracing() ? order_detail(order) : std::string());
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
  const Object object = atomic_at(w, at, size);
  const char* const name = "atomic compare_exchange";
  w.point(name, object, pc);
  touch_order(w, std::max(success, failure));
  fence_beside(w, pc, Strengthening::Kind::fence_before);
  const Outcome outcome = w.memory.compare_exchange(g_current->id, at, size, expected, desired,
                                                    success, failure, weak, pc);
  fence_beside(w, pc, Strengthening::Kind::fence_after);
  exchanged = outcome.exchanged;
  std::string detail;
  if (w.tracing()) {
    detail = exchanged ? order_detail(success) + ", succeeds"
                       : read_detail(failure, outcome) + ", fails";
  }
  w.record(name, object, traced(outcome.value, size), exchanged ? 1 : 0, pc, std::move(detail));
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
