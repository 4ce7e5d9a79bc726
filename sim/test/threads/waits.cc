#include <pthread.h>

#include <atomic>
#include <cerrno>
#include <future>
#include <memory>
#include <mutex>
#include <stdexcept>

#include "scenario.h"

namespace aiosim::threads {
namespace {

// --- spin locks -------------------------------------------------------------------------------

void spin_excludes() {
  pthread_spinlock_t lock;
  pthread_spin_init(&lock, PTHREAD_PROCESS_PRIVATE);
  int count = 0;
  two_of([&] {
    pthread_spin_lock(&lock);
    ++count;
    pthread_spin_unlock(&lock);
    if (pthread_spin_trylock(&lock) == EBUSY) return;
    ++count;
    pthread_spin_unlock(&lock);
  });
  pthread_spin_destroy(&lock);
  assert(count >= 2);
}

void spin_never_unlocked() {
  pthread_spinlock_t lock;
  pthread_spin_init(&lock, PTHREAD_PROCESS_PRIVATE);
  two_of([&] { pthread_spin_lock(&lock); });
}

void spin_unlock_by_another() {
  pthread_spinlock_t lock;
  pthread_spin_init(&lock, PTHREAD_PROCESS_PRIVATE);
  pthread_spin_lock(&lock);
  std::thread([&] { pthread_spin_unlock(&lock); }).join();
}

// --- atomic waits -----------------------------------------------------------------------------

template <class Number>
void atomic_wait() {
  std::atomic<Number> flag{0};
  int value = 0;
  two_threads(
      [&] {
        flag.wait(0);
        assert(value == 5);
      },
      [&] {
        value = 5;
        flag.store(1);
        flag.notify_one();
      });
}

void atomic_wait_relaxed() {
  std::atomic<int> flag{0};
  int value = 0;
  two_threads(
      [&] {
        flag.wait(0, std::memory_order_relaxed);
        assert(value == 5);
      },
      [&] {
        value = 5;
        flag.store(1, std::memory_order_relaxed);
        flag.notify_one();
      });
}

void atomic_wait_without_notify() {
  std::atomic<int> flag{0};
  two_threads([&] { flag.wait(0); }, [&] { flag.store(1); });
}

void atomic_flag_wait() {
  std::atomic_flag flag;
  two_threads([&] { flag.wait(false); },
              [&] {
                flag.test_and_set();
                flag.notify_all();
              });
}

// --- once, statics ----------------------------------------------------------------------------

void once() {
  static std::once_flag flag;
  static int made = 0;
  two_of([] {
    std::call_once(flag, [] { ++made; });
    assert(made == 1);
  });
}

void once_not_awaited() {
  static std::once_flag flag;
  static int made = 0;
  two_threads([] { std::call_once(flag, [] { ++made; }); }, [] { assert(made <= 1); });
}

void once_that_throws() {
  static std::once_flag flag;
  static int tried = 0;
  two_of([] {
    try {
      std::call_once(flag, [] {
        if (++tried == 1) throw std::runtime_error("not yet");
      });
    } catch (const std::runtime_error&) {
    }
  });
  std::call_once(flag, [] { ++tried; });
  assert(tried == 2);
}

void once_within_itself() {
  static pthread_once_t control = PTHREAD_ONCE_INIT;
  static void (*const again)() = [] { pthread_once(&control, again); };
  pthread_once(&control, again);
}

struct Made {
  static inline int count = 0;
  int value;
  Made() : value(++count) {}
};
Made& made() {
  static Made only;
  return only;
}

void function_static() {
  two_of([] { assert(made().value == 1); });
  assert(Made::count == 1);
}

int thrown = 0;
struct Thrower {
  Thrower() {
    if (++thrown == 1) throw std::runtime_error("not yet");
  }
};
void static_that_throws() {
  two_of([] {
    try {
      static Thrower only;
    } catch (const std::runtime_error&) {
    }
  });
  static Thrower another;
  assert(thrown == 3 || thrown == 2);
}

int circular(int depth) {
  struct Value {
    int value;
    explicit Value(int d) : value(d == 0 ? circular(1) : d) {}
  };
  static Value only(depth);
  return only.value;
}
void static_within_itself() { circular(0); }

struct First {
  static First& get();
  First();
};
struct Second {
  static Second& get() {
    static Second only;
    return only;
  }
  Second() { First::get(); }
};
First::First() { Second::get(); }
First& First::get() {
  static First only;
  return only;
}
void statics_of_each_other() {
  two_threads([] { First::get(); }, [] { Second::get(); });
}

// --- futures ----------------------------------------------------------------------------------

void future() {
  std::promise<std::unique_ptr<int>> promise;
  auto future = promise.get_future();
  std::thread maker([&] { promise.set_value(std::make_unique<int>(4)); });
  assert(*future.get() == 4);
  maker.join();
  auto async = std::async(std::launch::async, [] { return 5; });
  assert(async.get() == 5);
}

void future_never_set() {
  std::promise<int> promise;
  promise.get_future().wait();
}

constexpr Scenario all[] = {
    {"SpinLockExcludes", spin_excludes},
    {"SpinLockNeverUnlocked", spin_never_unlocked, "deadlock", "spin lock of spinlock 1 at "},
    {"SpinLockUnlockByAnother", spin_unlock_by_another, "crash", "T1 unlocks spinlock 1"},
    {"AtomicWaitOfInt", atomic_wait<int>},
    {"AtomicWaitOfChar", atomic_wait<char>},
    {"AtomicWaitOfLong", atomic_wait<long>},
    {"AtomicWaitRelaxed", atomic_wait_relaxed, "data race", "plain"},
    {"AtomicWaitWithoutNotify", atomic_wait_without_notify, "deadlock", "futex_wait"},
    {"AtomicFlagWait", atomic_flag_wait},
    {"CallOnce", once},
    {"CallOnceNotAwaited", once_not_awaited, "data race", "plain"},
    {"CallOnceThatThrows", once_that_throws},
    {"OnceWithinItself", once_within_itself, "crash", "an initialiser within itself"},
    {"FunctionStatic", function_static},
    {"FunctionStaticThatThrows", static_that_throws},
    {"FunctionStaticWithinItself", static_within_itself, "crash", "within its initialiser"},
    {"FunctionStaticsOfEachOther", statics_of_each_other, "deadlock", "being initialised by T",
     "crash"},
    {"Future", future},
    {"FutureNeverSet", future_never_set, "deadlock", "futex_wait"},
};

}  // namespace

Scenarios waits() { return {all, std::size(all)}; }

}  // namespace aiosim::threads
