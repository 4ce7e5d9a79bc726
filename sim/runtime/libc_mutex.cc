// pthread mutexes and conditions in simulated time.
//
// Error checking beyond POSIX: an unlock by a thread that does not hold the mutex (unless the mutex
// was made with PTHREAD_MUTEX_ERRORCHECK, whose users ask for EPERM), and the destruction of a held
// or awaited one, end the run. Who gets a mutex that was given up is the scheduler's choice among
// all who want it, as with the futexes behind glibc's, which know no queue.
#include <pthread.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>

#include "fault/points.h"
#include "runtime/heap.h"
#include "runtime/libc_call.h"
#include "runtime/real.h"
#include "runtime/sync_objects.h"
#include "runtime/world.h"

namespace aiosim::runtime {
namespace {

constexpr int type_mask = 3;                   // glibc's __kind: the mutex type is the low two bits
constexpr unsigned monotonic_condition = 2;    // glibc's __wrefs: pthread_condattr_setclock

int type_of(const pthread_mutex_t* m) { return m->__data.__kind & type_mask; }
bool is_recursive(const pthread_mutex_t* m) { return type_of(m) == PTHREAD_MUTEX_RECURSIVE_NP; }

bool is_free(void* mutex) { return static_cast<SyncObject*>(mutex)->owner == SyncObject::nobody; }
bool is_signalled(void* waiter) { return static_cast<Waiter*>(waiter)->signalled; }

// __elision is not used for the types that a world has.
SyncObject& mutex_at(pthread_mutex_t* m, const void* pc) {
  return sync_objects().at(ObjectType::mutex, m, m->__data.__elision, pc);
}

void check_alive(const pthread_mutex_t* m, const SyncObject& mutex, const char* verb,
                 const void* pc) {
  if (m->__data.__kind < 0) {  // glibc's pthread_mutex_destroy
    const RuntimeScope scope;
    misuse(verb + (' ' + describe(mutex.name)) + ", which was destroyed", pc);
  }
  use_memory(m, pc);
}

void take(SyncObject& mutex, const char* operation, const void* pc) {
  World& w = world();
  w.touch(mutex.name, true);
  mutex.owner = w.self().id;
  mutex.count = 1;
  mutex.taken_at = pc;
  w.memory.acquire(mutex.owner, mutex.message);
  w.record(operation, mutex.name, 0, 0, pc);
}

void take_again(SyncObject& mutex, const char* operation, const void* pc) {
  ++mutex.count;
  world().record(operation, mutex.name, mutex.count, 0, pc);
}

/// `deadline` is null for none.
int lock(pthread_mutex_t* m, const timespec* deadline, clockid_t clock, const void* pc) {
  World& w = world();
  if (!is_waiting_clock(clock)) return EINVAL;
  SyncObject& mutex = mutex_at(m, pc);
  if (deadline == nullptr && mutex.owner != w.self().id) {
    sync_objects().point_before(mutex, {is_free, &mutex, -1, "mutex lock", {}}, pc);
  } else {
    w.point("mutex lock", mutex.name, pc);
  }
  check_alive(m, mutex, "locks", pc);
  if (mutex.owner == w.self().id) {
    if (is_recursive(m)) {
      take_again(mutex, "mutex lock", pc);
      return 0;
    }
    if (type_of(m) == PTHREAD_MUTEX_ERRORCHECK_NP) return EDEADLK;
  }
  if (!is_free(&mutex) && deadline != nullptr && !is_valid_ns(*deadline)) return EINVAL;
  const std::int64_t deadline_ns = deadline != nullptr ? monotonic_ns(*deadline, clock) : -1;
  while (!is_free(&mutex)) {
    const Wake wake =
        sync_objects().block(mutex, {is_free, &mutex, deadline_ns, "mutex lock", {}}, pc);
    if (wake == Wake::timeout) {
      w.record("mutex timeout", mutex.name, 0, 0, pc);
      return ETIMEDOUT;
    }
  }
  take(mutex, "mutex lock", pc);
  return 0;
}

int trylock(pthread_mutex_t* m, const void* pc) {
  SyncObject& mutex = mutex_at(m, pc);
  give_way("mutex trylock", mutex.name, pc);
  check_alive(m, mutex, "locks", pc);
  if (mutex.owner == world().self().id && is_recursive(m)) {
    take_again(mutex, "mutex trylock", pc);
    return 0;
  }
  if (!is_free(&mutex)) {
    world().record("mutex trylock", mutex.name, -EBUSY, 0, pc);
    return EBUSY;
  }
  take(mutex, "mutex trylock", pc);
  return 0;
}

void release(SyncObject& mutex) {
  World& w = world();
  w.touch(mutex.name, true);
  mutex.owner = SyncObject::nobody;
  mutex.count = 0;
  w.memory.release(w.self().id, mutex.message);
  w.state_changed();
}

int unlock(pthread_mutex_t* m, const void* pc) {
  World& w = world();
  SyncObject& mutex = mutex_at(m, pc);
  w.point("mutex unlock", mutex.name, pc);
  check_alive(m, mutex, "unlocks", pc);
  if (mutex.owner != w.self().id) {
    if (type_of(m) == PTHREAD_MUTEX_ERRORCHECK_NP) return EPERM;
    const RuntimeScope scope;
    const std::string by = mutex.held() ? "held by " + holders(mutex) : "not held by anybody";
    misuse("unlocks " + describe(mutex.name) + ", which it does not hold (" + by + ')', pc);
  }
  if (mutex.count > 1) {
    --mutex.count;
  } else {
    release(mutex);
  }
  w.record("mutex unlock", mutex.name, mutex.count, 0, pc);
  return 0;
}

void check_wait(const SyncObject& condition, const SyncObject& mutex, const void* pc) {
  if (mutex.owner != world().self().id) {
    const RuntimeScope scope;
    misuse("waits on " + describe(condition.name) + " without holding " + describe(mutex.name), pc);
  }
  for (const Waiter* other : condition.waiters) {
    if (other->mutex == &mutex) continue;
    const RuntimeScope scope;
    misuse("waits on " + describe(condition.name) + " with " + describe(mutex.name) + " while " +
               world().thread(other->thread).name + " does with " + describe(other->mutex->name),
           pc);
  }
}

// The wait is one point: giving up the mutex and starting to wait cannot be told apart.
int wait(pthread_cond_t* c, pthread_mutex_t* m, std::int64_t deadline_ns, const void* pc) {
  World& w = world();
  SyncObject& condition = sync_objects().at(ObjectType::condition, c);
  SyncObject& mutex = mutex_at(m, pc);
  w.point("condition wait", condition.name, pc);
  use_memory(c, pc);
  check_alive(m, mutex, "waits with", pc);
  check_wait(condition, mutex, pc);
  Waiter waiter{w.self().id, false, false, &mutex};
  const std::uint32_t depth = mutex.count;
  bool spurious;
  {
    const RuntimeScope scope;
    condition.waiters.push_back(&waiter);
    spurious = fault::strikes(fault::PointId::cond_wait_spurious);
  }
  // As in glibc, one level of a recursive mutex is given up: a mutex that was locked twice stays.
  if (depth > 1) {
    --mutex.count;
  } else {
    release(mutex);
  }
  const Wake wake = sync_objects().block(
      condition, {is_signalled, &waiter, deadline_ns, "condition wait", {}, spurious}, pc);
  std::erase(condition.waiters, &waiter);
  const char* const operation = wake == Wake::timeout ? "condition timeout" : "condition wake";
  w.touch(mutex.name, true);  // also if it is not free
  if (depth > 1) {
    take_again(mutex, operation, pc);
  } else {
    while (!is_free(&mutex)) {
      sync_objects().block(mutex, {is_free, &mutex, -1, "mutex lock", {}}, pc);
    }
    take(mutex, operation, pc);
  }
  return wake == Wake::timeout ? ETIMEDOUT : 0;
}

int wait_until(pthread_cond_t* c, pthread_mutex_t* m, clockid_t clock, const timespec& at,
               const void* pc) {
  if (!is_waiting_clock(clock) || !is_valid_ns(at)) return EINVAL;
  return wait(c, m, monotonic_ns(at, clock), pc);
}

void signal(pthread_cond_t* c, bool all, const void* pc) {
  World& w = world();
  SyncObject& condition = sync_objects().at(ObjectType::condition, c);
  w.point(all ? "condition broadcast" : "condition signal", condition.name, pc);
  use_memory(c, pc);
  auto& waiters = condition.waiters;
  const auto woken = static_cast<std::int64_t>(all ? waiters.size() : waiters.empty() ? 0 : 1);
  if (all) {
    for (Waiter* waiter : waiters) waiter->signalled = true;
    waiters.clear();
  } else if (!waiters.empty()) {
    const auto pick = w.choose(Kind::wake, static_cast<std::uint32_t>(waiters.size()));
    waiters[pick]->signalled = true;
    waiters.erase(waiters.begin() + pick);
  }
  w.state_changed();
  w.record(all ? "condition broadcast" : "condition signal", condition.name, woken, 0, pc);
}

}  // namespace
}  // namespace aiosim::runtime

