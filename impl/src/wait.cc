#include "aio/wait.h"

#include <atomic>

namespace aio {

namespace {
std::atomic<unsigned> waiters{0};
}  // namespace

WaitScope::WaitScope() {
  waiters.fetch_add(1, std::memory_order_relaxed);
  // Store buffering; pairs with the fence in wait_kick(). The caller reads its condition next.
  std::atomic_thread_fence(std::memory_order_seq_cst);
}

WaitScope::~WaitScope() { waiters.fetch_sub(1, std::memory_order_relaxed); }

void wait_kick(Context& context) {
  // Store buffering; pairs with the fence in WaitScope. The caller has changed the condition.
  std::atomic_thread_fence(std::memory_order_seq_cst);
  if (waiters.load(std::memory_order_relaxed) == 0) return;
  context.schedule_oneshot([](void*) {}, nullptr, "wait_kick");
}

}  // namespace aio
