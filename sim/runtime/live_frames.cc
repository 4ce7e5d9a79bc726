#include "runtime/live_frames.h"

#include <string>

#include "runtime/call_stack.h"
#include "runtime/crash.h"
#include "runtime/heap.h"
#include "runtime/world.h"

namespace aiosim::runtime {

Entry g_entry{};
std::array<const void*, memory::max_threads> g_live_from{};

namespace {

std::string thread_name(const Thread& thread) { return "thread " + std::to_string(thread.id); }

}  // namespace

void use_after_return(const Thread& owner, std::size_t size, const char* what, const void* pc) {
  const RuntimeScope scope;
  const Thread& self = *g_current;
  std::string text = std::string(what) + " of " + std::to_string(size) +
                     (size == 1 ? " byte by " : " bytes by ") + thread_name(self) + " at " +
                     describe_code(pc) + " in a frame of " + thread_name(owner) +
                     " that has returned" + describe_current_stack(pc);
  if (owner.state == Thread::State::finished) {
    text += "\n  " + thread_name(owner) + " has ended";
  } else if (&owner != &self && owner.live_pc != nullptr) {
    text += "\n  " + thread_name(owner) + " has gone on to " + describe_code(owner.live_pc);
  }
  world().fail(VerdictKind::use_after_return, text);
}

}  // namespace aiosim::runtime
