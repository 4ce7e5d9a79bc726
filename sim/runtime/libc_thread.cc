// pthread_create and its family, thread-specific data, once: in simulated threads.
#include <pthread.h>
#include <sched.h>

#include <cerrno>
#include <cstring>

#include "runtime/heap.h"
#include "runtime/libc_call.h"
#include "runtime/real.h"
#include "runtime/sync_objects.h"
#include "runtime/tcb.h"
#include "runtime/thread_keys.h"
#include "runtime/world.h"

namespace aiosim::runtime {
namespace {

Thread* find(pthread_t handle) {
  World& w = world();
  for (std::uint32_t i = 0; i < w.thread_count(); ++i) {
    if (w.thread(i).tcb->handle == handle) return &w.thread(i);
  }
  return nullptr;
}

bool has_finished(void* thread) {
  return static_cast<Thread*>(thread)->state == Thread::State::finished;
}

bool is_idle(void* once) { return static_cast<SyncObject*>(once)->owner == SyncObject::nobody; }

// Simulated keys; numbers far from the real ones, which stay usable for keys made outside.
constexpr pthread_key_t first_key = 1u << 20;
struct Key {
  void (*destroy)(void*);
};
std::vector<Key>& keys() {
  static auto* all = new std::vector<Key>;
  return *all;
}

}  // namespace

void reset_keys() { keys().clear(); }

void run_key_destructors(Thread& thread) {
  for (int round = 0; round < PTHREAD_DESTRUCTOR_ITERATIONS; ++round) {
    bool called = false;
    for (std::size_t i = 0; i < thread.specific.size(); ++i) {
      void* value = std::exchange(thread.specific[i], nullptr);
      if (value == nullptr || keys()[i].destroy == nullptr) continue;
      keys()[i].destroy(value);
      called = true;
    }
    if (!called) return;
  }
}

}  // namespace aiosim::runtime

using namespace aiosim::runtime;

extern "C" {

int pthread_create(pthread_t* out, const pthread_attr_t* attributes, void* (*start)(void*),
                   void* argument) {
  if (!under_test()) return AIOSIM_REAL(pthread_create)(out, attributes, start, argument);
  World& w = world();
  w.point("thread create", {ObjectType::thread, w.thread_count()}, CALLER);
  Thread& child = w.spawn(start, argument);
  int detached = PTHREAD_CREATE_JOINABLE;
  if (attributes != nullptr) pthread_attr_getdetachstate(attributes, &detached);
  child.detached = detached == PTHREAD_CREATE_DETACHED;
  *out = child.tcb->handle;
  w.record("thread create", {ObjectType::thread, child.id}, 0, 0, CALLER);
  return 0;
}

int pthread_join(pthread_t handle, void** result) {
  if (!under_test()) return AIOSIM_REAL(pthread_join)(handle, result);
  World& w = world();
  Thread* other = find(handle);
  if (other == nullptr || other->joined) return ESRCH;
  if (other->detached) return EINVAL;
  if (other == &w.self()) return EDEADLK;
  const Object object{ObjectType::thread, other->id};
  w.point_before({has_finished, other, -1, "thread join", object}, CALLER,
                 {World::id_of(object), false});
  while (!has_finished(other)) {
    w.block({has_finished, other, -1, "thread join", object, false});
  }
  other->joined = true;
  w.memory.thread_joined(w.self().id, other->id);
  if (result != nullptr) *result = other->result;
  w.record("thread join", object, 0, 0, CALLER);
  return 0;
}

int pthread_detach(pthread_t handle) noexcept {
  if (!under_test()) return AIOSIM_REAL(pthread_detach)(handle);
  Thread* other = find(handle);
  if (other == nullptr) return ESRCH;
  other->detached = true;
  return 0;
}

void pthread_exit(void* result) {
  if (under_test()) world().exit_thread(result);
  AIOSIM_REAL(pthread_exit)(result);
  __builtin_unreachable();
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

int pthread_cancel(pthread_t handle) {
  if (under_test()) not_simulated("pthread_cancel()");
  return AIOSIM_REAL(pthread_cancel)(handle);
}

int pthread_kill(pthread_t handle, int number) noexcept {
  if (under_test()) not_simulated("pthread_kill()");
  return AIOSIM_REAL(pthread_kill)(handle, number);
}

// Signals are simulated only as EINTR faults: a mask changes nothing.
int pthread_sigmask(int how, const sigset_t* set, sigset_t* old) noexcept {
  if (!under_test()) return AIOSIM_REAL(pthread_sigmask)(how, set, old);
  if (old != nullptr) std::memset(old, 0, sizeof *old);
  return 0;
}

int pthread_once(pthread_once_t* control, void (*initialise)()) {
  if (!under_test()) return AIOSIM_REAL(pthread_once)(control, initialise);
  World& w = world();
  SyncObject& once = sync_objects().at(ObjectType::once, control);
  w.point("once", once.name, CALLER);
  while (!once.done && !is_idle(&once)) {
    w.block({is_idle, &once, -1, "once", once.name, false});
  }
  if (once.done) {
    w.memory.acquire(w.self().id, once.message);
    return 0;
  }
  once.owner = w.self().id;
  try {
    initialise();
  } catch (...) {
    once.owner = SyncObject::nobody;
    w.state_changed();
    throw;
  }
  once.owner = SyncObject::nobody;
  once.done = true;
  w.memory.release(w.self().id, once.message);
  w.state_changed();
  return 0;
}

int pthread_key_create(pthread_key_t* key, void (*destroy)(void*)) noexcept {
  if (!under_test()) return AIOSIM_REAL(pthread_key_create)(key, destroy);
  const RuntimeScope scope;
  keys().push_back({destroy});
  *key = first_key + static_cast<pthread_key_t>(keys().size() - 1);
  return 0;
}

int pthread_key_delete(pthread_key_t key) noexcept {
  if (key < first_key) return AIOSIM_REAL(pthread_key_delete)(key);
  if (key - first_key >= keys().size()) return EINVAL;
  keys()[key - first_key].destroy = nullptr;
  return 0;
}

void* pthread_getspecific(pthread_key_t key) noexcept {
  if (key < first_key || g_current == nullptr) return AIOSIM_REAL(pthread_getspecific)(key);
  const auto& values = g_current->specific;
  return key - first_key < values.size() ? values[key - first_key] : nullptr;
}

int pthread_setspecific(pthread_key_t key, const void* value) noexcept {
  if (key < first_key || g_current == nullptr) {
    return AIOSIM_REAL(pthread_setspecific)(key, value);
  }
  if (key - first_key >= keys().size()) return EINVAL;
  const RuntimeScope scope;
  auto& values = g_current->specific;
  if (values.size() < keys().size()) values.resize(keys().size(), nullptr);
  values[key - first_key] = const_cast<void*>(value);
  return 0;
}
}
