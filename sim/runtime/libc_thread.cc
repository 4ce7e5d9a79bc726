// pthread_create and its family in simulated threads.
#include <pthread.h>
#include <sched.h>
#include <unwind.h>

#include <cerrno>
#include <cstring>

#include "fault/host_calls.h"
#include "fault/points.h"
#include "runtime/heap.h"
#include "runtime/libc_call.h"
#include "runtime/real.h"
#include "runtime/stack.h"
#include "runtime/tcb.h"
#include "runtime/world.h"

namespace aiosim::runtime {
namespace {

Thread* find(pthread_t handle) { return world().thread_of(handle); }

bool has_finished(void* thread) {
  return static_cast<Thread*>(thread)->state == Thread::State::finished;
}

Object object_of(const Thread& thread) { return {ObjectType::thread, thread.id}; }

/// Why it cannot be joined, 0 if it can.
int join_error(const Thread* other) {
  if (other == nullptr || other->joined) return ESRCH;
  if (other->detached) return EINVAL;
  const Thread& me = world().self();
  const bool joins_me = other->state == Thread::State::blocked &&
                        other->wait.ready == has_finished && other->wait.data == &me;
  return other == &me || joins_me ? EDEADLK : 0;
}

int finish_join(Thread& other, void** result, const void* pc) {
  World& w = world();
  if (other.joined) return EINVAL;  // somebody else was faster
  w.joined(other);
  if (result != nullptr) *result = other.result;
  w.record("thread join", object_of(other), 0, 0, pc);
  return 0;
}

int join(pthread_t handle, void** result, std::int64_t deadline_ns, const void* pc) {
  World& w = world();
  Thread* other = find(handle);
  if (const int error = join_error(other)) return error;
  const Object object = object_of(*other);
  if (deadline_ns < 0) {
    w.point_before({has_finished, other, -1, "thread join", object}, pc,
                   {World::id_of(object), false});
  } else {
    w.point("thread join", object, pc);
  }
  if (const int error = join_error(other)) return error;  // others ran meanwhile
  while (!has_finished(other)) {
    const Wake wake = w.block({has_finished, other, deadline_ns, "thread join", object});
    if (wake == Wake::timeout) {
      w.record("thread join", object, -ETIMEDOUT, 0, pc);
      return ETIMEDOUT;
    }
  }
  return finish_join(*other, result, pc);
}

int join_until(pthread_t handle, void** result, clockid_t clock, const timespec* at,
               const void* pc) {
  if (at == nullptr) return join(handle, result, -1, pc);
  if (!is_waiting_clock(clock) || !is_valid_ns(*at)) return EINVAL;
  return join(handle, result, monotonic_ns(*at, clock), pc);
}

int try_join(pthread_t handle, void** result, const void* pc) {
  Thread* other = find(handle);
  if (const int error = join_error(other)) return error;
  give_way("thread tryjoin", object_of(*other), pc);
  if (!has_finished(other)) {
    world().record("thread tryjoin", object_of(*other), -EBUSY, 0, pc);
    return EBUSY;
  }
  return finish_join(*other, result, pc);
}

int detach(pthread_t handle, const void* pc) {
  Thread* other = find(handle);
  if (other == nullptr || other->joined) return ESRCH;
  if (other->detached) return EINVAL;
  world().point("thread detach", object_of(*other), pc);
  other->detached = true;
  world().record("thread detach", object_of(*other), 0, 0, pc);
  return 0;
}

// --- pthread_exit: the frames of the thread are unwound, destructors run ------------------------

_Unwind_Reason_Code go_on(int, _Unwind_Action, _Unwind_Exception_Class, _Unwind_Exception*,
                          _Unwind_Context*, void*) {
  return _URC_NO_REASON;  // World::enter catches it
}

void caught_for_good(_Unwind_Reason_Code, _Unwind_Exception*) {
  const RuntimeScope scope;
  World& w = world();
  w.fail(VerdictKind::crash, std::string(w.self().name) +
                                 " caught what pthread_exit() unwinds by, without throwing it on");
}

[[noreturn]] void leave_thread(void* result) {
  World& w = world();
  Thread& me = w.self();
  if (me.id == 0) not_simulated("pthread_exit() in a world's first thread");
  static _Unwind_Exception unwinders[memory::max_threads];
  _Unwind_Exception& unwinder = unwinders[me.id];
  unwinder = {};
  unwinder.exception_cleanup = caught_for_good;
  me.result = result;
  _Unwind_ForcedUnwind(&unwinder, go_on, nullptr);
  w.exit_thread(result);  // frames without unwind tables
}

}  // namespace
}  // namespace aiosim::runtime

