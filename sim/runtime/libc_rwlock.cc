// pthread reader-writer locks in simulated time.
//
// As in glibc, a reader goes past waiting writers, unless the lock was made with
// PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP. Who of those that may have it gets it is the
// scheduler's choice. An unlock hands everything to a writer; readers get only what writers did.
#include <pthread.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include "runtime/heap.h"
#include "runtime/libc_call.h"
#include "runtime/real.h"
#include "runtime/sync_objects.h"
#include "runtime/world.h"

namespace aiosim::runtime {
namespace {

/// What a thread asks of a lock; lives in its frame while it waits.
struct Request {
  SyncObject* lock;
  bool writes;
  bool behind_writers;  // a reader that lets waiting writers go first
};

bool may_have(void* data) {
  const Request& request = *static_cast<Request*>(data);
  const SyncObject& lock = *request.lock;
  if (lock.owner != SyncObject::nobody) return false;
  if (request.writes) return lock.readers.empty();
  return !request.behind_writers || lock.writers.empty();
}

Request request(pthread_rwlock_t* l, bool writes, const void* pc) {
  SyncObject& lock = sync_objects().at(ObjectType::rwlock, l, l->__data.__pad3, pc);
  return {&lock, writes, l->__data.__flags == PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP};
}

void add_reader(SyncObject& lock, std::uint32_t thread, const void* pc) {
  for (Holder& reader : lock.readers) {
    if (reader.thread != thread) continue;
    ++reader.count;
    return;
  }
  const RuntimeScope scope;
  lock.readers.push_back({thread, 1, pc});
}

void take(const Request& request, const char* operation, const void* pc) {
  World& w = world();
  SyncObject& lock = *request.lock;
  const std::uint32_t me = w.self().id;
  w.memory.acquire(me, lock.message);
  if (request.writes) {
    w.memory.acquire(me, lock.from_readers);
    lock.owner = me;
    lock.taken_at = pc;
  } else {
    add_reader(lock, me, pc);
  }
  w.record(operation, lock.name, 0, 0, pc);
}

Wake wait(Request& request, const char* operation, std::int64_t deadline_ns, const void* pc) {
  SyncObject& lock = *request.lock;
  const std::uint32_t me = world().self().id;
  if (request.writes) {
    const RuntimeScope scope;
    lock.writers.push_back(me);
  }
  const Wake wake =
      sync_objects().block(lock, {may_have, &request, deadline_ns, operation, {}}, pc);
  if (request.writes) {
    std::erase(lock.writers, me);
    world().state_changed();
  }
  return wake;
}

/// `deadline` is null for none.
int lock(pthread_rwlock_t* l, bool writes, const timespec* deadline, clockid_t clock,
         const void* pc) {
  if (!is_waiting_clock(clock) || (deadline != nullptr && !is_valid_ns(*deadline))) return EINVAL;
  World& w = world();
  const char* const operation = writes ? "rwlock wrlock" : "rwlock rdlock";
  Request wanted = request(l, writes, pc);
  w.point(operation, wanted.lock->name, pc);
  use_memory(l, pc);
  if (wanted.lock->owner == w.self().id) return EDEADLK;
  const std::int64_t deadline_ns = deadline != nullptr ? monotonic_ns(*deadline, clock) : -1;
  while (!may_have(&wanted)) {
    if (wait(wanted, operation, deadline_ns, pc) == Wake::timeout) {
      w.record("rwlock timeout", wanted.lock->name, 0, 0, pc);
      return ETIMEDOUT;
    }
  }
  take(wanted, operation, pc);
  return 0;
}

int trylock(pthread_rwlock_t* l, bool writes, const void* pc) {
  const char* const operation = writes ? "rwlock trywrlock" : "rwlock tryrdlock";
  Request wanted = request(l, writes, pc);
  give_way(operation, wanted.lock->name, pc);
  use_memory(l, pc);
  if (!may_have(&wanted)) {
    world().record(operation, wanted.lock->name, -EBUSY, 0, pc);
    return EBUSY;
  }
  take(wanted, operation, pc);
  return 0;
}

int unlock(pthread_rwlock_t* l, const void* pc) {
  World& w = world();
  SyncObject& lock = *request(l, false, pc).lock;
  w.point("rwlock unlock", lock.name, pc);
  use_memory(l, pc);
  const std::uint32_t me = w.self().id;
  const auto reader = std::find_if(lock.readers.begin(), lock.readers.end(),
                                   [me](const Holder& holder) { return holder.thread == me; });
  if (lock.owner == me) {
    lock.owner = SyncObject::nobody;
    w.memory.release(me, lock.message);
  } else if (reader != lock.readers.end()) {
    w.memory.release(me, lock.from_readers);
    if (--reader->count == 0) lock.readers.erase(reader);
  } else {
    const RuntimeScope scope;
    const std::string by = lock.held() ? "held by " + holders(lock) : "not held by anybody";
    misuse("unlocks " + describe(lock.name) + ", which it does not hold (" + by + ')', pc);
  }
  w.state_changed();
  w.record("rwlock unlock", lock.name, 0, 0, pc);
  return 0;
}

}  // namespace
}  // namespace aiosim::runtime

