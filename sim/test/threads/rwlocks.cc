#include <pthread.h>

#include <cerrno>
#include <chrono>
#include <mutex>
#include <shared_mutex>

#include "scenario.h"

namespace aiosim::threads {
namespace {

using namespace std::chrono_literals;

void readers_share() {
  std::shared_mutex mutex;
  int value = 0;
  std::thread writer([&] {
    const std::unique_lock lock(mutex);
    value = 1;
    value = 2;
  });
  two_of([&] {
    const std::shared_lock lock(mutex);
    assert(value != 1);
  });
  writer.join();
}

// Both must be inside at once: each waits for the other.
void readers_meet() {
  std::shared_mutex mutex;
  pthread_barrier_t barrier;
  pthread_barrier_init(&barrier, nullptr, 2);
  two_of([&] {
    const std::shared_lock lock(mutex);
    pthread_barrier_wait(&barrier);
  });
  pthread_barrier_destroy(&barrier);
}

void writers_never_meet() {
  std::shared_mutex mutex;
  pthread_barrier_t barrier;
  pthread_barrier_init(&barrier, nullptr, 2);
  two_of([&] {
    const std::unique_lock lock(mutex);
    pthread_barrier_wait(&barrier);
  });
}

void write_under_read_lock() {
  std::shared_mutex mutex;
  int count = 0;
  two_of([&] {
    const std::shared_lock lock(mutex);
    ++count;
  });
}

// A reader's unlock hands nothing to another reader.
void readers_hand_nothing_over() {
  std::shared_mutex mutex;
  int value = 0;
  bool done = false;
  two_threads(
      [&] {
        value = 1;
        mutex.lock_shared();
        mutex.unlock_shared();
      },
      [&] {
        mutex.lock_shared();
        mutex.unlock_shared();
        done = value == 1;
      });
  static_cast<void>(done);
}

// It does to a writer, and the writer's to everybody.
void reader_hands_to_writer() {
  std::shared_mutex mutex;
  int value = 0;
  bool written = false;
  two_threads(
      [&] {
        value = 1;
        while (!mutex.try_lock()) std::this_thread::yield();
        written = true;
        mutex.unlock();
      },
      [&] {
        mutex.lock_shared();
        const bool seen = written;
        mutex.unlock_shared();
        if (seen) {
          assert(value == 1);
        }
      });
}

void never_unlocked() {
  std::shared_mutex mutex;
  two_threads([&] { mutex.lock_shared(); }, [&] { mutex.lock(), mutex.unlock(); });
}

void upgrade() {
  std::shared_mutex mutex;
  two_of([&] {
    pthread_setname_np(pthread_self(), "upgrader");
    mutex.lock_shared();
    mutex.lock();
  });
}

void unlock_by_another() {
  std::shared_mutex mutex;
  mutex.lock_shared();
  std::thread([&] { mutex.unlock_shared(); }).join();
}

void timed() {
  std::shared_timed_mutex mutex;
  mutex.lock();
  std::thread([&] {
    assert(!mutex.try_lock_shared());
    assert(!mutex.try_lock_shared_for(5ms));
    assert(!mutex.try_lock_for(5ms));
  }).join();
  mutex.unlock();
  mutex.lock_shared();
  std::thread([&] {
    assert(!mutex.try_lock());
    assert(!mutex.try_lock_until(std::chrono::system_clock::now() + 5ms));
    assert(mutex.try_lock_shared_for(5ms));
    mutex.unlock_shared();
  }).join();
  mutex.unlock_shared();
}

void error_codes() {
  pthread_rwlock_t lock;
  assert(pthread_rwlock_init(&lock, nullptr) == 0);
  assert(pthread_rwlock_wrlock(&lock) == 0);
  assert(pthread_rwlock_wrlock(&lock) == EDEADLK);
  assert(pthread_rwlock_rdlock(&lock) == EDEADLK);
  assert(pthread_rwlock_tryrdlock(&lock) == EBUSY);
  assert(pthread_rwlock_trywrlock(&lock) == EBUSY);
  std::thread([&] {
    const timespec past{0, 0}, wrong{0, -1};
    assert(pthread_rwlock_timedrdlock(&lock, &past) == ETIMEDOUT);
    assert(pthread_rwlock_timedwrlock(&lock, &wrong) == EINVAL);
    assert(pthread_rwlock_clockwrlock(&lock, CLOCK_MONOTONIC, &past) == ETIMEDOUT);
    assert(pthread_rwlock_clockrdlock(&lock, CLOCK_THREAD_CPUTIME_ID, &past) == EINVAL);
  }).join();
  assert(pthread_rwlock_unlock(&lock) == 0);
  assert(pthread_rwlock_rdlock(&lock) == 0);
  assert(pthread_rwlock_rdlock(&lock) == 0);
  assert(pthread_rwlock_unlock(&lock) == 0);
  assert(pthread_rwlock_trywrlock(&lock) == EBUSY);
  assert(pthread_rwlock_unlock(&lock) == 0);
  assert(pthread_rwlock_destroy(&lock) == 0);
}

void read_twice(int preference) {
  pthread_rwlockattr_t attributes;
  pthread_rwlockattr_init(&attributes);
  pthread_rwlockattr_setkind_np(&attributes, preference);
  pthread_rwlock_t lock;
  pthread_rwlock_init(&lock, &attributes);
  two_threads(
      [&] {
        pthread_rwlock_rdlock(&lock);
        pthread_rwlock_rdlock(&lock);
        pthread_rwlock_unlock(&lock);
        pthread_rwlock_unlock(&lock);
      },
      [&] {
        pthread_rwlock_wrlock(&lock);
        pthread_rwlock_unlock(&lock);
      });
  pthread_rwlock_destroy(&lock);
}

void read_twice() { read_twice(PTHREAD_RWLOCK_PREFER_READER_NP); }
void read_twice_behind_writer() { read_twice(PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP); }

constexpr Scenario all[] = {
    {"ReadersShare", readers_share},
    {"ReadersMeet", readers_meet},
    {"WritersNeverMeet", writers_never_meet, "deadlock", ", where 1 of 2 wait;"},
    {"WriteUnderReadLock", write_under_read_lock, "data race", "plain"},
    {"ReadersHandNothingOver", readers_hand_nothing_over, "data race", "plain"},
    {"ReaderHandsToWriter", reader_hands_to_writer},
    {"RwlockNeverUnlocked", never_unlocked, "deadlock", ", held for reading by T1 (locked at "},
    {"RwlockUpgrade", upgrade, "deadlock", "upgrader waits in rwlock wrlock of rwlock 1 at "},
    {"RwlockUnlockByAnother", unlock_by_another, "crash",
     "T1 unlocks rwlock 1, which it does not hold (held by T0 (locked at "},
    {"SharedTimedMutex", timed},
    {"RwlockErrorCodes", error_codes},
    {"RwlockReadTwice", read_twice},
    {"RwlockReadTwiceBehindAWriter", read_twice_behind_writer, "deadlock", "wait for each other"},
};

}  // namespace

Scenarios rwlocks() { return {all, std::size(all)}; }

}  // namespace aiosim::threads
