// Names of what traced operations work on. Numbers are per world, in order of first use; never
// addresses, so that they are the same in every build and process.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace aiosim::runtime {

enum class ObjectType : std::uint8_t {
  none, atomic, fd, mutex, condition, semaphore, rwlock, once, guard, futex, thread, clock, heap,
  barrier, spinlock,
  kernel,   // fds, epolls and sleepers together: what one call changes another may see
  seq_cst,  // the order of seq_cst operations
  harness,  // state of the harness (aiosim::shares)
  count_
};

struct Object {
  ObjectType type = ObjectType::none;
  std::uint32_t number = 0;
};

/// "atomic 4"; "" for none.
std::string describe(Object object);

/// Numbers for objects that are known by their address. Open addressing, reset in O(1).
class ObjectNumbers {
 public:
  ObjectNumbers();
  void reset();
  /// The number of the object of `type` at `address`; the next free one at first sight.
  std::uint32_t number(ObjectType type, const void* address);
  /// The object there is gone: one that comes to the same address is another.
  void forget(ObjectType type, const void* address);

 private:
  struct Slot {
    std::uint64_t generation = 0;
    const void* address = nullptr;
    ObjectType type = ObjectType::none;
    std::uint32_t number = 0;
  };
  Slot& slot(ObjectType type, const void* address);
  void grow();

  std::vector<Slot> slots_;
  std::size_t used_ = 0;
  std::uint64_t generation_ = 1;
  std::uint32_t next_[static_cast<std::size_t>(ObjectType::count_)] = {};
};

}  // namespace aiosim::runtime
