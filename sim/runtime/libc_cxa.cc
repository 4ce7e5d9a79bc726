// What libstdc++'s headers call behind function statics and thread_local objects, and the ways out
// of a process.
#include <cxxabi.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "runtime/crash.h"
#include "runtime/heap.h"
#include "runtime/libc_call.h"
#include "runtime/real.h"
#include "runtime/sync_objects.h"
#include "runtime/world.h"

extern "C" {
int __cxa_thread_atexit(void (*destroy)(void*), void* object, void* dso) noexcept;
}

namespace aiosim::runtime {
namespace {

bool is_idle(void* guard) { return static_cast<SyncObject*>(guard)->owner == SyncObject::nobody; }

void leave(SyncObject& guard) {
  guard.owner = SyncObject::nobody;
  world().state_changed();
}

[[noreturn]] void ended_by(const char* what, const void* pc) {
  const RuntimeScope scope;
  World& w = world();
  w.fail(VerdictKind::crash, std::string(w.self().name) + " calls " + what + " at " +
                                 w.describe_pc(pc) + w.last_words());
}

}  // namespace
}  // namespace aiosim::runtime

using namespace aiosim::runtime;


extern "C" {

// The guard's first byte is what the compiled fast path reads, atomically.
int __cxa_guard_acquire(__cxxabiv1::__guard* guard) {
  if (!under_test()) return AIOSIM_REAL(__cxa_guard_acquire)(guard);
  World& w = world();
  SyncObject& object = sync_objects().at(ObjectType::guard, guard);
  w.point("static guard", object.name, CALLER);
  while (!is_idle(&object)) {
    w.block({is_idle, &object, -1, "static guard", object.name, false});
  }
  w.memory.acquire(w.self().id, object.message);
  if (*reinterpret_cast<const char*>(guard) != 0) return 0;
  object.owner = w.self().id;
  return 1;
}

void __cxa_guard_release(__cxxabiv1::__guard* guard) {
  if (!under_test()) return AIOSIM_REAL(__cxa_guard_release)(guard);
  World& w = world();
  SyncObject& object = sync_objects().at(ObjectType::guard, guard);
  constexpr int release_order = 3;
  w.memory.store(w.self().id, guard, 1, 1, release_order, CALLER);
  w.memory.release(w.self().id, object.message);
  leave(object);
}

void __cxa_guard_abort(__cxxabiv1::__guard* guard) {
  if (!under_test()) return AIOSIM_REAL(__cxa_guard_abort)(guard);
  leave(sync_objects().at(ObjectType::guard, guard));
}

int __cxa_thread_atexit(void (*destroy)(void*), void* object, void* dso) noexcept {
  if (!under_test()) return AIOSIM_REAL(__cxa_thread_atexit)(destroy, object, dso);
  const RuntimeScope scope;
  g_current->exit_handlers.emplace_back(destroy, object);
  return 0;
}

void abort() noexcept {
  if (under_test()) ended_by("abort()", CALLER);
  AIOSIM_REAL(abort)();
  __builtin_unreachable();
}

void __assert_fail(const char* expression, const char* file, unsigned line,
                   const char* function) noexcept {
  if (under_test()) {
    const RuntimeScope scope;
    world().fail(aiosim::VerdictKind::crash, std::string("assertion failed: ") + expression + ", " +
                                                 file + ":" + std::to_string(line) + ", in " +
                                                 function);
  }
  std::fprintf(stderr, "%s:%u: %s: assertion failed: %s\n", file, line, function, expression);
  std::abort();
}

void exit(int status) noexcept {
  if (under_test()) ended_by("exit()", CALLER);
  AIOSIM_REAL(exit)(status);
  __builtin_unreachable();
}

void quick_exit(int status) noexcept {
  if (under_test()) ended_by("quick_exit()", CALLER);
  AIOSIM_REAL(quick_exit)(status);
  __builtin_unreachable();
}
}
