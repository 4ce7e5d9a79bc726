#include "aio/notify_gate.h"

#include "check.h"

namespace aio {

namespace {
constexpr std::uint32_t foreign_sleep = 1;  // a bit (R33)
constexpr std::uint32_t one_sleep = 2;      // the rest is a count
}  // namespace

void NotifyGate::notify() {
  // Publishes the caller's work; pairs with the exchange in accept(). Acquire: what accept() made
  // known, namely that nobody sleeps any more.
  if (notified_.fetch_or(1U, std::memory_order_acq_rel) != 0) return;  // who set it writes
  // Store buffering; pairs with the fence in raise().
  std::atomic_thread_fence(std::memory_order_seq_cst);
  if (notify_me_.load(std::memory_order_relaxed) != 0) event_.set();
}

void NotifyGate::raise() {
  notify_me_.store(notify_me() + one_sleep, std::memory_order_relaxed);
  // Store buffering; pairs with the fence in notify(). The caller reads notified() next.
  std::atomic_thread_fence(std::memory_order_seq_cst);
}

void NotifyGate::lower() {
  AIO_CHECK(notify_me() >= one_sleep);
  notify_me_.store(notify_me() - one_sleep, std::memory_order_release);
}

void NotifyGate::raise_foreign() {
  notify_me_.store(notify_me() | foreign_sleep, std::memory_order_relaxed);
  // Store buffering; pairs with the fence in notify(). The caller looks at the work next.
  std::atomic_thread_fence(std::memory_order_seq_cst);
}

void NotifyGate::lower_foreign() {
  notify_me_.store(notify_me() & ~foreign_sleep, std::memory_order_release);
}

void NotifyGate::accept() {
  // Pairs with the fetch_or in notify(): whose store this clears, their work is visible now.
  // Release: a push that misses our take-over of the list also sees notified cleared (R43).
  notified_.exchange(0U, std::memory_order_acq_rel);
}

}  // namespace aio
