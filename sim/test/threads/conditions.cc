#include <pthread.h>

#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <stop_token>

#include "scenario.h"

namespace aiosim::threads {
namespace {

using namespace std::chrono_literals;

struct Box {
  std::mutex mutex;
  std::condition_variable condition;
  bool full = false;
  int value = 0;
};

void put(Box& box) {
  const std::lock_guard lock(box.mutex);
  box.value = 7;
  box.full = true;
  box.condition.notify_one();
}

void hands_over() {
  Box box;
  two_threads(
      [&] {
        std::unique_lock lock(box.mutex);
        box.condition.wait(lock, [&] { return box.full; });
        assert(box.value == 7);
      },
      [&] { put(box); });
}

void not_notified() {
  Box box;
  two_threads(
      [&] {
        std::unique_lock lock(box.mutex);
        box.condition.wait(lock, [&] { return box.full; });
      },
      [&] {
        const std::lock_guard lock(box.mutex);
        box.full = true;
      });
}

// The flag is looked at without the mutex: the notification may come before the wait.
void checked_without_mutex() {
  Box box;
  two_threads(
      [&] {
        box.mutex.lock();
        const bool full = box.full;
        box.mutex.unlock();
        std::unique_lock lock(box.mutex);
        if (!full) box.condition.wait(lock);
      },
      [&] { put(box); });
}

void one_of_two_woken() {
  Box box;
  const auto take = [&] {
    std::unique_lock lock(box.mutex);
    box.condition.wait(lock, [&] { return box.full; });
  };
  std::thread one(take), two(take);
  put(box);
  one.join();
  two.join();
}

void all_woken() {
  Box box;
  const auto take = [&] {
    std::unique_lock lock(box.mutex);
    box.condition.wait(lock, [&] { return box.full; });
  };
  std::thread one(take), two(take);
  {
    const std::lock_guard lock(box.mutex);
    box.full = true;
  }
  box.condition.notify_all();
  one.join();
  two.join();
}

void times_out() {
  Box box;
  std::unique_lock lock(box.mutex);
  const auto start = std::chrono::steady_clock::now();
  assert(!box.condition.wait_for(lock, 30ms, [&] { return box.full; }));
  assert(std::chrono::steady_clock::now() - start >= 30ms);
  assert(box.condition.wait_until(lock, std::chrono::system_clock::now() + 5ms) ==
         std::cv_status::timeout);
}

// A waiter that times out leaves the signal to the other.
void timeout_takes_no_signal() {
  Box box;
  int woken = 0;
  const auto take = [&](auto time) {
    std::unique_lock lock(box.mutex);
    if (box.condition.wait_for(lock, time, [&] { return box.full; })) {
      box.full = false;
      ++woken;
    }
  };
  std::thread hasty(take, 1us), patient(take, 1h);
  put(box);
  hasty.join();
  patient.join();
  assert(woken == 1);
}

void any_with_recursive() {
  std::recursive_mutex mutex;
  std::condition_variable_any condition;
  bool ready = false;
  two_threads(
      [&] {
        std::unique_lock lock(mutex);
        condition.wait(lock, [&] { return ready; });
      },
      [&] {
        {
          const std::lock_guard lock(mutex);
          ready = true;
        }
        condition.notify_all();
      });
}

void any_with_stop_token() {
  std::mutex mutex;
  std::condition_variable_any condition;
  std::jthread waiter([&](std::stop_token stop) {
    std::unique_lock lock(mutex);
    assert(!condition.wait(lock, stop, [] { return false; }));
  });
  waiter.request_stop();
}

void wait_without_mutex() {
  pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
  pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
  pthread_cond_wait(&condition, &mutex);
}

void two_mutexes() {
  Box box;
  std::mutex other;
  two_threads(
      [&] {
        std::unique_lock lock(box.mutex);
        box.condition.wait_for(lock, 1s);
      },
      [&] {
        std::unique_lock lock(other);
        box.condition.wait_for(lock, 1s);
      });
}

void destroyed_while_awaited() {
  pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
  pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
  std::thread waiter([&] {
    pthread_mutex_lock(&mutex);
    pthread_cond_wait(&condition, &mutex);
    pthread_mutex_unlock(&mutex);
  });
  pthread_cond_destroy(&condition);
  waiter.join();
}

// Signalling after the unlock is one step too late if the waiter may destroy.
void signalled_after_unlock() {
  auto* box = new Box;
  two_threads(
      [box] {
        std::unique_lock lock(box->mutex);
        box->condition.wait(lock, [&] { return box->full; });
        lock.unlock();
        delete box;
      },
      [box] {
        box->mutex.lock();
        box->full = true;
        box->mutex.unlock();
        box->condition.notify_one();
      });
}

void monotonic_clock() {
  pthread_condattr_t attributes;
  pthread_condattr_init(&attributes);
  pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
  pthread_cond_t condition;
  pthread_cond_init(&condition, &attributes);
  pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
  pthread_mutex_lock(&mutex);
  timespec at;
  clock_gettime(CLOCK_MONOTONIC, &at);
  ++at.tv_sec;
  assert(pthread_cond_timedwait(&condition, &mutex, &at) == ETIMEDOUT);
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  assert(now.tv_sec >= at.tv_sec && now.tv_sec < at.tv_sec + 2);
  at.tv_nsec = -1;
  assert(pthread_cond_timedwait(&condition, &mutex, &at) == EINVAL);
  pthread_mutex_unlock(&mutex);
  assert(pthread_cond_destroy(&condition) == 0);
}

void at_thread_exit() {
  Box box;
  int order = 0;
  std::thread worker([&] {
    struct Last {
      int* order;
      ~Last() { *order = 1; }
    };
    static thread_local Last last{&order};
    std::unique_lock lock(box.mutex);
    box.full = true;
    std::notify_all_at_thread_exit(box.condition, std::move(lock));
  });
  {
    std::unique_lock lock(box.mutex);
    box.condition.wait(lock, [&] { return box.full; });
    assert(order == 1);
  }
  worker.join();
}

constexpr Scenario all[] = {
    {"ConditionHandsOver", hands_over},
    {"ConditionNotNotified", not_notified, "deadlock", "waits in condition wait of condition 1"},
    {"ConditionCheckedWithoutMutex", checked_without_mutex, "deadlock", "condition wait"},
    {"OneOfTwoWoken", one_of_two_woken, "deadlock", "condition wait"},
    {"AllWoken", all_woken},
    {"ConditionTimesOut", times_out},
    {"TimeoutTakesNoSignal", timeout_takes_no_signal},
    {"ConditionAnyWithRecursiveMutex", any_with_recursive},
    {"ConditionAnyWithStopToken", any_with_stop_token},
    {"ConditionWithoutMutex", wait_without_mutex, "crash", "without holding mutex 1, at "},
    {"ConditionWithTwoMutexes", two_mutexes, "crash", "does with mutex"},
    {"ConditionDestroyedWhileAwaited", destroyed_while_awaited, "crash", "waits for it",
     "data race"},
    {"ConditionSignalledAfterUnlock", signalled_after_unlock, "data race", "races",
     "use after free"},
    {"ConditionOfTheMonotonicClock", monotonic_clock},
    {"NotifyAllAtThreadExit", at_thread_exit},
};

}  // namespace

Scenarios conditions() { return {all, std::size(all)}; }

}  // namespace aiosim::threads
