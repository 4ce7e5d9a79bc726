#include "memory/memory.h"

#include <new>
#include <string>
#include <type_traits>

#include "memory/operations.h"
#include "memory/state.h"
#include "memory/value.h"

namespace aiosim::memory {

Memory::Memory(ChoiceSource& choices) : state_(new State(choices), Give{true}) {}
Memory::Memory(ChoiceSource& choices, std::byte* place)
    : state_(new (place) State(choices), Give{false}) {}
void Memory::Give::operator()(State* state) const { back ? delete state : std::destroy_at(state); }
Memory::~Memory() = default;

void Memory::reset(MemoryMode mode) {
  State& s = *state_;
  s.mode = mode;
  for (std::uint32_t i = 0; i < s.thread_count; ++i) s.threads[i].reset();
  s.thread_count = 1;
  s.keeps_history = false;
  s.threads[0].clock.set(0, 1);
  s.behaviour = 0;
  s.shadow.reset();
  s.order.reset();
  s.locations.reset();
  s.history.reset();
  s.races.reset();
  s.annotated.reset(s.shadow.run());
  s.annotations.reset();
}

void Memory::thread_created(std::uint32_t parent, std::uint32_t child) {
  State& s = *state_;
  ThreadView& view = s.threads[child];
  view.reset();
  view.clock = s.threads[parent].clock;
  view.fence = s.threads[parent].fence;
  view.clock.set(child, view.clock[child] + 1);
  s.threads[parent].tick(parent);
  s.thread_count = std::max(s.thread_count, child + 1);
  s.keeps_history = s.thread_count > 1 && s.mode == MemoryMode::weak;
}

void Memory::thread_joined(std::uint32_t joiner, std::uint32_t finished) {
  State& s = *state_;
  s.threads[joiner].acquire(s.threads[finished].clock, s.threads[finished].fence);
}

void Memory::read_newest(std::uint32_t thread) { state_->threads[thread].newest_next = true; }

bool Memory::reads_older(std::uint32_t thread) const {
  return state_->keeps_history && !state_->threads[thread].newest_next;
}

ThreadView& Memory::view(std::uint32_t thread) { return state_->threads[thread]; }

void Memory::tick(std::uint32_t thread) { state_->threads[thread].tick(thread); }

void Memory::release(std::uint32_t thread, Message& into) {
  ThreadView& view = state_->threads[thread];
  ++view.operations;
  into.clock.join(view.clock);
  into.fence = std::max(into.fence, view.fence);
  view.tick(thread);
}

void Memory::acquire(std::uint32_t thread, const Message& from) {
  State& s = *state_;
  ++s.threads[thread].operations;
  for (std::uint32_t i = 0; i < from.clock.used(); ++i) {
    if (from.clock[i] != 0) s.edge(thread, i, from.clock[i]);
  }
  s.threads[thread].acquire(from);
}

void Memory::release_at(std::uint32_t thread, const void* at) {
  State& s = *state_;
  std::uint32_t index = s.annotated.find(address_of(at));
  if (index == 0) {
    index = s.annotations.add();
    s.annotations[index] = Message{};
    s.annotated.set(address_of(at), index);
  }
  release(thread, s.annotations[index]);
}

void Memory::acquire_at(std::uint32_t thread, const void* at) {
  const std::uint32_t index = state_->annotated.find(address_of(at));
  if (index != 0) acquire(thread, state_->annotations[index]);
}

std::uint32_t Memory::object_of(const void* at, unsigned size) {
  return state_->ordinal_of(at, size);
}

Memory::State::Chosen Memory::State::choose_store(const Location& location, std::uint32_t thread,
                                                  const ThreadView& view, int order_number) {
  Candidates stores;
  const std::uint32_t count = history.candidates(location, view, thread, order_number, stores);
  const std::uint32_t index = choices.ask(Kind::reads_from, count);
  return {stores[index], index, count};
}

namespace {

/// Calls operation(std::integral_constant<unsigned, size>) for a size that is known at run time.
template <class Operation>
auto of_size(unsigned size, Operation operation) {
  switch (size) {
    case 1:
      return operation(std::integral_constant<unsigned, 1>());
    case 2:
      return operation(std::integral_constant<unsigned, 2>());
    case 4:
      return operation(std::integral_constant<unsigned, 4>());
    case 8:
      return operation(std::integral_constant<unsigned, 8>());
    default:
      return operation(std::integral_constant<unsigned, 16>());
  }
}

}  // namespace

Outcome Memory::load(std::uint32_t thread, const void* at, unsigned size, int order,
                     const void* pc) {
  State& s = *state_;
  const Accessor by = s.accessor(thread, pc);
  const State::Recent& found = s.locate(by, at, size, "atomic load");
  Outcome outcome =
      of_size(size, [&](auto bytes) { return s.load<bytes()>(by, found, at, order); });
  outcome.object = found.location->ordinal;
  return outcome;
}

Outcome Memory::store(std::uint32_t thread, void* at, unsigned size, Value value, int order,
                      const void* pc) {
  State& s = *state_;
  const Accessor by = s.accessor(thread, pc);
  const State::Recent& found = s.locate(by, at, size, "atomic store");
  of_size(size, [&](auto bytes) { s.store<bytes()>(by, found, at, value, order); });
  return {truncate(value, size), found.location->ordinal, 0, 1, false};
}

Outcome Memory::rmw(std::uint32_t thread, void* at, unsigned size, Rmw op, Value operand, int order,
                    const void* pc) {
  State& s = *state_;
  const Accessor by = s.accessor(thread, pc);
  const State::Recent& found = s.locate(by, at, size, "atomic read-modify-write");
  Outcome outcome =
      of_size(size, [&](auto bytes) { return s.rmw<bytes()>(by, found, at, op, operand, order); });
  outcome.object = found.location->ordinal;
  return outcome;
}

Outcome Memory::compare_exchange(std::uint32_t thread, void* at, unsigned size, Value expected,
                                 Value desired, int success, int failure, bool weak,
                                 const void* pc) {
  State& s = *state_;
  const Accessor by = s.accessor(thread, pc);
  const State::Recent& found = s.locate(by, at, size, "atomic compare-exchange");
  Outcome outcome = of_size(size, [&](auto bytes) {
    return s.compare_exchange<bytes()>(by, found, at, expected, desired, success, failure, weak);
  });
  outcome.object = found.location->ordinal;
  return outcome;
}

// The release part comes last: it publishes what the acquire part took in.
void Memory::fence(std::uint32_t thread, int order) {
  State& s = *state_;
  ThreadView& view = s.threads[thread];
  order = order_of(order);
  ++view.operations;
  if (acquires(order) && view.has_acquired) view.acquire(view.acquired);
  if (order == seq_cst) s.order.fence(view);
  if (releases(order)) {
    view.released = s.history.release(view, thread);
    view.tick(thread);
  }
}

void Memory::plain_read(std::uint32_t thread, const void* at, std::size_t size, const void* pc) {
  State& s = *state_;
  s.races.plain(s.accessor(thread, pc), address_of(at), size, false);
}

void Memory::plain_write(std::uint32_t thread, void* at, std::size_t size, const void* pc) {
  State& s = *state_;
  s.races.plain(s.accessor(thread, pc), address_of(at), size, true);
}

void Memory::allocated(std::uint32_t thread, void* at, std::size_t size, const CallStack& stack) {
  State& s = *state_;
  s.races.allocated(s.accessor(thread, stack.pc()), address_of(at), size, stack);
}

// Freeing is a write to the whole block: an access that it is not ordered after races with it.
void Memory::freed(std::uint32_t thread, void* at, std::size_t size, const CallStack& stack) {
  State& s = *state_;
  s.races.poison(s.accessor(thread, stack.pc()), address_of(at), size, stack, true);
}

void Memory::discarded(std::uint32_t thread, void* at, std::size_t size, const CallStack& stack) {
  State& s = *state_;
  s.races.poison(s.accessor(thread, stack.pc()), address_of(at), size, stack, false);
}

void Memory::red_zone(const void* at, std::size_t size) {
  state_->races.red_zone(address_of(at), size);
}

std::string Memory::describe_block(const void* at) {
  return state_->races.describe_block(address_of(at));
}

std::string Memory::describe_allocation(const void* at) {
  return state_->races.describe_allocation(address_of(at));
}

std::uint64_t Memory::behaviour() const { return state_->behaviour; }

}  // namespace aiosim::memory
