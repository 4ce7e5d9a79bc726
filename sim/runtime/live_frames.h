// Which frames of the simulated threads' stacks are alive: use after return.
//
// At a hook or an interposer, what lies below the caller's stack pointer belongs to functions that
// have returned (a function that calls has no red zone). A thread that does not run is held to
// where it was when it last entered the runtime.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "runtime/stack.h"
#include "runtime/world.h"

namespace aiosim::runtime {

/// The last entry of code under test into the runtime.
struct Entry {
  const void* pc;
  const void* stack_pointer;
};
extern __attribute__((visibility("hidden"))) Entry g_entry;

inline const void* note_entry(const void* pc, const void* stack_pointer) {
  g_entry = {pc, stack_pointer};
  return pc;
}

/// In a function that code under test calls: where it is called from. What the caller's stack
/// pointer was is kept for the case that the thread stops running here.
#define AIOSIM_ENTRY \
  ::aiosim::runtime::note_entry(__builtin_return_address(0), __builtin_dwarf_cfa())

/// By number, from where on a stack is alive: what check_frame() looks at, in one load. Null for
/// the running thread's, those that have not run, and those of nobody.
extern __attribute__((visibility("hidden"))) std::array<const void*, memory::max_threads>
    g_live_from;

/// `place` is that of `at` in all stacks. False: check_frame() would find nothing.
[[gnu::always_inline]] inline bool may_have_returned(const void* at, std::uintptr_t place,
                                                     std::uint32_t thread,
                                                     const void* stack_pointer) {
  const std::uintptr_t stack = place >> memory::stack_shift;
  return at < (stack == thread ? stack_pointer : g_live_from[stack]);
}

[[noreturn]] void use_after_return(const Thread& owner, std::size_t size, const char* what,
                                   const void* pc);

/// `at` is in_stack(). Ends the run if it lies in a frame that has returned. `stack_pointer` is
/// the caller's; null if the caller's own stack is not to be looked at.
inline void check_frame(const void* at, std::size_t size, const char* what, const void* pc,
                        const void* stack_pointer) {
  const StackPlace place = place_in_stack(at);
  if (place.stack >= world().thread_count() || place.offset < guard_size) return;
  const Thread& owner = world().thread(place.stack);
  const void* live = &owner == g_current                      ? stack_pointer
                     : owner.state == Thread::State::finished ? owner.stack->top
                                                              : owner.live_from;
  if (at < live) [[unlikely]]
    use_after_return(owner, size, what, pc);
}

}  // namespace aiosim::runtime
