// Ledger: what was promised on one loop and what it kept; and how a soak fails.
//
//   any thread      all of it
//
// Counts are relaxed: the ledger orders nothing for the loop under test. Only await() orders, for
// the books of the harness.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>

namespace soak {

/// What a loop is asked for. Each is done exactly once.
enum class Kind : std::uint8_t {
  connections,
  messages,
  bottom_halves,  // the last value that was scheduled is seen
  oneshots,
  timers,
  handlers,  // events of fds that another thread registers, and removes again
  requests,  // of the thread pool
  buffers,   // of the virtqueue
  count_
};
inline constexpr std::size_t kind_count = static_cast<std::size_t>(Kind::count_);
const char* name(Kind kind);

class Ledger {
 public:
  /// `loop`: whose it is, for people.
  explicit Ledger(std::string loop);
  ~Ledger();
  Ledger(const Ledger&) = delete;
  Ledger& operator=(const Ledger&) = delete;

  void promise(Kind kind, std::uint64_t more = 1) {
    promised_[index(kind)].fetch_add(more, std::memory_order_relaxed);
  }
  /// Ends the process if more was kept than promised.
  void keep(Kind kind);
  /// Waits until everything promised of that kind is kept.
  void await(Kind kind);

  /// Something from outside that lets the loop make a poll: a message, a schedule, a close.
  void cause(std::uint64_t more = 1) { causes_.fetch_add(more, std::memory_order_relaxed); }

  [[nodiscard]] std::uint64_t kept(Kind kind) const { return kept_[index(kind)].load(); }
  [[nodiscard]] std::uint64_t promised(Kind kind) const { return promised_[index(kind)].load(); }
  [[nodiscard]] std::uint64_t causes() const { return causes_.load(); }
  /// "3 of 40 timers, 1 of 7 requests of epoll": what is outstanding; empty if nothing is.
  [[nodiscard]] std::string outstanding() const;

 private:
  static std::size_t index(Kind kind) { return static_cast<std::size_t>(kind); }

  const std::string loop_;
  std::array<std::atomic<std::uint64_t>, kind_count> promised_{};
  std::array<std::atomic<std::uint64_t>, kind_count> kept_{};
  std::atomic<std::uint64_t> causes_{0};
};

/// What was kept by all loops together: the watchdog's pulse.
std::uint64_t progress();

/// Ledger::outstanding() of every ledger there is.
std::string all_outstanding();

/// Where the soak is, for the line of a failure: "life 12 on epoll under eintr".
void now_at(std::string where);

/// Prints the one line and ends the process with status 1.
[[noreturn]] void fail(const std::string& what);

}  // namespace soak
