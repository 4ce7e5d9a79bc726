// Our loop as a backend that does not wait itself: a foreign loop does, as GLib's would, for whole
// milliseconds (R29 to R34); signals do not shorten its waits (D8).
#include <poll.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <new>
#include <system_error>
#include <vector>

#include "aio/foreign_loop.h"
#include "loop.h"
#include "ppoll_until.h"
#include "properties/backend.h"

namespace {

class ForeignServedLoop final : public ContextLoop {
 public:
  explicit ForeignServedLoop(const properties::LoopOptions& options)
      : ContextLoop(own_), own_(context_options(options)), foreign_(own_) {
    own_.bind_home_thread();
  }

  /// One iteration of the foreign loop. It does not nest: callbacks poll the context itself.
  bool poll(bool blocking) override {
    if (own_.visits() != 0) return own_.poll(blocking);
    const int timeout_ms = foreign_.prepare();
    std::vector<pollfd> fds;
    std::vector<aio::ForeignLoop::Watch> watches;
    foreign_.for_each_watch([&](const aio::ForeignLoop::Watch& watch) {
      watches.push_back(watch);
      fds.push_back({watch.fd, watch.events, 0});
    });
    const std::int64_t timeout_ns = timeout_ms < 0 ? -1 : timeout_ms * std::int64_t{1'000'000};
    const int ready = aio::detail::ppoll_until(fds.data(), fds.size(), blocking ? timeout_ns : 0);
    if (!foreign_.check(ready > 0)) return false;
    for (std::size_t i = 0; ready > 0 && i < fds.size(); ++i) {
      if (fds[i].revents == 0) continue;
      foreign_.report(watches[i].fd, watches[i].generation, fds[i].revents);
    }
    return foreign_.dispatch();
  }

 private:
  aio::Context own_;
  aio::ForeignLoop foreign_;
};

properties::Loop* create(const properties::LoopOptions& options) {
  try {
    return new ForeignServedLoop(options);
  } catch (const std::system_error& error) {
    errno = error.code().value();
  } catch (const std::bad_alloc&) {
    errno = ENOMEM;
  }
  return nullptr;
}

void payload_store(std::uint64_t* word, std::uint64_t value) {
  std::atomic_ref(*word).store(value, std::memory_order_relaxed);
}

std::uint64_t payload_load(const std::uint64_t* word) {
  return std::atomic_ref(*const_cast<std::uint64_t*>(word)).load(std::memory_order_relaxed);
}

constexpr std::uint32_t offers =
    properties::offers_bottom_halves | properties::offers_idle_bh | properties::offers_cancel |
    properties::offers_oneshot | properties::offers_nested_poll | properties::offers_fd_handlers |
    properties::offers_timers | properties::offers_progress_value |
    properties::offers_slice_order_lifo | properties::offers_wait_kick |
    properties::offers_closed_fds | properties::offers_hold_timers |
    properties::offers_reentrancy_guard;

}  // namespace

extern "C" const properties::BackendModule aiosim_backend;
const properties::BackendModule aiosim_backend = {
    properties::backend_abi, AIOSIM_BACKEND_NAME, offers, create, payload_store, payload_load};
