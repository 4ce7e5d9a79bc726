// LockCount: how many visit something, and a lock for those who change it, in one word (R73, R74).
//
//   any thread      everything
//
// Visitors do not exclude each other nor who has the lock: that one may add what visitors can see
// whole, and must not free what they may be looking at. It may free when nobody visits, for as long
// as it has the lock no visit begins then:
//
//     (0, free) --inc--> (1, free) --inc--> (2, free) --dec--> (1, free) --dec--> (0, free)
//     (n, free) --lock--> (n, locked) --unlock--> (n, free)    visits come and go meanwhile, unless
//                                                              n is 0: then inc() waits
//     (1, free) --dec_and_lock, dec_if_lock--> (0, locked)     the visit becomes the lock
//
// Invariants
//   1. Count and lock change together, by one read-modify-write of the whole word: there is no
//      moment between "nobody visits" and "it is locked".
//   2. Who goes to sleep has said so in the word (`waited`), and the kernel compares: a wake-up
//      in between is not lost. Only who finds `waited` when unlocking calls the kernel.
//   3. Unlocking wakes all who wait, for some want the lock and some a visit; each begins anew, and
//      says again that it waits if it has to. So `waited` without a sleeper does not last.
//
// Barriers: release unlock() / acquire inc() and lock(): what was changed is seen. Release dec() /
// acquire lock(), visits() under the lock, dec_and_lock(), dec_if_lock(): a visitor is done with
// what is freed. Others in between are read-modify-writes and keep the release sequence going.
#pragma once

#include <atomic>
#include <cstdint>

namespace aio {

class LockCount {
 public:
  LockCount() = default;
  LockCount(const LockCount&) = delete;
  LockCount& operator=(const LockCount&) = delete;

  /// Begins a visit; waits while there is none and somebody has the lock.
  void inc() {
    std::uint64_t seen = word_.load(std::memory_order_relaxed);
    do {
      while (seen < one_visit && seen != 0) seen = wait(seen);
    } while (!word_.compare_exchange_strong(seen, seen + one_visit, std::memory_order_acquire,
                                            std::memory_order_relaxed));
  }

  /// Ends a visit. Never waits.
  void dec() { word_.fetch_sub(one_visit, std::memory_order_release); }

  /// Ends a visit; true: it was the only one, and the caller has the lock.
  [[nodiscard]] bool dec_and_lock() { return end_visit(true); }

  /// The same if the visit is the only one; else false, and it goes on.
  [[nodiscard]] bool dec_if_lock() { return end_visit(false); }

  /// Waits for the lock, not for visits to end. Not recursive.
  void lock() {
    std::uint64_t seen = word_.load(std::memory_order_relaxed);
    do {
      while ((seen & locked) != 0) seen = wait(seen);
    } while (!word_.compare_exchange_strong(seen, seen | locked, std::memory_order_acquire,
                                            std::memory_order_relaxed));
  }

  /// By who has the lock.
  void unlock() {
    const std::uint64_t seen = word_.fetch_and(~(locked | waited), std::memory_order_release);
    if ((seen & waited) != 0) wake();
  }

  /// How many visits there are. 0 stays 0 for who has the lock; otherwise it is a snapshot.
  [[nodiscard]] std::uint32_t visits() const {
    return static_cast<std::uint32_t>(word_.load(std::memory_order_acquire) / one_visit);
  }

 private:
  static constexpr std::uint64_t locked = 1;  // lower half: the lock, which is the futex
  static constexpr std::uint64_t waited = 2;  // with locked: somebody sleeps or is about to
  static constexpr std::uint64_t one_visit = std::uint64_t{1} << 32;  // upper half

  bool end_visit(bool although_others);
  std::uint64_t wait(std::uint64_t seen);
  void wake();
  std::uint32_t* futex();

  std::atomic<std::uint64_t> word_{0};
};

}  // namespace aio
