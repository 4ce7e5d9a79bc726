// Loop: one context under soak, in a thread of its own, with everything that stands on it: the
// echo server of the example, a thread pool, a virtqueue.
//
//   owner's thread   construction, destruction, settle(), idle(), close_under_handler()
//   any thread       the rest
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "aio/io_thread.h"
#include "aio/thread_pool.h"
#include "aio/virtqueue.h"
#include "echo_server.h"
#include "soak/faults.h"
#include "soak/ledger.h"

namespace soak {

struct MonitorChoice {
  const char* name;
  aio::Monitor monitor;
  std::size_t upgrade_threshold;
};
/// ppoll, epoll from the start, the upgrade between them, io_uring.
const std::vector<MonitorChoice>& monitors();

/// What a loop did while nobody wanted anything of it.
struct Idle {
  std::int64_t wall_ns = 0;
  std::int64_t cpu_ns = 0;
  std::uint64_t polls = 0;
};

class Loop {
 public:
  /// Tries again while fault points keep the context from being made. `storm_ns`: period of the
  /// signals at its thread.
  Loop(const MonitorChoice& choice, std::int64_t poll_max_ns, std::int64_t storm_ns);
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  Ledger ledger;

  [[nodiscard]] aio::Context& context() { return io_->context(); }
  [[nodiscard]] const MonitorChoice& choice() const { return choice_; }
  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] std::uint64_t refused() const { return refused_; }

  /// Runs `act` in the loop's thread and waits for it. Not there.
  void in_loop(std::function<void()> act);
  /// The name of the monitor that is in use.
  std::string monitor_name();
  /// Hands the server a connected socket.
  void adopt(int fd);
  /// Has the pool do `count` requests, and take some of them back.
  void submit_requests(std::uint64_t count);
  /// The guest's end of the virtqueue; one thread at a time.
  aio::VirtqueueRing& ring() { return *ring_; }

  /// Waits until everything that was asked for is done and every connection has gone.
  void settle();
  /// Leaves the loop alone until a timer of some ms strikes.
  Idle idle();
  /// Closes an fd that has a handler, leaves the loop alone, then removes the handler.
  Idle close_under_handler();

 private:
  void set_up(std::int64_t storm_ns);
  void serve_virtqueue();

  const MonitorChoice& choice_;
  std::unique_ptr<aio::IoThread> io_;
  std::uint64_t refused_ = 0;
  std::uint16_t port_ = 0;
  std::optional<Storm> storm_;
  std::optional<echo::EchoServer> server_;  // its thread's, as are the next three
  std::optional<aio::ThreadPool> pool_;
  std::unique_ptr<aio::VirtqueueRing> ring_;
  std::optional<aio::Virtqueue> queue_;
  std::optional<aio::Timer> idle_timer_;
  std::atomic<bool> idle_over_{false};
};

}  // namespace soak
