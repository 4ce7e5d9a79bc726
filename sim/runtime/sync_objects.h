// The simulated state of locks, conditions, semaphores, once flags and guards, by address.
#pragma once

#include <cstdint>
#include <deque>
#include <vector>

#include "memory/memory.h"
#include "runtime/object.h"

namespace aiosim::runtime {

/// A thread that waits on a condition; lives in its own frame.
struct ConditionWaiter {
  bool signalled = false;
};

struct SyncObject {
  static constexpr std::uint32_t nobody = ~0u;

  Object name;
  std::uint32_t owner = nobody;       // mutex, guard and once in progress
  std::uint32_t count = 0;            // recursion depth; semaphore value; readers
  bool done = false;                  // once
  memory::Message message;            // what unlock, post and done hand over
  std::vector<ConditionWaiter*> waiters;
};

class SyncObjects {
 public:
  void reset();
  /// The object of `type` at `address`; a fresh one (unlocked, zero) at first sight.
  SyncObject& at(ObjectType type, const void* address);
  /// Destroyed: another object may come to the same address.
  void forget(ObjectType type, const void* address);

 private:
  std::deque<SyncObject> objects_;          // stable addresses; reused between runs
  std::size_t used_ = 0;
  // By number within the type; numbers are dense.
  std::vector<SyncObject*> by_number_[static_cast<std::size_t>(ObjectType::count_)];
};

SyncObjects& sync_objects();

}  // namespace aiosim::runtime
