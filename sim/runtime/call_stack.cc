#include "runtime/call_stack.h"

#include <unwind.h>

#include <cstdint>

#include "runtime/crash.h"
#include "runtime/heap.h"
#include "runtime/world.h"

namespace aiosim::runtime {
namespace {

constexpr std::size_t most_lines = 16;

struct Frame {
  const Frame* caller;
  const void* return_address;
};

std::string line(std::size_t depth, const void* pc) {
  return (depth == 0 ? "\n    in " : "\n    called from ") + describe_code(pc);
}

struct Unwinding {
  const void* from;
  std::size_t depth = 0;
  std::string text;
};

_Unwind_Reason_Code visit(_Unwind_Context* context, void* data) {
  auto& unwinding = *static_cast<Unwinding*>(data);
  const auto* const pc = reinterpret_cast<const void*>(_Unwind_GetIP(context));
  if (unwinding.depth == 0 && pc != unwinding.from) return _URC_NO_REASON;
  // The runtime's own frames: the thread's start.
  if (pc == nullptr || is_runtime(pc)) return _URC_END_OF_STACK;
  unwinding.text += line(unwinding.depth, pc);
  return ++unwinding.depth == most_lines ? _URC_END_OF_STACK : _URC_NO_REASON;
}

}  // namespace

memory::CallStack call_stack(const Caller& caller) {
  memory::CallStack stack(caller.pc);
  const auto top = reinterpret_cast<std::uintptr_t>(g_current->stack->top);
  auto below = reinterpret_cast<std::uintptr_t>(caller.frame);
  const Frame* frame = static_cast<const Frame*>(caller.frame)->caller;
  for (std::size_t i = 1; i < memory::CallStack::max_depth; ++i) {
    const auto at = reinterpret_cast<std::uintptr_t>(frame);
    if (at <= below || at > top - sizeof(Frame) || at % alignof(Frame) != 0) break;
    stack.pcs[i] = frame->return_address;
    below = at;
    frame = frame->caller;
  }
  return stack;
}

std::string describe_current_stack(const void* pc) {
  Unwinding unwinding{pc, 0, {}};
  _Unwind_Backtrace(visit, &unwinding);
  return unwinding.depth == 0 ? line(0, pc) : unwinding.text;
}

}  // namespace aiosim::runtime
