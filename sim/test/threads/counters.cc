#include <pthread.h>
#include <semaphore.h>

#include <barrier>
#include <cerrno>
#include <chrono>
#include <latch>
#include <semaphore>

#include "scenario.h"

namespace aiosim::threads {
namespace {

using namespace std::chrono_literals;

// --- POSIX semaphores -------------------------------------------------------------------------

void posix_hands_over() {
  sem_t semaphore;
  sem_init(&semaphore, 0, 0);
  int value = 0;
  two_threads(
      [&] {
        value = 7;
        sem_post(&semaphore);
      },
      [&] {
        sem_wait(&semaphore);
        assert(value == 7);
      });
  sem_destroy(&semaphore);
}

void posix_too_many() {
  sem_t semaphore;
  sem_init(&semaphore, 0, 2);
  int count = 0;
  two_of([&] {
    sem_wait(&semaphore);
    ++count;
    sem_post(&semaphore);
  });
}

void posix_missing_post() {
  sem_t semaphore;
  sem_init(&semaphore, 0, 1);
  two_of([&] { sem_wait(&semaphore); });
}

void posix_error_codes() {
  sem_t semaphore;
  assert(sem_init(&semaphore, 0, 1) == 0);
  int value = -1;
  assert(sem_getvalue(&semaphore, &value) == 0 && value == 1);
  assert(sem_trywait(&semaphore) == 0);
  assert(sem_trywait(&semaphore) == -1 && errno == EAGAIN);
  const timespec past{0, 0}, wrong{0, 1'000'000'000};
  assert(sem_timedwait(&semaphore, &past) == -1 && errno == ETIMEDOUT);
  assert(sem_timedwait(&semaphore, &wrong) == -1 && errno == EINVAL);
  assert(sem_clockwait(&semaphore, CLOCK_MONOTONIC, &past) == -1 && errno == ETIMEDOUT);
  assert(sem_destroy(&semaphore) == 0);
  assert(sem_init(&semaphore, 0, SEM_VALUE_MAX) == 0);
  assert(sem_post(&semaphore) == -1 && errno == EOVERFLOW);
  assert(sem_init(&semaphore, 0, SEM_VALUE_MAX + 1u) == -1 && errno == EINVAL);
}

// Who got the post may destroy, although the poster is still inside sem_post.
void posix_destroyed_by_receiver() {
  auto* semaphore = new sem_t;
  sem_init(semaphore, 0, 0);
  two_threads([=] { sem_post(semaphore); },
              [=] {
                sem_wait(semaphore);
                sem_destroy(semaphore);
                delete semaphore;
              });
}

void posix_destroyed_while_awaited() {
  sem_t semaphore;
  sem_init(&semaphore, 0, 0);
  std::thread waiter([&] { sem_wait(&semaphore); });
  sem_destroy(&semaphore);
  waiter.join();
}

// --- C++20 ------------------------------------------------------------------------------------

void counting() {
  std::counting_semaphore<5> semaphore(0);
  int value = 0;
  two_threads(
      [&] {
        value = 1;
        semaphore.release();
      },
      [&] {
        semaphore.acquire();
        assert(value == 1);
      });
}

// Of right use; but libstdc++'s (bits/semaphore_base.h) may sleep forever under contention: it
// reads the value to sleep on before it tries, loses the race for that one, and finds the same
// value again when it goes to sleep, now with nobody left to wake it (g++ 12).
void binary_excludes() {
  std::binary_semaphore semaphore(1);
  int count = 0;
  two_of([&] {
    semaphore.acquire();
    ++count;
    semaphore.release();
  });
  assert(count == 2);
  assert(semaphore.try_acquire());
  assert(!semaphore.try_acquire_for(3ms));
  assert(!semaphore.try_acquire_until(std::chrono::steady_clock::now() + 3ms));
}

void counting_too_many() {
  std::counting_semaphore<2> semaphore(2);
  int count = 0;
  two_of([&] {
    semaphore.acquire();
    ++count;
    semaphore.release();
  });
}

void counting_missing_release() {
  std::counting_semaphore<2> semaphore(1);
  two_of([&] { semaphore.acquire(); });
}

void latch_opens() {
  std::latch latch(2);
  int one = 0, two = 0;
  two_threads(
      [&] {
        one = 1;
        latch.arrive_and_wait();
        assert(two == 2);
      },
      [&] {
        two = 2;
        latch.arrive_and_wait();
        assert(one == 1);
      });
}

void latch_not_awaited() {
  std::latch latch(1);
  int value = 0;
  two_threads(
      [&] {
        value = 1;
        latch.count_down();
      },
      [&] { assert(value == 0 || value == 1); });
}

void latch_never_opens() {
  std::latch latch(3);
  two_of([&] { latch.arrive_and_wait(); });
}

void barrier_phases() {
  int written[2] = {0, 0};
  int completed = 0;
  std::barrier barrier(2, [&]() noexcept { ++completed; });
  const auto work = [&](int me) {
    for (int phase = 1; phase <= 2; ++phase) {
      written[me] = phase;
      barrier.arrive_and_wait();
      assert(written[1 - me] == phase);
      barrier.arrive_and_wait();
    }
  };
  two_threads([&] { work(0); }, [&] { work(1); });
  assert(completed == 4);
}

void barrier_left_out() {
  int written[2] = {0, 0};
  std::barrier barrier(2);
  const auto work = [&](int me) {
    for (int phase = 1; phase <= 2; ++phase) {
      written[me] = phase;
      barrier.arrive_and_wait();
      assert(written[1 - me] >= phase);
    }
  };
  two_threads([&] { work(0); }, [&] { work(1); });
}

void barrier_dropped() {
  std::barrier barrier(2);
  int value = 0;
  two_threads(
      [&] {
        value = 1;
        barrier.arrive_and_drop();
      },
      [&] {
        barrier.arrive_and_wait();
        assert(value == 1);
        barrier.arrive_and_wait();
      });
}

// --- POSIX barriers ---------------------------------------------------------------------------

void posix_barrier() {
  pthread_barrier_t barrier;
  assert(pthread_barrier_init(&barrier, nullptr, 2) == 0);
  int written[2] = {0, 0}, serial[2] = {0, 0};
  const auto work = [&](int me) {
    written[me] = 1;
    const int result = pthread_barrier_wait(&barrier);
    assert(result == 0 || result == PTHREAD_BARRIER_SERIAL_THREAD);
    serial[me] = result != 0 ? 1 : 0;
    assert(written[1 - me] == 1);
  };
  two_threads([&] { work(0); }, [&] { work(1); });
  assert(serial[0] + serial[1] == 1);
  assert(pthread_barrier_destroy(&barrier) == 0);
}

void posix_barrier_rounds() {
  pthread_barrier_t barrier;
  pthread_barrier_init(&barrier, nullptr, 2);
  int value = 0;
  two_threads(
      [&] {
        pthread_barrier_wait(&barrier);
        value = 1;
        pthread_barrier_wait(&barrier);
      },
      [&] {
        pthread_barrier_wait(&barrier);
        assert(value <= 1);
        pthread_barrier_wait(&barrier);
      });
}

void posix_barrier_alone() {
  pthread_barrier_t barrier;
  pthread_barrier_init(&barrier, nullptr, 3);
  two_of([&] { pthread_barrier_wait(&barrier); });
}

void posix_barrier_of_nobody() {
  pthread_barrier_t barrier;
  assert(pthread_barrier_init(&barrier, nullptr, 0) == EINVAL);
}

constexpr Scenario all[] = {
    {"PosixSemaphoreHandsOver", posix_hands_over},
    {"PosixSemaphoreLetsTooManyIn", posix_too_many, "data race", "plain"},
    {"PosixSemaphoreMissingPost", posix_missing_post, "deadlock", "sem_wait of semaphore 1 at "},
    {"PosixSemaphoreErrorCodes", posix_error_codes},
    {"PosixSemaphoreDestroyedByReceiver", posix_destroyed_by_receiver},
    {"PosixSemaphoreDestroyedWhileAwaited", posix_destroyed_while_awaited, "crash", "waits for it",
     "data race"},
    {"CountingSemaphore", counting},
    {"BinarySemaphoreExcludes", binary_excludes, "pass", "", "deadlock"},
    {"CountingSemaphoreLetsTooManyIn", counting_too_many, "data race", "plain", "deadlock"},
    {"CountingSemaphoreMissingRelease", counting_missing_release, "deadlock", "futex_wait"},
    {"LatchOpens", latch_opens},
    {"LatchNotAwaited", latch_not_awaited, "data race", "plain"},
    {"LatchNeverOpens", latch_never_opens, "deadlock", "futex_wait"},
    {"BarrierPhases", barrier_phases},
    {"BarrierLeftOut", barrier_left_out, "data race", "plain"},
    {"BarrierDropped", barrier_dropped},
    {"PosixBarrier", posix_barrier},
    {"PosixBarrierRoundsAreNotOne", posix_barrier_rounds, "data race", "plain"},
    {"PosixBarrierAlone", posix_barrier_alone, "deadlock", "where 2 of 3 wait"},
    {"PosixBarrierOfNobody", posix_barrier_of_nobody},
};

}  // namespace

Scenarios counters() { return {all, std::size(all)}; }

}  // namespace aiosim::threads
