// Atomic operations of code under test: a point, the memory model's answer, a line of the trace.
#include <string>

#include "memory/thread_view.h"
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
  const Object object = atomic_at(w, at, size);
  w.point("atomic load", object, pc);
  const Outcome outcome = w.memory.load(g_current->id, at, size, order, pc);
  w.record("atomic load", object, traced(outcome.value, size), outcome.store, pc,
           w.tracing() ? read_detail(order, outcome) : std::string());
  return outcome.value;
}

void simulated_store(void* at, unsigned size, Value value, int order, const void* pc) {
  const RuntimeScope scope;
  World& w = world();
  const Object object = atomic_at(w, at, size);
  w.point("atomic store", object, pc);
  w.memory.store(g_current->id, at, size, value, order, pc);
  w.record("atomic store", object, traced(value, size), 0, pc,
           w.tracing() ? order_detail(order) : std::string());
}

Value simulated_rmw(void* at, unsigned size, memory::Rmw op, Value operand, int order,
                    const void* pc) {
  const RuntimeScope scope;
  World& w = world();
  const Object object = atomic_at(w, at, size);
  const char* const name = rmw_names[static_cast<std::size_t>(op)];
  w.point(name, object, pc);
  const Outcome outcome = w.memory.rmw(g_current->id, at, size, op, operand, order, pc);
  w.record(name, object, traced(outcome.value, size), traced(operand, size), pc,
           w.tracing() ? order_detail(order) : std::string());
  return outcome.value;
}

Value simulated_compare_exchange(void* at, unsigned size, Value expected, Value desired,
                                 int success, int failure, bool weak, bool& exchanged,
                                 const void* pc) {
  const RuntimeScope scope;
  World& w = world();
  const Object object = atomic_at(w, at, size);
  const char* const name = "atomic compare_exchange";
  w.point(name, object, pc);
  const Outcome outcome = w.memory.compare_exchange(g_current->id, at, size, expected, desired,
                                                    success, failure, weak, pc);
  exchanged = outcome.exchanged;
  std::string detail;
  if (w.tracing()) {
    detail = exchanged ? order_detail(success) + ", succeeds"
                       : read_detail(failure, outcome) + ", fails";
  }
  w.record(name, object, traced(outcome.value, size), exchanged ? 1 : 0, pc, std::move(detail));
  return outcome.value;
}

void simulated_fence(int order, const void* pc) {
  const RuntimeScope scope;
  World& w = world();
  w.point("fence", {}, pc);
  w.memory.fence(g_current->id, order);
  w.record("fence", {}, memory::order_of(order), 0, pc,
           w.tracing() ? order_detail(order) : std::string());
}

}  // namespace aiosim::runtime
