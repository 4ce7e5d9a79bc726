// EventNotifier: an eventfd that threads set and one reader tests and clears.
//
//   any thread      set()
//   one reader      take(), test_and_clear()
//   any thread      fd()
//
// State:   clear --set()--> set --set()--> set
//          set --test_and_clear() returns true--> clear
//
// Invariants
//   1. The descriptor is non-blocking and close-on-exec, and open from construction to destruction.
//   2. set() never blocks and never fails: a saturated counter is as set as a counter can be.
//   3. EINTR is never seen by a caller.
#pragma once

#include <cstdint>

namespace aio {

class EventNotifier {
 public:
  /// Opens the eventfd, initially clear. Throws std::system_error (EMFILE, ENFILE, ENOMEM, ...).
  EventNotifier();
  ~EventNotifier();

  EventNotifier(const EventNotifier&) = delete;
  EventNotifier& operator=(const EventNotifier&) = delete;

  /// Makes fd() readable. Any thread. See eventfd(2).
  void set();

  /// Makes fd() unreadable; how often it was set since the last time. One thread at a time.
  [[nodiscard]] std::uint64_t take();
  /// The same; true iff it was set.
  bool test_and_clear() { return take() != 0; }

  /// The descriptor to wait on; owned by this object.
  [[nodiscard]] int fd() const { return fd_; }

 private:
  int fd_;
};

}  // namespace aio
