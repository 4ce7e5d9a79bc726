// Thread primitives that a world does not simulate: a call under test ends the run by name.
#include <pthread.h>
#include <semaphore.h>

#include "runtime/heap.h"
#include "runtime/libc_call.h"
#include "runtime/real.h"
#include "runtime/world.h"

#define UNSIMULATED(function, parameters, arguments)                                       \
  int function parameters noexcept {                                                       \
    if (aiosim::runtime::under_test()) aiosim::runtime::not_simulated(#function "()");          \
    return AIOSIM_REAL(function) arguments;                                                \
  }

extern "C" {
UNSIMULATED(pthread_rwlock_rdlock, (pthread_rwlock_t* l), (l))
UNSIMULATED(pthread_rwlock_wrlock, (pthread_rwlock_t* l), (l))
UNSIMULATED(pthread_rwlock_tryrdlock, (pthread_rwlock_t* l), (l))
UNSIMULATED(pthread_rwlock_trywrlock, (pthread_rwlock_t* l), (l))
UNSIMULATED(pthread_spin_lock, (pthread_spinlock_t* l), (l))
UNSIMULATED(pthread_spin_trylock, (pthread_spinlock_t* l), (l))
UNSIMULATED(pthread_barrier_wait, (pthread_barrier_t* b), (b))
UNSIMULATED(sem_trywait, (sem_t* s), (s))
UNSIMULATED(sem_post, (sem_t* s), (s))

int sem_wait(sem_t* s) {
  if (aiosim::runtime::under_test()) aiosim::runtime::not_simulated("sem_wait()");
  return AIOSIM_REAL(sem_wait)(s);
}

int sem_timedwait(sem_t* s, const timespec* at) {
  if (aiosim::runtime::under_test()) aiosim::runtime::not_simulated("sem_timedwait()");
  return AIOSIM_REAL(sem_timedwait)(s, at);
}
}
