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
int __cxa_thread_atexit_impl(void (*destroy)(void*), void* object, void* dso) noexcept;
}

namespace aiosim::runtime {
namespace {

bool is_idle(void* guard) { return static_cast<SyncObject*>(guard)->owner == SyncObject::nobody; }

bool is_set(const __cxxabiv1::__guard* guard) {
  return *reinterpret_cast<const char*>(guard) != 0;
}

SyncObject& guard_at(const __cxxabiv1::__guard* guard) {
  return sync_objects().at(ObjectType::guard, guard);
}

int enter(__cxxabiv1::__guard* guard, const void* pc) {
  World& w = world();
  SyncObject& object = guard_at(guard);
  w.point("static guard", object.name, pc);
  if (object.owner == w.self().id) misuse("initialises a static object within its initialiser", pc);
  while (!is_idle(&object)) {
    sync_objects().block(object, {is_idle, &object, -1, "static guard", {}}, pc);
  }
  w.memory.acquire(w.self().id, object.message);
  const bool done = is_set(guard);
  w.record("static guard", object.name, done, 0, pc);
  if (done) return 0;
  object.owner = w.self().id;
  object.taken_at = pc;
  return 1;
}

void leave(__cxxabiv1::__guard* guard, bool done, const void* pc) {
  World& w = world();
  SyncObject& object = guard_at(guard);
  w.point(done ? "static guard release" : "static guard abort", object.name, pc);
  if (done) {
    constexpr int release_order = 3;
    w.touch({ObjectType::atomic, w.memory.object_of(guard, 1)}, true);
    w.memory.store(w.self().id, guard, 1, 1, release_order, pc);
  }
  w.memory.release(w.self().id, object.message);
  object.owner = SyncObject::nobody;
  w.state_changed();
  w.record(done ? "static guard release" : "static guard abort", object.name, 0, 0, pc);
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

// Of the C++ runtime, being initialised on a simulated thread: no other thread runs meanwhile.
static const __cxxabiv1::__guard* host_guard = nullptr;

static void leave_host(const __cxxabiv1::__guard* guard) {
  if (guard != host_guard) return;
  host_guard = nullptr;
  --g_current->harness;
}

// The guard's first byte is what the compiled fast path reads, atomically. Objects of the C++
// runtime itself outlive the run: they are the host's, and initialised in one go.
int __cxa_guard_acquire(__cxxabiv1::__guard* guard) {
  if (!under_test()) return AIOSIM_REAL(__cxa_guard_acquire)(guard);
  if (!is_cxx_runtime(guard)) return enter(guard, CALLER);
  const int result = AIOSIM_REAL(__cxa_guard_acquire)(guard);
  if (result != 0) {
    host_guard = guard;
    ++g_current->harness;
  }
  return result;
}

void __cxa_guard_release(__cxxabiv1::__guard* guard) {
  if (under_test()) return leave(guard, true, CALLER);
  AIOSIM_REAL(__cxa_guard_release)(guard);
  leave_host(guard);
}

void __cxa_guard_abort(__cxxabiv1::__guard* guard) {
  if (under_test()) return leave(guard, false, CALLER);
  AIOSIM_REAL(__cxa_guard_abort)(guard);
  leave_host(guard);
}

int __cxa_thread_atexit(void (*destroy)(void*), void* object, void* dso) noexcept {
  if (!under_test()) return AIOSIM_REAL(__cxa_thread_atexit)(destroy, object, dso);
  const RuntimeScope scope;
  g_current->exit_handlers.emplace_back(destroy, object);
  return 0;
}

// What other compilers' runtimes call.
int __cxa_thread_atexit_impl(void (*destroy)(void*), void* object, void* dso) noexcept {
  if (!under_test()) return AIOSIM_REAL(__cxa_thread_atexit_impl)(destroy, object, dso);
  return __cxa_thread_atexit(destroy, object, dso);
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

void _exit(int status) {
  if (under_test()) ended_by("_exit()", CALLER);
  AIOSIM_REAL(_exit)(status);
  __builtin_unreachable();
}

void _Exit(int status) noexcept {
  if (under_test()) ended_by("_Exit()", CALLER);
  AIOSIM_REAL(_Exit)(status);
  __builtin_unreachable();
}

void quick_exit(int status) noexcept {
  if (under_test()) ended_by("quick_exit()", CALLER);
  AIOSIM_REAL(quick_exit)(status);
  __builtin_unreachable();
}
}
