// pthread spin locks: a world's threads wait for one as for a mutex, instead of burning time.
#include <pthread.h>

#include <cerrno>

#include "runtime/heap.h"
#include "runtime/libc_call.h"
#include "runtime/real.h"
#include "runtime/sync_objects.h"
#include "runtime/world.h"

namespace aiosim::runtime {
namespace {

bool is_free(void* lock) { return static_cast<SyncObject*>(lock)->owner == SyncObject::nobody; }

void* memory_of(pthread_spinlock_t* l) { return const_cast<int*>(l); }

SyncObject& spin_at(pthread_spinlock_t* l) {
  return sync_objects().at(ObjectType::spinlock, memory_of(l));
}

void take(SyncObject& lock, const char* operation, const void* pc) {
  World& w = world();
  lock.owner = w.self().id;
  lock.taken_at = pc;
  w.memory.acquire(lock.owner, lock.message);
  w.record(operation, lock.name, 0, 0, pc);
}

int lock(pthread_spinlock_t* l, const void* pc) {
  SyncObject& spin = spin_at(l);
  world().point("spin lock", spin.name, pc);
  use_memory(memory_of(l), pc);
  while (!is_free(&spin)) {
    sync_objects().block(spin, {is_free, &spin, -1, "spin lock", {}}, pc);
  }
  take(spin, "spin lock", pc);
  return 0;
}

int trylock(pthread_spinlock_t* l, const void* pc) {
  SyncObject& spin = spin_at(l);
  give_way("spin trylock", spin.name, pc);
  use_memory(memory_of(l), pc);
  if (!is_free(&spin)) {
    world().record("spin trylock", spin.name, -EBUSY, 0, pc);
    return EBUSY;
  }
  take(spin, "spin trylock", pc);
  return 0;
}

int unlock(pthread_spinlock_t* l, const void* pc) {
  World& w = world();
  SyncObject& spin = spin_at(l);
  w.point("spin unlock", spin.name, pc);
  use_memory(memory_of(l), pc);
  if (spin.owner != w.self().id) {
    const RuntimeScope scope;
    const std::string by = spin.held() ? "held by " + holders(spin) : "not held by anybody";
    misuse("unlocks " + describe(spin.name) + ", which it does not hold (" + by + ')', pc);
  }
  spin.owner = SyncObject::nobody;
  w.memory.release(w.self().id, spin.message);
  w.state_changed();
  w.record("spin unlock", spin.name, 0, 0, pc);
  return 0;
}

}  // namespace
}  // namespace aiosim::runtime

using namespace aiosim::runtime;

extern "C" {

int pthread_spin_init(pthread_spinlock_t* l, int shared) noexcept {
  if (!under_test()) return AIOSIM_REAL(pthread_spin_init)(l, shared);
  sync_objects().make(ObjectType::spinlock, memory_of(l), CALLER);
  return AIOSIM_REAL(pthread_spin_init)(l, shared);
}

int pthread_spin_destroy(pthread_spinlock_t* l) noexcept {
  if (!under_test()) return AIOSIM_REAL(pthread_spin_destroy)(l);
  sync_objects().destroy(ObjectType::spinlock, memory_of(l), "spin destroy", CALLER);
  return 0;
}

int pthread_spin_lock(pthread_spinlock_t* l) noexcept {
  return under_test() ? lock(l, CALLER) : AIOSIM_REAL(pthread_spin_lock)(l);
}

int pthread_spin_trylock(pthread_spinlock_t* l) noexcept {
  return under_test() ? trylock(l, CALLER) : AIOSIM_REAL(pthread_spin_trylock)(l);
}

int pthread_spin_unlock(pthread_spinlock_t* l) noexcept {
  return under_test() ? unlock(l, CALLER) : AIOSIM_REAL(pthread_spin_unlock)(l);
}

}  // extern "C"