using namespace aiosim::runtime;

extern "C" {

int pthread_rwlock_init(pthread_rwlock_t* l, const pthread_rwlockattr_t* attributes) noexcept {
  if (!under_test()) return AIOSIM_REAL(pthread_rwlock_init)(l, attributes);
  sync_objects().make(ObjectType::rwlock, l, CALLER);
  return AIOSIM_REAL(pthread_rwlock_init)(l, attributes);
}

int pthread_rwlock_destroy(pthread_rwlock_t* l) noexcept {
  if (!under_test()) return AIOSIM_REAL(pthread_rwlock_destroy)(l);
  sync_objects().destroy(ObjectType::rwlock, l, "rwlock destroy", CALLER);
  return 0;
}

int pthread_rwlock_rdlock(pthread_rwlock_t* l) noexcept {
  if (!under_test()) return AIOSIM_REAL(pthread_rwlock_rdlock)(l);
  return lock(l, false, nullptr, CLOCK_REALTIME, CALLER);
}

int pthread_rwlock_wrlock(pthread_rwlock_t* l) noexcept {
  if (!under_test()) return AIOSIM_REAL(pthread_rwlock_wrlock)(l);
  return lock(l, true, nullptr, CLOCK_REALTIME, CALLER);
}

int pthread_rwlock_tryrdlock(pthread_rwlock_t* l) noexcept {
  if (!under_test()) return AIOSIM_REAL(pthread_rwlock_tryrdlock)(l);
  return trylock(l, false, CALLER);
}

int pthread_rwlock_trywrlock(pthread_rwlock_t* l) noexcept {
  if (!under_test()) return AIOSIM_REAL(pthread_rwlock_trywrlock)(l);
  return trylock(l, true, CALLER);
}

int pthread_rwlock_timedrdlock(pthread_rwlock_t* l, const timespec* at) noexcept {
  if (!under_test()) return AIOSIM_REAL(pthread_rwlock_timedrdlock)(l, at);
  return lock(l, false, at, CLOCK_REALTIME, CALLER);
}

int pthread_rwlock_timedwrlock(pthread_rwlock_t* l, const timespec* at) noexcept {
  if (!under_test()) return AIOSIM_REAL(pthread_rwlock_timedwrlock)(l, at);
  return lock(l, true, at, CLOCK_REALTIME, CALLER);
}

int pthread_rwlock_clockrdlock(pthread_rwlock_t* l, clockid_t clock, const timespec* at) noexcept {
  if (!under_test()) return AIOSIM_REAL(pthread_rwlock_clockrdlock)(l, clock, at);
  return lock(l, false, at, clock, CALLER);
}

int pthread_rwlock_clockwrlock(pthread_rwlock_t* l, clockid_t clock, const timespec* at) noexcept {
  if (!under_test()) return AIOSIM_REAL(pthread_rwlock_clockwrlock)(l, clock, at);
  return lock(l, true, at, clock, CALLER);
}

int pthread_rwlock_unlock(pthread_rwlock_t* l) noexcept {
  return under_test() ? unlock(l, CALLER) : AIOSIM_REAL(pthread_rwlock_unlock)(l);
}

}  // extern "C"
