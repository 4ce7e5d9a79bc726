// The simulated state of locks, conditions, semaphores, barriers, once flags and guards, by their
// addresses.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "memory/memory.h"
#include "runtime/object.h"
#include "runtime/world.h"

namespace aiosim::runtime {

struct SyncObject;

/// A thread that waits to be woken by another; lives in its own frame.
struct Waiter {
  std::uint32_t thread = 0;
  bool signalled = false;
  bool serial = false;                // barrier: it is told that it is the one
  const SyncObject* mutex = nullptr;  // condition: what it gave up
};

struct Holder {
  std::uint32_t thread = 0;
  std::uint32_t count = 0;
  const void* pc = nullptr;
};

struct SyncObject {
  static constexpr std::uint32_t nobody = ~0u;

  Object name;
  bool seen = false;                  // somebody used it: it is no longer new
  std::uint32_t owner = nobody;       // of a lock; who initialises, of a guard or once
  const void* taken_at = nullptr;     // by the owner
  std::uint32_t count = 0;            // recursion depth; barrier: threads that a round needs
  bool done = false;                  // once
  memory::Message message;            // what unlock, post and done hand over
  memory::Message from_readers;       // rwlock: what unlocks of readers hand to a writer
  std::vector<Holder> readers;        // rwlock
  std::vector<std::uint32_t> writers;  // rwlock: threads that wait to write
  std::vector<Waiter*> waiters;       // condition, barrier: longest first

  bool held() const { return owner != nobody || !readers.empty(); }
};

class SyncObjects {
 public:
  void reset();
  /// The object of `type` at `address`; a fresh one (unlocked, zero) at first sight.
  SyncObject& at(ObjectType type, const void* address) {
    SyncObject& object = look_up(type, address);
    object.seen = true;
    return object;
  }
  /// The same for an object that may be made without a call, by initialising its memory. `mark` is
  /// a part of that memory which nobody uses: zero says that the object was made anew.
  template <class Mark>
  SyncObject& at(ObjectType type, const void* address, Mark& mark, const void* pc) {
    SyncObject& object = mark == 0 ? renewed(type, address, pc) : at(type, address);
    mark = 1;
    return object;
  }
  /// It comes to life by a call of an initialising function, or ends by one, which is a point
  /// ("mutex destroy"): another object may come to the same address. Ends the run if it is held or
  /// waited for.
  void make(ObjectType type, void* address, const void* pc);
  void destroy(ObjectType type, void* address, const char* operation, const void* pc);

  /// Null if there is none of that name.
  const SyncObject* find(Object name) const;

  /// World::block for `object` (wait.object is ignored); a report of a deadlock knows the place.
  Wake block(const SyncObject& object, const Wait& wait, const void* pc);
  /// World::point_before, likewise.
  void point_before(const SyncObject& object, const Wait& wait, const void* pc);
  /// Where the thread waits by these; null if it does not.
  const void* waits_at(std::uint32_t thread) const { return waits_at_[thread]; }

 private:
  /// `how` as in "is destroyed".
  void forget(ObjectType type, const void* address, const char* how, const void* pc);
  SyncObject& look_up(ObjectType type, const void* address);
  SyncObject& renewed(ObjectType type, const void* address, const void* pc) {
    forget(type, address, "is made anew", pc);
    return at(type, address);
  }

  std::deque<SyncObject> objects_;          // stable addresses; reused between runs
  std::size_t used_ = 0;
  // By number within the type; numbers are dense.
  std::vector<SyncObject*> by_number_[static_cast<std::size_t>(ObjectType::count_)];
  std::array<const void*, memory::max_threads> waits_at_{};
};

SyncObjects& sync_objects();

/// "T1 (locked at module+0x12) and T2 (...)"; "" if nobody holds it.
std::string holders(const SyncObject& object);

/// The current thread uses a lock, condition, ... in memory: that must not be freed, nor made or
/// destroyed without order. Before the operation hands anything over: who gets that may destroy.
void use_memory(const void* object, const void* pc);
/// Ends the run: "T1 unlocks mutex 2, which it does not hold, at PLACE". `what` follows the
/// thread's name.
[[noreturn]] void misuse(const std::string& what, const void* pc);

}  // namespace aiosim::runtime
