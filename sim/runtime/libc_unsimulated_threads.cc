// Thread primitives that a world does not simulate: a call under test ends the run by name.
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <threads.h>

#include <cstdarg>
#include <cstddef>
#include <utility>

#include "runtime/unsimulated.h"

using namespace aiosim::runtime;

extern "C" {

// Cancellation.
UNSIMULATED(int, pthread_cancel, (pthread_t thread), (thread), )

// Nobody can be cancelled, so that it does not matter whether one may.
int pthread_setcancelstate(int state, int* old) {
  if (!under_test()) return AIOSIM_REAL(pthread_setcancelstate)(state, old);
  if (state != PTHREAD_CANCEL_ENABLE && state != PTHREAD_CANCEL_DISABLE) return EINVAL;
  const int before = std::exchange(world().self().cancel_state, state);
  if (old != nullptr) *old = before;
  return 0;
}

int pthread_setcanceltype(int type, int* old) {
  if (!under_test()) return AIOSIM_REAL(pthread_setcanceltype)(type, old);
  if (type != PTHREAD_CANCEL_DEFERRED && type != PTHREAD_CANCEL_ASYNCHRONOUS) return EINVAL;
  const int before = std::exchange(world().self().cancel_type, type);
  if (old != nullptr) *old = before;
  return 0;
}

void pthread_testcancel() {
  if (!under_test()) AIOSIM_REAL(pthread_testcancel)();
}

// Robust mutexes and priorities.
UNSIMULATED(int, pthread_mutex_consistent, (pthread_mutex_t* m), (m), noexcept)
UNSIMULATED(int, pthread_mutex_getprioceiling, (const pthread_mutex_t* m, int* ceiling),
            (m, ceiling), noexcept)
UNSIMULATED(int, pthread_mutex_setprioceiling, (pthread_mutex_t* m, int ceiling, int* old),
            (m, ceiling, old), noexcept)
UNSIMULATED(int, pthread_setschedprio, (pthread_t thread, int priority), (thread, priority),
            noexcept)
UNSIMULATED(int, pthread_getcpuclockid, (pthread_t thread, clockid_t* clock), (thread, clock),
            noexcept)

// Semaphores with a name belong to the host.
UNSIMULATED(int, sem_close, (sem_t* s), (s), noexcept)
UNSIMULATED(int, sem_unlink, (const char* name), (name), noexcept)

sem_t* sem_open(const char* name, int flags, ...) noexcept {
  if (under_test()) not_simulated("sem_open()");
  std::va_list list;
  va_start(list, flags);
  const unsigned mode = va_arg(list, unsigned);
  const unsigned value = va_arg(list, unsigned);
  va_end(list);
  return AIOSIM_REAL(sem_open)(name, flags, mode, value);
}

// C11 threads: glibc's do not go by the pthread functions of the same meaning.
UNSIMULATED(int, thrd_create, (thrd_t* thread, thrd_start_t start, void* argument),
            (thread, start, argument), )
UNSIMULATED(int, thrd_join, (thrd_t thread, int* result), (thread, result), )
UNSIMULATED(int, thrd_detach, (thrd_t thread), (thread), )
UNSIMULATED(int, thrd_sleep, (const timespec* time, timespec* left), (time, left), )
UNSIMULATED(void, thrd_yield, (), (), )
UNSIMULATED(int, mtx_init, (mtx_t* m, int type), (m, type), )
UNSIMULATED(int, mtx_lock, (mtx_t* m), (m), )
UNSIMULATED(int, mtx_timedlock, (mtx_t* m, const timespec* at), (m, at), )
UNSIMULATED(int, mtx_trylock, (mtx_t* m), (m), )
UNSIMULATED(int, mtx_unlock, (mtx_t* m), (m), )
UNSIMULATED(int, cnd_wait, (cnd_t* c, mtx_t* m), (c, m), )
UNSIMULATED(int, cnd_timedwait, (cnd_t* c, mtx_t* m, const timespec* at), (c, m, at), )
UNSIMULATED(int, cnd_signal, (cnd_t* c), (c), )
UNSIMULATED(int, cnd_broadcast, (cnd_t* c), (c), )
UNSIMULATED(int, tss_create, (tss_t* key, tss_dtor_t destroy), (key, destroy), )
UNSIMULATED(void*, tss_get, (tss_t key), (key), )
UNSIMULATED(int, tss_set, (tss_t key, void* value), (key, value), )
UNSIMULATED(void, call_once, (once_flag* flag, void (*function)()), (flag, function), )

}  // extern "C"
