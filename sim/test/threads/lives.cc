#include <pthread.h>
#include <sched.h>
#include <threads.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>

#include "scenario.h"

namespace aiosim::threads {
namespace {

// --- start and end ----------------------------------------------------------------------------

void join_orders() {
  int value = 1;
  std::thread worker([&] { ++value; });
  worker.join();
  assert(value == 2);
}

void not_joined_yet() {
  int value = 1;
  std::thread worker([&] { ++value; });
  ++value;
  worker.join();
}

void destroyed_joinable() { std::thread worker([] {}); }

void jthread_stops() {
  std::atomic<int> rounds{0};
  {
    const std::jthread worker([&](std::stop_token stop) {
      while (!stop.stop_requested()) {
        rounds.fetch_add(1);
        std::this_thread::yield();
      }
    });
  }
  rounds.load();
}

void stop_callback() {
  int called = 0;
  std::stop_source source;
  std::thread requester([&] { source.request_stop(); });
  {
    const std::stop_callback callback(source.get_token(), [&] { ++called; });
  }  // here it has run, or never will
  const int seen = called;
  requester.join();
  assert(called == seen && called <= 1);
}

void detached() {
  auto flag = std::make_shared<std::atomic<bool>>(false);
  std::thread([flag] { flag->store(true); }).detach();
  while (!flag->load()) std::this_thread::yield();
}

void detached_reads_dead_frame() {
  auto value = std::make_unique<int>(1);
  std::thread([&value = *value] { ++value; }).detach();
  value.reset();
  for (int i = 0; i < 5; ++i) std::this_thread::yield();
}

void join_error_codes() {
  pthread_t worker;
  std::atomic<bool> leave{false};
  const auto body = [](void* flag) -> void* {
    while (!static_cast<std::atomic<bool>*>(flag)->load()) sched_yield();
    return flag;
  };
  assert(pthread_create(&worker, nullptr, body, &leave) == 0);
  assert(pthread_join(pthread_self(), nullptr) == EDEADLK);
  assert(pthread_tryjoin_np(worker, nullptr) == EBUSY);
  const timespec past{0, 0};
  assert(pthread_timedjoin_np(worker, nullptr, &past) == ETIMEDOUT);
  assert(pthread_clockjoin_np(worker, nullptr, CLOCK_PROCESS_CPUTIME_ID, &past) == EINVAL);
  leave = true;
  void* result = nullptr;
  assert(pthread_join(worker, &result) == 0);
  assert(result == &leave);
  assert(pthread_join(worker, nullptr) == ESRCH);
  assert(pthread_create(&worker, nullptr, body, &leave) == 0);
  assert(pthread_detach(worker) == 0);
  assert(pthread_detach(worker) == EINVAL);
  assert(pthread_join(worker, nullptr) == EINVAL);
}

void join_each_other() {
  static pthread_t first;
  first = pthread_self();
  const auto body = [](void*) -> void* {
    const int error = pthread_join(first, nullptr);
    assert(error == EDEADLK);
    return nullptr;
  };
  pthread_t worker;
  pthread_create(&worker, nullptr, body, nullptr);
  // Whoever comes second is told; T0 must not end before.
  pthread_join(worker, nullptr);
}

void join_holding_what_it_needs() {
  std::mutex mutex;
  std::thread worker([&] {
    pthread_setname_np(pthread_self(), "worker");
    const std::lock_guard lock(mutex);
  });
  const std::lock_guard lock(mutex);
  worker.join();
}

void exits_through_frames() {
  std::mutex mutex;
  std::thread worker([&] {
    const std::lock_guard lock(mutex);
    pthread_exit(nullptr);
  });
  worker.join();
  assert(mutex.try_lock());
  mutex.unlock();
}

void exit_caught() {
  std::thread worker([] {
    try {
      pthread_exit(nullptr);
    } catch (...) {
    }
  });
  worker.join();
}

void processors() {
  assert(std::thread::hardware_concurrency() == 4);
  cpu_set_t set;
  assert(sched_getaffinity(0, sizeof set, &set) == 0);
  assert(CPU_COUNT(&set) == 4);
}

void cancelled() {
  std::thread worker([] {});
  pthread_cancel(worker.native_handle());
  worker.join();
}

int nothing(void*) { return 0; }
void c11_thread() {
  thrd_t thread;
  thrd_create(&thread, nothing, nullptr);
}

// --- what a thread is -------------------------------------------------------------------------

void identity() {
  const pthread_t me = pthread_self();
  std::thread worker([me] {
    assert(pthread_equal(me, pthread_self()) == 0);
    assert(pthread_setname_np(pthread_self(), "worker") == 0);
    char name[16];
    assert(pthread_getname_np(pthread_self(), name, sizeof name) == 0);
    assert(std::strcmp(name, "worker") == 0);
    assert(pthread_getname_np(pthread_self(), name, 3) == ERANGE);
    assert(pthread_setname_np(pthread_self(), "a name much too long") == ERANGE);
    assert(std::this_thread::get_id() != std::thread::id());
  });
  worker.join();
  assert(pthread_equal(me, pthread_self()) != 0);
}

void attributes() {
  pthread_attr_t wanted;
  pthread_attr_init(&wanted);
  pthread_attr_setdetachstate(&wanted, PTHREAD_CREATE_DETACHED);
  static std::atomic<bool> done{false};
  const auto body = [](void*) -> void* {
    pthread_attr_t mine;
    assert(pthread_getattr_np(pthread_self(), &mine) == 0);
    int state = -1;
    pthread_attr_getdetachstate(&mine, &state);
    assert(state == PTHREAD_CREATE_DETACHED);
    void* low = nullptr;
    std::size_t size = 0;
    pthread_attr_getstack(&mine, &low, &size);
    const char* here = reinterpret_cast<char*>(&size);
    assert(here > low && here < static_cast<char*>(low) + size);
    pthread_attr_destroy(&mine);
    done = true;
    return nullptr;
  };
  pthread_t worker;
  assert(pthread_create(&worker, &wanted, body, nullptr) == 0);
  assert(pthread_join(worker, nullptr) == EINVAL);
  while (!done) sched_yield();
  pthread_attr_destroy(&wanted);
}

void errno_is_mine() {
  errno = EPERM;
  two_of([] {
    assert(errno == 0);
    for (int i = 1; i <= 3; ++i) {
      errno = i;
      std::this_thread::yield();
      assert(errno == i);
    }
  });
  assert(errno == EPERM);
}

// --- what belongs to a thread -----------------------------------------------------------------

std::atomic<int> made{0}, ended{0};
struct Counted {
  std::string text = "of this thread";
  Counted() { ++made; }
  ~Counted() { ++ended; }
};
thread_local Counted counted;
thread_local int plain = 3;

void thread_locals() {
  made = ended = 0;
  two_of([] {
    assert(plain == 3);
    ++plain;
    counted.text += '!';
    std::this_thread::yield();
    assert(plain == 4 && counted.text == "of this thread!");
  });
  assert(made == 2 && ended == 2);
  std::thread([] { assert(plain == 3); }).join();
  assert(made == 2);
}

// As glibc lends it: a thread that was joined and the next one have one id.
void trusts_an_old_id() {
  std::thread::id owner;
  bool takes_itself_for_owner = false;
  std::thread([&] { owner = std::this_thread::get_id(); }).join();
  std::thread([&] { takes_itself_for_owner = owner == std::this_thread::get_id(); }).join();
  assert(!takes_itself_for_owner);
}

// Who starts a thread knows nothing of the one that ended: what they have is not one and the same.
void joined_elsewhere() {
  const auto starts_and_joins = [] {
    std::thread([] { assert(plain++ == 3); }).join();
    std::thread([] { assert(plain++ == 3); }).join();
  };
  two_of(starts_and_joins);
}

void thread_local_of_another() {
  std::atomic<int*> handed{nullptr};
  two_threads([&] { handed.store(&plain); },
              [&] {
                if (int* other = handed.load()) ++*other;
              });
  std::atomic<int*> wrong{nullptr};
  two_threads(
      [&] {
        wrong.store(&plain);
        ++plain;
      },
      [&] {
        if (int* other = wrong.load()) ++*other;
      });
}

struct Keyed {
  pthread_key_t key;
  int rounds_left;
  int destroyed = 0;
};
void destroy_keyed(void* value) {
  auto* keyed = static_cast<Keyed*>(value);
  ++keyed->destroyed;
  if (keyed->rounds_left-- > 0) pthread_setspecific(keyed->key, keyed);
}

void keys() {
  pthread_key_t key;
  assert(pthread_key_create(&key, destroy_keyed) == 0);
  assert(pthread_getspecific(key) == nullptr);
  int here = 0;
  pthread_setspecific(key, &here);
  Keyed twice{key, 1}, forever{key, 100};
  const auto body = [key](Keyed& keyed) {
    assert(pthread_getspecific(key) == nullptr);
    pthread_setspecific(key, &keyed);
    std::this_thread::yield();
    assert(pthread_getspecific(key) == &keyed);
  };
  two_threads([&] { body(twice); }, [&] { body(forever); });
  assert(twice.destroyed == 2 && forever.destroyed == PTHREAD_DESTRUCTOR_ITERATIONS);
  assert(pthread_getspecific(key) == &here);
  assert(pthread_key_delete(key) == 0);
  assert(pthread_key_delete(key) == EINVAL);
  assert(pthread_setspecific(key, &here) == EINVAL);
}

// A key that the module made when it was loaded.
std::atomic<int> released{0};
const pthread_key_t early_key = [] {
  pthread_key_t key;
  pthread_key_create(&key, [](void*) { ++released; });
  return key;
}();
void early_keys() {
  released = 0;
  two_of([] {
    assert(pthread_getspecific(early_key) == nullptr);
    pthread_setspecific(early_key, &released);
  });
  assert(released == 2);
}

constexpr Scenario all[] = {
    {"JoinOrders", join_orders},
    {"NotJoinedYet", not_joined_yet, "data race", "plain"},
    {"ThreadDestroyedJoinable", destroyed_joinable, "crash", "T1 is neither joined nor detached"},
    {"JthreadStops", jthread_stops},
    {"StopCallback", stop_callback},
    {"Detached", detached},
    {"DetachedUsesTheDead", detached_reads_dead_frame, "use after free", "", "data race"},
    {"JoinErrorCodes", join_error_codes},
    {"JoinEachOther", join_each_other},
    {"JoinHoldingWhatItNeeds", join_holding_what_it_needs, "deadlock",
     "T0 waits in thread join of worker; worker waits in mutex lock of mutex 1 at "},
    {"JoinIsPartOfTheCircle", join_holding_what_it_needs, "deadlock",
     "again: T0 and worker wait for each other; "},
    {"PthreadExitRunsDestructors", exits_through_frames},
    {"PthreadExitCaught", exit_caught, "crash", "without throwing it on"},
    {"Processors", processors},
    {"Cancelled", cancelled, "crash", "pthread_cancel() is not simulated"},
    {"C11Thread", c11_thread, "crash", "thrd_create() is not simulated"},
    {"Identity", identity},
    {"TrustsAnOldId", trusts_an_old_id, "crash", "takes_itself_for_owner"},
    {"JoinedElsewhere", joined_elsewhere},
    {"Attributes", attributes},
    {"ErrnoIsMine", errno_is_mine},
    {"ThreadLocals", thread_locals},
    {"ThreadLocalOfAnother", thread_local_of_another, "data race", "plain"},
    {"Keys", keys},
    {"KeysMadeEarly", early_keys},
};

}  // namespace

Scenarios lives() { return {all, std::size(all)}; }

}  // namespace aiosim::threads
