// pthread barriers. Each wait of a round happens before each return from it, and nothing of earlier
// rounds does by the barrier itself.
#include <pthread.h>

#include "runtime/heap.h"
#include "runtime/libc_call.h"
#include "runtime/real.h"
#include "runtime/sync_objects.h"
#include "runtime/world.h"

namespace aiosim::runtime {
namespace {

constexpr std::size_t count_index = 2;  // glibc's struct pthread_barrier: in, current_round, count

bool is_released(void* waiter) { return static_cast<Waiter*>(waiter)->signalled; }

SyncObject& barrier_at(pthread_barrier_t* b) {
  SyncObject& barrier = sync_objects().at(ObjectType::barrier, b);
  barrier.count = reinterpret_cast<const std::uint32_t*>(b)[count_index];
  return barrier;
}

// The others are blocked: what they will see when they run is the same as what they see now.
void release_all(SyncObject& barrier, Waiter& last) {
  World& w = world();
  const std::uint32_t serial = w.choose(Kind::wake, barrier.count);
  (serial == 0 ? &last : barrier.waiters[serial - 1])->serial = true;
  w.memory.acquire(last.thread, barrier.message);
  for (Waiter* waiter : barrier.waiters) {
    waiter->signalled = true;
    w.memory.acquire(waiter->thread, barrier.message);
  }
  barrier.waiters.clear();
  barrier.message = {};
  w.state_changed();
}

int wait(pthread_barrier_t* b, const void* pc) {
  World& w = world();
  SyncObject& barrier = barrier_at(b);
  w.point("barrier wait", barrier.name, pc);
  use_memory(b, pc);
  Waiter waiter{w.self().id, false, false, nullptr};
  w.memory.release(waiter.thread, barrier.message);
  if (barrier.waiters.size() + 1 == barrier.count) {
    release_all(barrier, waiter);
  } else {
    {
      const RuntimeScope scope;
      barrier.waiters.push_back(&waiter);
    }
    while (!waiter.signalled) {
      sync_objects().block(barrier, {is_released, &waiter, -1, "barrier wait", {}}, pc);
    }
  }
  const int result = waiter.serial ? PTHREAD_BARRIER_SERIAL_THREAD : 0;
  w.record("barrier wait", barrier.name, result, 0, pc);
  return result;
}

}  // namespace
}  // namespace aiosim::runtime

using namespace aiosim::runtime;

extern "C" {

int pthread_barrier_init(pthread_barrier_t* b, const pthread_barrierattr_t* attributes,
                         unsigned count) noexcept {
  if (!under_test()) return AIOSIM_REAL(pthread_barrier_init)(b, attributes, count);
  sync_objects().make(ObjectType::barrier, b, CALLER);
  return AIOSIM_REAL(pthread_barrier_init)(b, attributes, count);
}

int pthread_barrier_wait(pthread_barrier_t* b) noexcept {
  return under_test() ? wait(b, CALLER) : AIOSIM_REAL(pthread_barrier_wait)(b);
}

int pthread_barrier_destroy(pthread_barrier_t* b) noexcept {
  if (!under_test()) return AIOSIM_REAL(pthread_barrier_destroy)(b);
  sync_objects().destroy(ObjectType::barrier, b, "barrier destroy", CALLER);
  return 0;
}

}  // extern "C"
