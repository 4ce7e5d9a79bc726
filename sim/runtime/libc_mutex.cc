// pthread mutexes and conditions in simulated time.
//
// Error checking beyond POSIX: an unlock by a thread that does not hold the mutex, and the
// destruction of a held one, end the run.
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

constexpr int kind_mask = 3;  // glibc's __kind: the mutex type lies in the low two bits

bool is_free(void* mutex) { return static_cast<SyncObject*>(mutex)->owner == SyncObject::nobody; }
bool is_signalled(void* waiter) { return static_cast<ConditionWaiter*>(waiter)->signalled; }

void take(SyncObject& mutex, const char* operation, const void* pc) {
  World& w = world();
  w.touch(mutex.name, true);
  mutex.owner = w.self().id;
  mutex.count = 1;
  w.memory.acquire(mutex.owner, mutex.message);
  w.record(operation, mutex.name, 0, 0, pc);
}

int lock(pthread_mutex_t* m, std::int64_t deadline_ns, const void* pc) {
  World& w = world();
  SyncObject& mutex = sync_objects().at(ObjectType::mutex, m);
  if (deadline_ns < 0 && mutex.owner != w.self().id) {
    w.point_before({is_free, &mutex, -1, "mutex lock", mutex.name}, pc,
                   {World::id_of(mutex.name), true});
  } else {
    w.point("mutex lock", mutex.name, pc);
  }
  if (mutex.owner == w.self().id) {
    const int kind = m->__data.__kind & kind_mask;
    if (kind == PTHREAD_MUTEX_RECURSIVE_NP) {
      ++mutex.count;
      return 0;
    }
    if (kind == PTHREAD_MUTEX_ERRORCHECK_NP) return EDEADLK;
  }
  while (!is_free(&mutex)) {
    const Wake wake = w.block({is_free, &mutex, deadline_ns, "mutex lock", mutex.name, false});
    if (wake == Wake::timeout) return ETIMEDOUT;
  }
  take(mutex, "mutex lock", pc);
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
  SyncObject& mutex = sync_objects().at(ObjectType::mutex, m);
  w.point("mutex unlock", mutex.name, pc);
  if (mutex.owner != w.self().id) {
    const RuntimeScope scope;
    w.fail(VerdictKind::crash, std::string(w.self().name) + " unlocks " + describe(mutex.name) +
                                   ", which it does not hold, at " + w.describe_pc(pc));
  }
  if (mutex.count > 1) {
    --mutex.count;
    return 0;
  }
  release(mutex);
  w.record("mutex unlock", mutex.name, 0, 0, pc);
  return 0;
}

// The wait is one point: giving up the mutex and starting to wait cannot be told apart.
int wait(pthread_cond_t* c, pthread_mutex_t* m, std::int64_t deadline_ns, const void* pc) {
  World& w = world();
  SyncObject& condition = sync_objects().at(ObjectType::condition, c);
  SyncObject& mutex = sync_objects().at(ObjectType::mutex, m);
  w.point("condition wait", condition.name, pc);
  if (mutex.owner != w.self().id) {
    const RuntimeScope scope;
    w.fail(VerdictKind::crash, "condition wait without holding the mutex");
  }
  ConditionWaiter waiter;
  bool spurious;
  {
    const RuntimeScope scope;
    condition.waiters.push_back(&waiter);
    spurious = fault::strikes(fault::PointId::cond_wait_spurious);
  }
  release(mutex);
  const Wake wake = w.block(
      {is_signalled, &waiter, deadline_ns, "condition wait", condition.name, spurious});
  std::erase(condition.waiters, &waiter);
  w.touch(mutex.name, true);
  while (!is_free(&mutex)) {
    w.block({is_free, &mutex, -1, "mutex lock", mutex.name, false});
  }
  take(mutex, wake == Wake::timeout ? "condition timeout" : "condition wake", pc);
  return wake == Wake::timeout ? ETIMEDOUT : 0;
}