using namespace aiosim::runtime;

// glibc exports two versions of the condition calls; dlsym would give the old one.
#define REAL_COND(function) AIOSIM_REAL_VERSION(function, "GLIBC_2.3.2")

extern "C" {

int pthread_mutex_init(pthread_mutex_t* m, const pthread_mutexattr_t* attributes) noexcept {
  if (!under_test()) return AIOSIM_REAL(pthread_mutex_init)(m, attributes);
  int robust = PTHREAD_MUTEX_STALLED;
  if (attributes != nullptr) pthread_mutexattr_getrobust(attributes, &robust);
  if (robust != PTHREAD_MUTEX_STALLED) not_simulated("a robust mutex (pthread_mutex_init())");
  sync_objects().make(ObjectType::mutex, m, CALLER);
  return AIOSIM_REAL(pthread_mutex_init)(m, attributes);
}

int pthread_mutex_lock(pthread_mutex_t* m) noexcept {
  if (!under_test()) return AIOSIM_REAL(pthread_mutex_lock)(m);
  return lock(m, nullptr, CLOCK_REALTIME, CALLER);
}

int pthread_mutex_trylock(pthread_mutex_t* m) noexcept {
  if (!under_test()) return AIOSIM_REAL(pthread_mutex_trylock)(m);
  return trylock(m, CALLER);
}

int pthread_mutex_timedlock(pthread_mutex_t* m, const timespec* at) noexcept {
  if (!under_test()) return AIOSIM_REAL(pthread_mutex_timedlock)(m, at);
  return lock(m, at, CLOCK_REALTIME, CALLER);
}

int pthread_mutex_clocklock(pthread_mutex_t* m, clockid_t clock, const timespec* at) noexcept {
  if (!under_test()) return AIOSIM_REAL(pthread_mutex_clocklock)(m, clock, at);
  return lock(m, at, clock, CALLER);
}

int pthread_mutex_unlock(pthread_mutex_t* m) noexcept {
  if (!under_test()) return AIOSIM_REAL(pthread_mutex_unlock)(m);
  return unlock(m, CALLER);
}

int pthread_mutex_destroy(pthread_mutex_t* m) noexcept {
  if (!under_test()) return AIOSIM_REAL(pthread_mutex_destroy)(m);
  sync_objects().destroy(ObjectType::mutex, m, "mutex destroy", CALLER);
  return AIOSIM_REAL(pthread_mutex_destroy)(m);
}

int pthread_cond_init(pthread_cond_t* c, const pthread_condattr_t* attributes) noexcept {
  if (!under_test()) return REAL_COND(pthread_cond_init)(c, attributes);
  sync_objects().make(ObjectType::condition, c, CALLER);
  return REAL_COND(pthread_cond_init)(c, attributes);
}

int pthread_cond_wait(pthread_cond_t* c, pthread_mutex_t* m) {
  if (!under_test()) return REAL_COND(pthread_cond_wait)(c, m);
  return wait(c, m, -1, CALLER);
}

int pthread_cond_timedwait(pthread_cond_t* c, pthread_mutex_t* m, const timespec* at) {
  if (!under_test()) return REAL_COND(pthread_cond_timedwait)(c, m, at);
  const bool monotonic = (c->__data.__wrefs & monotonic_condition) != 0;
  return wait_until(c, m, monotonic ? CLOCK_MONOTONIC : CLOCK_REALTIME, *at, CALLER);
}

int pthread_cond_clockwait(pthread_cond_t* c, pthread_mutex_t* m, clockid_t clock,
                           const timespec* at) {
  if (!under_test()) return AIOSIM_REAL(pthread_cond_clockwait)(c, m, clock, at);
  return wait_until(c, m, clock, *at, CALLER);
}

int pthread_cond_signal(pthread_cond_t* c) noexcept {
  if (!under_test()) return REAL_COND(pthread_cond_signal)(c);
  signal(c, false, CALLER);
  return 0;
}

int pthread_cond_broadcast(pthread_cond_t* c) noexcept {
  if (!under_test()) return REAL_COND(pthread_cond_broadcast)(c);
  signal(c, true, CALLER);
  return 0;
}

int pthread_cond_destroy(pthread_cond_t* c) noexcept {
  if (!under_test()) return REAL_COND(pthread_cond_destroy)(c);
  sync_objects().destroy(ObjectType::condition, c, "condition destroy", CALLER);
  return 0;
}
}
