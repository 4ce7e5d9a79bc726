// pthread_once and thread-specific data.
#include <pthread.h>

#include <array>
#include <cerrno>
#include <climits>
#include <utility>
#include <vector>

#include "runtime/heap.h"
#include "runtime/libc_call.h"
#include "runtime/real.h"
#include "runtime/sync_objects.h"
#include "runtime/thread_keys.h"
#include "runtime/world.h"

namespace aiosim::runtime {
namespace {

using Destroy = void (*)(void*);

// --- once -------------------------------------------------------------------------------------

constexpr int is_done = 2;  // glibc's mark in a pthread_once_t

bool is_idle(void* once) { return static_cast<SyncObject*>(once)->owner == SyncObject::nobody; }

void leave(SyncObject& once, pthread_once_t* control, bool done, const void* pc) {
  World& w = world();
  w.point(done ? "once done" : "once abandoned", once.name, pc);
  if (done) *control = is_done;
  w.memory.release(w.self().id, once.message);  // to the next attempt too ([thread.once.callonce])
  once.owner = SyncObject::nobody;
  w.state_changed();
  w.record(done ? "once done" : "once abandoned", once.name, 0, 0, pc);
}

int do_once(pthread_once_t* control, void (*initialise)(), const void* pc) {
  World& w = world();
  SyncObject& once = sync_objects().at(ObjectType::once, control);
  w.point("once", once.name, pc);
  use_memory(control, pc);
  if (once.owner == w.self().id) misuse("calls an initialiser within itself (once)", pc);
  while (!is_idle(&once)) {
    sync_objects().block(once, {is_idle, &once, -1, "once", {}}, pc);
  }
  const bool done = *control == is_done;
  w.record("once", once.name, done, 0, pc);
  w.memory.acquire(w.self().id, once.message);
  if (done) return 0;
  once.owner = w.self().id;
  once.taken_at = pc;
  try {
    initialise();
  } catch (...) {
    leave(once, control, false, pc);
    throw;
  }
  leave(once, control, true, pc);
  return 0;
}

// --- keys -------------------------------------------------------------------------------------

// A key made during a run ends with it; its number is far from the host's. A value that code under
// test gives to one of the host's (made when a module was loaded, by the C++ runtime) belongs to
// the run as well.
constexpr pthread_key_t first_key = 1u << 20;

struct Key {
  Destroy destroy = nullptr;
  bool deleted = false;
};
std::vector<Key> run_keys;
std::array<Destroy, PTHREAD_KEYS_MAX> host_destroy{};  // by number, which is below that

/// Where the values of a thread lie: those of the host's keys come first.
std::size_t place_of(pthread_key_t key) {
  return key < first_key ? key : PTHREAD_KEYS_MAX + (key - first_key);
}

bool exists(pthread_key_t key) {
  if (key < first_key) return key < PTHREAD_KEYS_MAX;
  return key - first_key < run_keys.size() && !run_keys[key - first_key].deleted;
}

Destroy destroyer(std::size_t place) {
  return place < PTHREAD_KEYS_MAX ? host_destroy[place]
                                  : run_keys[place - PTHREAD_KEYS_MAX].destroy;
}

int create_key(pthread_key_t* key, Destroy destroy) {
  const RuntimeScope scope;
  if (run_keys.size() == PTHREAD_KEYS_MAX) return EAGAIN;
  run_keys.push_back({destroy, false});
  *key = first_key + static_cast<pthread_key_t>(run_keys.size() - 1);
  return 0;
}

int set_value(pthread_key_t key, const void* value) {
  if (!exists(key)) return EINVAL;
  auto& values = g_current->specific;
  const std::size_t place = place_of(key);
  if (values.size() <= place) {
    const RuntimeScope scope;
    values.resize(place + 1, nullptr);
  }
  values[place] = const_cast<void*>(value);
  return 0;
}

}  // namespace

void reset_keys() { run_keys.clear(); }

void run_key_destructors(Thread& thread) {
  for (int round = 0; round < PTHREAD_DESTRUCTOR_ITERATIONS; ++round) {
    bool called = false;
    for (std::size_t i = 0; i < thread.specific.size(); ++i) {
      void* value = std::exchange(thread.specific[i], nullptr);
      const Destroy destroy = value != nullptr ? destroyer(i) : nullptr;
      if (destroy == nullptr) continue;
      destroy(value);
      called = true;
    }
    if (!called) return;
  }
}

}  // namespace aiosim::runtime

using namespace aiosim::runtime;

extern "C" {

int pthread_once(pthread_once_t* control, void (*initialise)()) {
  if (under_test() && !is_cxx_runtime(control)) return do_once(control, initialise, CALLER);
  const RuntimeScope scope;  // what the C++ runtime makes once outlives the run
  return AIOSIM_REAL(pthread_once)(control, initialise);
}

int pthread_key_create(pthread_key_t* key, void (*destroy)(void*)) noexcept {
  if (under_test()) return create_key(key, destroy);
  const int error = AIOSIM_REAL(pthread_key_create)(key, destroy);
  if (error == 0) host_destroy[*key] = destroy;
  return error;
}

int pthread_key_delete(pthread_key_t key) noexcept {
  if (key < first_key) return AIOSIM_REAL(pthread_key_delete)(key);
  if (!exists(key)) return EINVAL;
  run_keys[key - first_key] = {nullptr, true};
  for (std::uint32_t id = 0; id < world().thread_count(); ++id) {
    auto& values = world().thread(id).specific;
    if (place_of(key) < values.size()) values[place_of(key)] = nullptr;
  }
  return 0;
}

void* pthread_getspecific(pthread_key_t key) noexcept {
  if (!under_test()) return AIOSIM_REAL(pthread_getspecific)(key);
  const auto& values = g_current->specific;
  const std::size_t place = place_of(key);
  return place < values.size() ? values[place] : nullptr;
}

int pthread_setspecific(pthread_key_t key, const void* value) noexcept {
  return under_test() ? set_value(key, value) : AIOSIM_REAL(pthread_setspecific)(key, value);
}

}  // extern "C"