void signal(pthread_cond_t* c, bool all, const void* pc) {
  World& w = world();
  SyncObject& condition = sync_objects().at(ObjectType::condition, c);
  w.point(all ? "condition broadcast" : "condition signal", condition.name, pc);
  auto& waiters = condition.waiters;
  const auto woken = static_cast<std::int64_t>(all ? waiters.size() : waiters.empty() ? 0 : 1);
  if (all) {
    for (ConditionWaiter* waiter : waiters) waiter->signalled = true;
    waiters.clear();
  } else if (!waiters.empty()) {
    const auto pick = w.choose(Kind::wake, static_cast<std::uint32_t>(waiters.size()));
    waiters[pick]->signalled = true;
    waiters.erase(waiters.begin() + pick);
  }
  w.state_changed();
  w.record(all ? "condition broadcast" : "condition signal", condition.name, woken, 0, pc);
}

// CLOCK_REALTIME of a world is CLOCK_MONOTONIC plus this (libc_time.cc).
std::int64_t monotonic_ns(const timespec& at, clockid_t clock) {
  const std::int64_t ns = at.tv_sec * 1'000'000'000 + at.tv_nsec;
  return std::max<std::int64_t>(0, clock == CLOCK_REALTIME ? ns - realtime_offset_ns : ns);
}

}  // namespace
}  // namespace aiosim::runtime

using namespace aiosim::runtime;

// glibc exports two versions of the condition calls; dlsym would give the old one.
#define REAL_COND(function) AIOSIM_REAL_VERSION(function, "GLIBC_2.3.2")

extern "C" {

int pthread_mutex_lock(pthread_mutex_t* m) noexcept {
  if (!under_test()) return AIOSIM_REAL(pthread_mutex_lock)(m);
  return lock(m, -1, CALLER);
}

int pthread_mutex_trylock(pthread_mutex_t* m) noexcept {
  if (!under_test()) return AIOSIM_REAL(pthread_mutex_trylock)(m);
  World& w = world();
  SyncObject& mutex = sync_objects().at(ObjectType::mutex, m);
  w.yield("mutex trylock", CALLER);
  w.touch(mutex.name, true);
  if (!is_free(&mutex)) return EBUSY;
  take(mutex, "mutex trylock", CALLER);
  return 0;
}

int pthread_mutex_timedlock(pthread_mutex_t* m, const timespec* at) noexcept {
  if (!under_test()) return AIOSIM_REAL(pthread_mutex_timedlock)(m, at);
  return lock(m, monotonic_ns(*at, CLOCK_REALTIME), CALLER);
}

int pthread_mutex_clocklock(pthread_mutex_t* m, clockid_t clock, const timespec* at) noexcept {
  if (!under_test()) return AIOSIM_REAL(pthread_mutex_clocklock)(m, clock, at);
  return lock(m, monotonic_ns(*at, clock), CALLER);
}

int pthread_mutex_unlock(pthread_mutex_t* m) noexcept {
  if (!under_test()) return AIOSIM_REAL(pthread_mutex_unlock)(m);
  return unlock(m, CALLER);
}

int pthread_mutex_destroy(pthread_mutex_t* m) noexcept {
  if (!under_test()) return AIOSIM_REAL(pthread_mutex_destroy)(m);
  SyncObject& mutex = sync_objects().at(ObjectType::mutex, m);
  if (!is_free(&mutex)) {
    const RuntimeScope scope;
    world().fail(aiosim::VerdictKind::crash,
                 describe(mutex.name) + " is destroyed while it is held");
  }
  sync_objects().forget(ObjectType::mutex, m);
  return 0;
}

int pthread_cond_wait(pthread_cond_t* c, pthread_mutex_t* m) {
  if (!under_test()) return REAL_COND(pthread_cond_wait)(c, m);
  return wait(c, m, -1, CALLER);
}

int pthread_cond_timedwait(pthread_cond_t* c, pthread_mutex_t* m, const timespec* at) {
  if (!under_test()) return REAL_COND(pthread_cond_timedwait)(c, m, at);
  return wait(c, m, monotonic_ns(*at, CLOCK_REALTIME), CALLER);
}

int pthread_cond_clockwait(pthread_cond_t* c, pthread_mutex_t* m, clockid_t clock,
                           const timespec* at) {
  if (!under_test()) return AIOSIM_REAL(pthread_cond_clockwait)(c, m, clock, at);
  return wait(c, m, monotonic_ns(*at, clock), CALLER);
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
  sync_objects().forget(ObjectType::condition, c);
  return 0;
}
}