using namespace aiosim::runtime;

extern "C" {

int pthread_create(pthread_t* out, const pthread_attr_t* attributes, void* (*start)(void*),
                   void* argument) {
  if (!under_test()) return aiosim::fault::host::pthread_create(out, attributes, start, argument);
  World& w = world();
  w.point("thread create", {ObjectType::thread, w.thread_count()}, CALLER);
  if (aiosim::fault::strikes(aiosim::fault::PointId::pthread_create_eagain)) return EAGAIN;
  Thread& child = w.spawn(start, argument);
  w.touch(object_of(child), true);
  int detached = PTHREAD_CREATE_JOINABLE;
  if (attributes != nullptr) pthread_attr_getdetachstate(attributes, &detached);
  child.detached = detached == PTHREAD_CREATE_DETACHED;
  *out = child.tcb->handle;
  w.record("thread create", object_of(child), 0, 0, CALLER);
  return 0;
}

int pthread_join(pthread_t handle, void** result) {
  return under_test() ? join(handle, result, -1, CALLER)
                      : AIOSIM_REAL(pthread_join)(handle, result);
}

int pthread_timedjoin_np(pthread_t handle, void** result, const timespec* at) {
  if (!under_test()) return AIOSIM_REAL(pthread_timedjoin_np)(handle, result, at);
  return join_until(handle, result, CLOCK_REALTIME, at, CALLER);
}

int pthread_clockjoin_np(pthread_t handle, void** result, clockid_t clock, const timespec* at) {
  if (!under_test()) return AIOSIM_REAL(pthread_clockjoin_np)(handle, result, clock, at);
  return join_until(handle, result, clock, at, CALLER);
}

int pthread_tryjoin_np(pthread_t handle, void** result) noexcept {
  return under_test() ? try_join(handle, result, CALLER)
                      : AIOSIM_REAL(pthread_tryjoin_np)(handle, result);
}

int pthread_detach(pthread_t handle) noexcept {
  return under_test() ? detach(handle, CALLER) : AIOSIM_REAL(pthread_detach)(handle);
}

void pthread_exit(void* result) {
  if (under_test()) leave_thread(result);
  AIOSIM_REAL(pthread_exit)(result);
  __builtin_unreachable();
}

// The stack is the world's; the size that the thread was asked to have is not kept.
int pthread_getattr_np(pthread_t handle, pthread_attr_t* attributes) noexcept {
  if (!under_test()) return AIOSIM_REAL(pthread_getattr_np)(handle, attributes);
  const Thread* thread = find(handle);
  if (thread == nullptr) return ESRCH;
  const RuntimeScope scope;
  pthread_attr_init(attributes);
  pthread_attr_setstack(attributes, thread->stack->low, stack_size);
  if (thread->detached) pthread_attr_setdetachstate(attributes, PTHREAD_CREATE_DETACHED);
  return 0;
}

int pthread_getname_np(pthread_t handle, char* name, std::size_t size) noexcept {
  if (!under_test()) return AIOSIM_REAL(pthread_getname_np)(handle, name, size);
  const Thread* thread = find(handle);
  if (thread == nullptr) return ESRCH;
  if (size < sizeof thread->name) return ERANGE;
  std::strcpy(name, thread->name);
  return 0;
}

int pthread_setname_np(pthread_t handle, const char* name) noexcept {
  if (!under_test()) return AIOSIM_REAL(pthread_setname_np)(handle, name);
  Thread* thread = find(handle);
  if (thread == nullptr) return ESRCH;
  if (std::strlen(name) >= sizeof thread->name) return ERANGE;
  std::strcpy(thread->name, name);
  return 0;
}

int sched_yield() noexcept {
  if (!under_test()) return AIOSIM_REAL(sched_yield)();
  world().yield("sched_yield", CALLER);
  return 0;
}

}
