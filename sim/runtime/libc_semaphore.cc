// POSIX semaphores in simulated time. The value stays where glibc keeps it: in the first four bytes
// of the sem_t, so that one made before the run has its value.
#include <semaphore.h>

#include <cerrno>
#include <climits>
#include <cstdint>

#include "runtime/heap.h"
#include "runtime/libc_call.h"
#include "runtime/real.h"
#include "runtime/sync_objects.h"
#include "runtime/world.h"

namespace aiosim::runtime {
namespace {

std::uint32_t& value_of(sem_t* s) { return *reinterpret_cast<std::uint32_t*>(s); }
bool is_positive(void* s) { return value_of(static_cast<sem_t*>(s)) > 0; }

SyncObject& semaphore_at(sem_t* s) { return sync_objects().at(ObjectType::semaphore, s); }

void take(sem_t* s, const SyncObject& semaphore, const char* operation, const void* pc) {
  World& w = world();
  --value_of(s);
  w.memory.acquire(w.self().id, semaphore.message);
  w.record(operation, semaphore.name, value_of(s), 0, pc);
}

/// `deadline` is null for none. 0 or a positive error number.
int wait(sem_t* s, const timespec* deadline, clockid_t clock, const void* pc) {
  if (!is_waiting_clock(clock) || (deadline != nullptr && !is_valid_ns(*deadline))) return EINVAL;
  World& w = world();
  const SyncObject& semaphore = semaphore_at(s);
  w.point("sem_wait", semaphore.name, pc);
  use_memory(s, pc);
  const std::int64_t deadline_ns = deadline != nullptr ? monotonic_ns(*deadline, clock) : -1;
  while (!is_positive(s)) {
    const Wake wake =
        sync_objects().block(semaphore, {is_positive, s, deadline_ns, "sem_wait", {}}, pc);
    if (wake == Wake::timeout) {
      w.record("sem_wait", semaphore.name, -ETIMEDOUT, 0, pc);
      return ETIMEDOUT;
    }
  }
  take(s, semaphore, "sem_wait", pc);
  return 0;
}

int try_wait(sem_t* s, const void* pc) {
  const SyncObject& semaphore = semaphore_at(s);
  give_way("sem_trywait", semaphore.name, pc);
  use_memory(s, pc);
  if (!is_positive(s)) {
    world().record("sem_trywait", semaphore.name, -EAGAIN, 0, pc);
    return EAGAIN;
  }
  take(s, semaphore, "sem_trywait", pc);
  return 0;
}

int post(sem_t* s, const void* pc) {
  World& w = world();
  SyncObject& semaphore = semaphore_at(s);
  w.point("sem_post", semaphore.name, pc);
  use_memory(s, pc);
  if (value_of(s) == SEM_VALUE_MAX) return EOVERFLOW;
  ++value_of(s);
  w.memory.release(w.self().id, semaphore.message);
  w.state_changed();
  w.record("sem_post", semaphore.name, value_of(s), 0, pc);
  return 0;
}

int get_value(sem_t* s, int* value, const void* pc) {
  World& w = world();
  const SyncObject& semaphore = semaphore_at(s);
  w.point("sem_getvalue", semaphore.name, pc, {World::id_of(semaphore.name), false});
  use_memory(s, pc);
  *value = static_cast<int>(value_of(s));
  w.record("sem_getvalue", semaphore.name, *value, 0, pc);
  return 0;
}

}  // namespace
}  // namespace aiosim::runtime

using namespace aiosim::runtime;

extern "C" {

int sem_init(sem_t* s, int shared, unsigned value) noexcept {
  if (!under_test()) return AIOSIM_REAL(sem_init)(s, shared, value);
  sync_objects().make(ObjectType::semaphore, s, CALLER);
  return AIOSIM_REAL(sem_init)(s, shared, value);
}

int sem_destroy(sem_t* s) noexcept {
  if (!under_test()) return AIOSIM_REAL(sem_destroy)(s);
  sync_objects().destroy(ObjectType::semaphore, s, "sem_destroy", CALLER);
  return 0;
}

int sem_wait(sem_t* s) {
  if (!under_test()) return AIOSIM_REAL(sem_wait)(s);
  return libc_result(-wait(s, nullptr, CLOCK_REALTIME, CALLER));
}

int sem_timedwait(sem_t* s, const timespec* at) {
  if (!under_test()) return AIOSIM_REAL(sem_timedwait)(s, at);
  return libc_result(-wait(s, at, CLOCK_REALTIME, CALLER));
}

int sem_clockwait(sem_t* s, clockid_t clock, const timespec* at) {
  if (!under_test()) return AIOSIM_REAL(sem_clockwait)(s, clock, at);
  return libc_result(-wait(s, at, clock, CALLER));
}

int sem_trywait(sem_t* s) noexcept {
  return under_test() ? libc_result(-try_wait(s, CALLER)) : AIOSIM_REAL(sem_trywait)(s);
}

int sem_post(sem_t* s) noexcept {
  return under_test() ? libc_result(-post(s, CALLER)) : AIOSIM_REAL(sem_post)(s);
}

int sem_getvalue(sem_t* s, int* value) noexcept {
  return under_test() ? get_value(s, value, CALLER) : AIOSIM_REAL(sem_getvalue)(s, value);
}

}  // extern "C"
