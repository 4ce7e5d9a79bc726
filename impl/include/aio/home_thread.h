// HomeThread: which thread a context's polls, and what only they may touch, belong to.
//
//   any thread                is_current(), bind(), claim()
//   home thread               release()
//
// Barriers: none. A thread's number is stored by that thread alone. Who reads its own has bound
// and, by coherence, not released since. But another thread may have bound meanwhile, for the load
// may be stale: so the old home thread has to release() before another binds, unless it has ended.
#pragma once

#include <atomic>
#include <cstdint>

namespace aio {

class HomeThread {
 public:
  HomeThread() = default;
  HomeThread(const HomeThread&) = delete;
  HomeThread& operator=(const HomeThread&) = delete;

  /// Whether the caller is it. Any thread.
  [[nodiscard]] bool is_current() const {
    return number_.load(std::memory_order_relaxed) == own_number_;
  }

  /// Makes the caller it. The old one has ended or released it, and this thread knows (a join, a
  /// lock).
  void bind();

  /// The same if there is none; false if another thread is it.
  [[nodiscard]] bool claim();

  /// Leaves the place empty. Home thread.
  void release() { number_.store(nobody, std::memory_order_relaxed); }

 private:
  static constexpr std::uint64_t nobody = ~std::uint64_t{0};

  // Never given twice, unlike a std::thread::id: one of a thread that has ended would make a
  // stranger home. 0: was never anybody's home thread.
  static constinit thread_local std::uint64_t own_number_;

  std::atomic<std::uint64_t> number_{nobody};
};

}  // namespace aio
