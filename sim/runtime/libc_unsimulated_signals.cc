// Calls on signals that a world does not have: under test they end the run by name.
#include <csetjmp>
#include <signal.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "runtime/unsimulated.h"

using namespace aiosim::runtime;

extern "C" {

// Timers that send signals.
UNSIMULATED(unsigned, alarm, (unsigned seconds), (seconds), noexcept)
UNSIMULATED(useconds_t, ualarm, (useconds_t us, useconds_t period), (us, period), noexcept)
UNSIMULATED(int, setitimer, (__itimer_which_t which, const itimerval* value, itimerval* old),
            (which, value, old), noexcept)
UNSIMULATED(int, getitimer, (__itimer_which_t which, itimerval* value), (which, value), noexcept)
UNSIMULATED(int, timer_create, (clockid_t clock, sigevent* event, timer_t* timer),
            (clock, event, timer), noexcept)

UNSIMULATED(int, sigaltstack, (const stack_t* stack, stack_t* old), (stack, old), noexcept)
UNSIMULATED(int, killpg, (pid_t group, int number), (group, number), noexcept)

// Leaving a handler by a jump would leave the simulated call that it interrupted half done.
void siglongjmp(sigjmp_buf buffer, int value) noexcept {
  if (under_test()) not_simulated("a jump to sigsetjmp()");
  AIOSIM_REAL(siglongjmp)(buffer, value);
  __builtin_unreachable();
}

}  // extern "C"

// Declared deprecated, which a macro cannot silence one by one.
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

extern "C" {

UNSIMULATED(int, siginterrupt, (int number, int on), (number, on), noexcept)
UNSIMULATED(int, sigstack, (struct sigstack * stack, struct sigstack* old), (stack, old), noexcept)
UNSIMULATED(int, sighold, (int number), (number), noexcept)
UNSIMULATED(int, sigrelse, (int number), (number), noexcept)
UNSIMULATED(int, sigignore, (int number), (number), noexcept)
UNSIMULATED(sighandler_t, sigset, (int number, sighandler_t handler), (number, handler), noexcept)
UNSIMULATED(int, sigblock, (int mask), (mask), noexcept)
UNSIMULATED(int, sigsetmask, (int mask), (mask), noexcept)

}  // extern "C"
