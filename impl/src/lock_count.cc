#include "aio/lock_count.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <bit>
#include <climits>

namespace aio {

static_assert(sizeof(std::atomic<std::uint64_t>) == sizeof(std::uint64_t));

/// The half of the word that the kernel compares.
std::uint32_t* LockCount::futex() {
  return reinterpret_cast<std::uint32_t*>(&word_) + (std::endian::native == std::endian::big);
}

/// `seen` is locked: sleeps until it may be free; what the word is then. See futex(2).
std::uint64_t LockCount::wait(std::uint64_t seen) {
  if ((seen & waited) == 0) {
    if (!word_.compare_exchange_strong(seen, seen | waited, std::memory_order_relaxed,
                                       std::memory_order_relaxed)) {
      return seen;
    }
  }
  // EAGAIN: it has been unlocked since; EINTR: the caller looks, and comes back if need be.
  syscall(SYS_futex, futex(), FUTEX_WAIT_PRIVATE, static_cast<std::uint32_t>(locked | waited),
          nullptr, nullptr, 0);
  return word_.load(std::memory_order_relaxed);
}

void LockCount::wake() {
  syscall(SYS_futex, futex(), FUTEX_WAKE_PRIVATE, INT_MAX, nullptr, nullptr, 0);
}

bool LockCount::end_visit(bool although_others) {
  std::uint64_t seen = word_.load(std::memory_order_relaxed);
  for (;;) {
    const bool only = seen < 2 * one_visit;
    if (!only && !although_others) return false;
    if (only && (seen & locked) != 0) {
      seen = wait(seen);
      continue;
    }
    const std::uint64_t then = only ? locked : seen - one_visit;
    if (word_.compare_exchange_strong(seen, then, std::memory_order_acq_rel,
                                      std::memory_order_relaxed)) {
      return only;
    }
  }
}

}  // namespace aio
