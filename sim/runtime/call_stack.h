// Call stacks: cheap ones for each allocation, exact ones for the text of a verdict.
#pragma once

#include <string>

#include "memory/call_stack.h"

namespace aiosim::runtime {

/// Where a hook or an interposer was called from: its return address and its own frame.
struct Caller {
  const void* pc;
  const void* frame;
};

/// In a function that code under test calls, and not in one that it calls in turn.
#define AIOSIM_HERE \
  (::aiosim::runtime::Caller{__builtin_return_address(0), __builtin_frame_address(0)})

/// The current thread's stack by its frame pointers, within the bounds of its stack: modules under
/// test keep them (aiosim_instrument). Where somebody does not, the rest is missing, or no code:
/// who tells of the stack looks (ChoiceSource::is_of_stack).
memory::CallStack call_stack(const Caller& caller);

/// By unwinding: exact, and slow. "\n    in x\n    called from y"; from the frame that called a
/// hook with the return address `pc`.
std::string describe_current_stack(const void* pc);

}  // namespace aiosim::runtime
