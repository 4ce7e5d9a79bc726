// Our loop as a backend. AIOSIM_MONITOR: a Monitor, AIOSIM_UPGRADE: fds from which epoll_auto
// changes to epoll.
#include <atomic>

#include "loop.h"
#include "parts.h"
#include "properties/backend.h"

#ifndef AIOSIM_BACKEND_SYMBOL  // several in one binary need names of their own
#define AIOSIM_BACKEND_SYMBOL aiosim_backend
#endif

namespace {

properties::Loop* create(const properties::LoopOptions& options) {
  return made_or_null([&]() -> properties::Loop* { return new AioLoop(options); });
}

void payload_store(std::uint64_t* word, std::uint64_t value) {
  std::atomic_ref(*word).store(value, std::memory_order_relaxed);
}

std::uint64_t payload_load(const std::uint64_t* word) {
  return std::atomic_ref(*const_cast<std::uint64_t*>(word)).load(std::memory_order_relaxed);
}

/// The ring tells of events without a system call (R58, R59).
constexpr std::uint32_t offers_of_ring =
    aio::Monitor::AIOSIM_MONITOR == aio::Monitor::io_uring
        ? properties::offers_polling_beside_fds | properties::offers_ring_requests |
              properties::offers_idle_removal
        : 0;

constexpr std::uint32_t offers =
    offers_of_ring | properties::offers_one_write_a_sleep | properties::offers_bottom_halves |
    properties::offers_idle_bh | properties::offers_cancel | properties::offers_oneshot |
    properties::offers_nested_poll | properties::offers_fd_handlers |
    properties::offers_pollable_handlers | properties::offers_busy_polling |
    properties::offers_timers | properties::offers_progress_value |
    properties::offers_slice_order_lifo | properties::offers_exact_timeout |
    properties::offers_wait_kick | properties::offers_quiet_notify |
    properties::offers_adaptive_polling | properties::offers_poll_hooks |
    properties::offers_closed_fds | properties::offers_hold_timers |
    properties::offers_thread_pool | properties::offers_coroutines | properties::offers_virtqueue |
    properties::offers_loop_threads | properties::offers_linux_aio |
    properties::offers_lock_count | properties::offers_reentrancy_guard |
    properties::offers_handlers_to_the_end;

}  // namespace

extern "C" const properties::BackendModule AIOSIM_BACKEND_SYMBOL;
const properties::BackendModule AIOSIM_BACKEND_SYMBOL = {
    properties::backend_abi, AIOSIM_BACKEND_NAME, offers, create,
    payload_store,           payload_load,        false,  &parts,
    free_ring_request};
