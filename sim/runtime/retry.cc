#include "runtime/retry.h"

#include <unwind.h>

#include <algorithm>
#include <cstring>

#include "runtime/heap.h"
#include "runtime/live_frames.h"
#include "runtime/module_image.h"
#include "runtime/tcb.h"

namespace aiosim::runtime {
namespace {

// A larger state is taken to be another each time.
constexpr std::size_t most_bytes = std::size_t{1} << 20;

// In DWARF's numbers for x86-64: rbx, rbp, r12 to r15. A call may change all others.
constexpr int kept_registers[] = {3, 6, 12, 13, 14, 15};

struct Unwinding {
  std::array<std::uintptr_t, 6>& registers;
  bool found = false;
};

// Up to the frame that called the runtime: its stack pointer is the one that was noted.
_Unwind_Reason_Code visit(_Unwind_Context* context, void* data) {
  if (_Unwind_GetCFA(context) != reinterpret_cast<std::uintptr_t>(g_entry.stack_pointer)) {
    return _URC_NO_REASON;
  }
  auto& unwinding = *static_cast<Unwinding*>(data);
  for (std::size_t i = 0; i < unwinding.registers.size(); ++i) {
    unwinding.registers[i] = _Unwind_GetGR(context, kept_registers[i]);
  }
  unwinding.found = true;
  return _URC_END_OF_STACK;
}

bool never(void*) { return false; }

}  // namespace

bool Retries::find_registers(std::array<std::uintptr_t, 6>& registers) {
  Unwinding unwinding{registers};
  _Unwind_Backtrace(visit, &unwinding);
  return unwinding.found;
}

bool Retries::find_ranges() {
  ranges_.clear();
  const auto add = [this](const void* at, std::size_t size) {
    if (size != 0) ranges_.push_back({static_cast<const char*>(at), size});
  };
  World& w = world();
  for (std::uint32_t i = 0; i < w.thread_count(); ++i) {
    const Thread& thread = w.thread(i);
    if (thread.state == Thread::State::finished) continue;
    const void* const live = &thread == g_current ? g_entry.stack_pointer : thread.live_from;
    const char* const from = static_cast<const char*>(live);
    if (from < thread.stack->low || from > thread.stack->top) return false;
    add(from, static_cast<std::size_t>(thread.stack->top - from));
  }
  add(reinterpret_cast<const void*>(heap_address), heap_used());
  each_segment(add);
  each_tls_block(g_current->tcb->tls, add);
  return true;
}

void Retries::failed(const Attempt& attempt, memory::Value value) {
  const std::uint32_t me = g_current->id;
  last_[me] = false;
  if (g_entry.pc != attempt.pc) return;
  State& state = states_[me];
  if (!find_registers(state.registers) || !find_ranges()) return;
  std::size_t size = 0;
  for (const Range& range : ranges_) size += range.size;
  if (size > most_bytes) return;
  state.attempt = attempt;
  state.read = value;
  std::copy(std::begin(g_current->counts), std::end(g_current->counts), state.counts.begin());
  state.ranges = ranges_;
  state.bytes.resize(size);
  char* to = state.bytes.data();
  for (const Range& range : ranges_) {
    std::memcpy(to, range.at, range.size);
    to += range.size;
  }
  last_[me] = true;
}

bool Retries::again(const Attempt& attempt) {
  const std::uint32_t me = g_current->id;
  if (!last_[me]) return false;
  last_[me] = false;
  const State& state = states_[me];
  // Questions that were asked since: another operation, or a fault, came between.
  if (attempt != state.attempt || g_entry.pc != attempt.pc ||
      !std::equal(state.counts.begin(), state.counts.end(), g_current->counts)) {
    return false;
  }
  std::array<std::uintptr_t, 6> registers{};
  if (!find_registers(registers) || registers != state.registers) return false;
  if (!find_ranges() || ranges_ != state.ranges) return false;
  const char* bytes = state.bytes.data();
  for (const Range& range : ranges_) {
    if (std::memcmp(bytes, range.at, range.size) != 0) return false;
    bytes += range.size;
  }
  return true;
}

void Retries::give_up(World& world) {
  given_up_ |= 1U << g_current->id;
  world.block({never, nullptr, -1, "trying again without change", {}});
}

bool Retries::all_wait() const {
  for (std::uint32_t i = 0; i < memory::max_threads; ++i) {
    if (!gave_up(i)) continue;
    const State& state = states_[i];
    if (state.read == state.attempt.asked.expected) return false;
    if (memory::read_memory(state.attempt.at, state.attempt.size) != state.read) return false;
  }
  return true;
}

Retries& retries() {
  static auto* const all = new Retries;
  return *all;
}

}  // namespace aiosim::runtime
