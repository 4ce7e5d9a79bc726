#include <pthread.h>

#include <cerrno>
#include <chrono>
#include <memory>
#include <mutex>

#include "scenario.h"

namespace aiosim::threads {
namespace {

using namespace std::chrono_literals;

void excludes() {
  std::mutex mutex;
  int count = 0;
  two_of([&] {
    for (int i = 0; i < 3; ++i) {
      const std::lock_guard lock(mutex);
      ++count;
    }
  });
  assert(count == 6);
}

void forgotten() {
  std::mutex mutex;
  int count = 0;
  two_threads(
      [&] {
        const std::lock_guard lock(mutex);
        ++count;
      },
      [&] { ++count; });
}

void two_mutexes() {
  std::mutex one, two;
  int count = 0;
  two_threads(
      [&] {
        const std::lock_guard lock(one);
        ++count;
      },
      [&] {
        const std::lock_guard lock(two);
        ++count;
      });
}

void never_unlocked() {
  std::mutex mutex;
  two_of([&] { mutex.lock(); });
}

void opposite_order() {
  std::mutex one, two;
  two_threads(
      [&] {
        pthread_setname_np(pthread_self(), "left");
        const std::lock_guard first(one);
        const std::lock_guard second(two);
      },
      [&] {
        pthread_setname_np(pthread_self(), "right");
        const std::lock_guard first(two);
        const std::lock_guard second(one);
      });
}

void scoped_lock_orders() {
  std::mutex one, two;
  int count = 0;
  two_threads(
      [&] {
        const std::scoped_lock lock(one, two);
        ++count;
      },
      [&] {
        const std::scoped_lock lock(two, one);
        ++count;
      });
}

void unlock_by_another() {
  std::mutex mutex;
  mutex.lock();
  std::thread([&] { mutex.unlock(); }).join();
}

void locked_twice() {
  std::mutex mutex;
  mutex.lock();
  mutex.lock();
}

void recursive() {
  std::recursive_mutex mutex;
  int count = 0;
  two_of([&] {
    const std::lock_guard outer(mutex);
    const bool inner = mutex.try_lock();
    assert(inner);
    ++count;
    mutex.unlock();
    ++count;
  });
  assert(count == 4);
}

void recursive_unlocked_once() {
  std::recursive_mutex mutex;
  two_of([&] {
    mutex.lock();
    mutex.lock();
    mutex.unlock();
  });
}

void try_lock_gives_up() {
  std::mutex mutex;
  int count = 0;
  two_of([&] {
    if (!mutex.try_lock()) return;
    ++count;
    mutex.unlock();
  });
  assert(count >= 1);
}

void try_lock_ignored() {
  std::mutex mutex;
  int count = 0;
  two_of([&] {
    const bool mine = mutex.try_lock();
    ++count;
    if (mine) mutex.unlock();
  });
}

void timed() {
  std::timed_mutex mutex;
  mutex.lock();
  std::thread other([&] {
    const auto start = std::chrono::steady_clock::now();
    assert(!mutex.try_lock_for(50ms));
    assert(std::chrono::steady_clock::now() - start >= 50ms);
    assert(!mutex.try_lock_until(std::chrono::system_clock::now() + 20ms));
  });
  other.join();
  mutex.unlock();
  std::thread([&] {
    assert(mutex.try_lock_for(1h));
    mutex.unlock();
  }).join();
}

void timed_recursive() {
  std::recursive_timed_mutex mutex;
  two_of([&] {
    if (!mutex.try_lock_for(10ms)) return;
    assert(mutex.try_lock_for(10ms));
    mutex.unlock();
    mutex.unlock();
  });
}

void error_codes() {
  pthread_mutexattr_t attributes;
  pthread_mutexattr_init(&attributes);
  pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_ERRORCHECK);
  pthread_mutex_t mutex;
  assert(pthread_mutex_init(&mutex, &attributes) == 0);
  assert(pthread_mutex_unlock(&mutex) == EPERM);
  assert(pthread_mutex_lock(&mutex) == 0);
  assert(pthread_mutex_lock(&mutex) == EDEADLK);
  assert(pthread_mutex_trylock(&mutex) == EBUSY);
  std::thread([&] {
    const timespec never{0, 2'000'000'000};
    assert(pthread_mutex_unlock(&mutex) == EPERM);
    assert(pthread_mutex_trylock(&mutex) == EBUSY);
    assert(pthread_mutex_timedlock(&mutex, &never) == EINVAL);
    const timespec past{-5, 0};
    assert(pthread_mutex_timedlock(&mutex, &past) == ETIMEDOUT);
    assert(pthread_mutex_clocklock(&mutex, CLOCK_PROCESS_CPUTIME_ID, &past) == EINVAL);
  }).join();
  assert(pthread_mutex_unlock(&mutex) == 0);
  assert(pthread_mutex_destroy(&mutex) == 0);
  pthread_mutexattr_destroy(&attributes);
}

void destroyed_while_held() {
  pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
  pthread_mutex_lock(&mutex);
  pthread_mutex_destroy(&mutex);
}

void used_after_destruction() {
  pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
  pthread_mutex_destroy(&mutex);
  pthread_mutex_lock(&mutex);
}

void unlocked_while_freed() {
  auto* mutex = new std::mutex;
  two_threads([&] { mutex->lock(), mutex->unlock(); }, [&] { delete mutex; });
}

// The last user frees it, which the lock itself has put in order.
void freed_by_the_last() {
  struct Shared {
    std::mutex mutex;
    int users = 2;
  };
  auto* shared = new Shared;
  two_of([&, shared] {
    shared->mutex.lock();
    const bool last = --shared->users == 0;
    shared->mutex.unlock();
    if (last) delete shared;
  });
}

// A frame's mutex is another one each time.
void same_address_again() {
  for (int i = 0; i < 2; ++i) {
    std::mutex mutex;
    int count = 0;
    two_of([&] {
      const std::lock_guard lock(mutex);
      ++count;
    });
  }
}

void robust() {
  pthread_mutexattr_t attributes;
  pthread_mutexattr_init(&attributes);
  pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
  pthread_mutex_t mutex;
  pthread_mutex_init(&mutex, &attributes);
}

constexpr Scenario all[] = {
    {"MutexExcludes", excludes},
    {"MutexForgotten", forgotten, "data race", "plain"},
    {"TwoMutexesAreNotOne", two_mutexes, "data race", "plain"},
    {"MutexNeverUnlocked", never_unlocked, "deadlock", "), which has ended"},
    {"OppositeOrder", opposite_order, "deadlock", "again: left and right wait for each other; "},
    {"OppositeOrderNamesTheHolder", opposite_order, "deadlock", ", held by right (locked at "},
    {"ScopedLockOrders", scoped_lock_orders},
    {"UnlockByAnother", unlock_by_another, "crash",
     "T1 unlocks mutex 1, which it does not hold (held by T0 (locked at "},
    {"LockedTwice", locked_twice, "deadlock", "T0 waits for itself"},
    {"Recursive", recursive},
    {"RecursiveUnlockedOnce", recursive_unlocked_once, "deadlock", "held by T"},
    {"TryLockGivesUp", try_lock_gives_up},
    {"TryLockIgnored", try_lock_ignored, "data race", "plain"},
    {"TimedMutex", timed},
    {"TimedRecursiveMutex", timed_recursive},
    {"MutexErrorCodes", error_codes},
    {"MutexDestroyedWhileHeld", destroyed_while_held, "crash", "is destroyed at "},
    {"MutexUsedAfterDestruction", used_after_destruction, "crash", "which was destroyed"},
    {"MutexUnlockedWhileFreed", unlocked_while_freed, "data race", "races", "use after free"},
    {"MutexFreedByTheLast", freed_by_the_last},
    {"MutexAtTheSameAddressAgain", same_address_again},
    {"RobustMutex", robust, "crash", "a robust mutex (pthread_mutex_init()) is not simulated"},
};

}  // namespace

Scenarios mutexes() { return {all, std::size(all)}; }

}  // namespace aiosim::threads
