// Threads that sleep on a word of memory.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "memory/memory.h"
#include "memory/vector_clock.h"
#include "runtime/world.h"

namespace aiosim::kernel {

class Futexes {
 public:
  explicit Futexes(runtime::World& world) : world_(world) {}

  void reset() { queue_.clear(); }

  struct Sleeper {
    const std::uint32_t* word = nullptr;
    std::uint32_t bitset = 0;
    bool woken = false;
    memory::Message from_waker;
  };

  /// The calling thread goes to the end of the queue / leaves it.
  Sleeper& enqueue(const std::uint32_t* word, std::uint32_t bitset);
  void dequeue();

  /// Wakes up to `count` sleepers; which ones is a choice (Kind::wake, 0 = longest asleep).
  int wake(const std::uint32_t* word, int count, std::uint32_t bitset);

 private:
  bool matches(std::uint32_t thread, const std::uint32_t* word, std::uint32_t bitset) const;

  runtime::World& world_;
  std::array<Sleeper, memory::max_threads> sleepers_;  // by thread: it sleeps on one word
  std::vector<std::uint32_t> queue_;                   // threads, longest asleep first
};

}  // namespace aiosim::kernel
