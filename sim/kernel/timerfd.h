// timerfd(2): a counter of expirations behind an fd.
#pragma once

#include <time.h>

#include <cstdint>
#include <vector>

#include "kernel/file.h"

namespace aiosim::kernel {

class TimerFd final : public File {
 public:
  TimerFd(State& state, int open_flags, int clock) : File(state, open_flags), clock_(clock) {}

  std::uint32_t readiness(bool scan) override;
  ssize_t read(Io& io) override;
  bool can_read() override;
  bool writes() const override { return false; }
  void closed() override;

  /// Absolute simulated time of the first expiry, -1 to disarm; period 0 for one shot.
  void set(std::int64_t expiry_ns, std::int64_t period_ns);
  itimerspec remaining();
  /// What to add to simulated time to get this timer's clock.
  std::int64_t clock_offset_ns() const;

 private:
  friend class Timers;
  /// A periodic timer that has fired stands still until somebody looks; catches up with now.
  std::uint64_t catch_up();
  void fire();

  int clock_;
  std::int64_t expiry_ns_ = -1;  // -1: not armed
  std::int64_t period_ns_ = 0;
  std::uint64_t ticks_ = 0;
  bool expired_ = false;  // has fired and was not restarted
};

/// The armed timers of a world.
class Timers {
 public:
  explicit Timers(State& state) : state_(state) {}
  void reset() { armed_.clear(); }
  void arm(TimerFd& timer);
  void disarm(TimerFd& timer);
  /// Fires what is due, in order of expiry. Allocates nothing: predicates call it.
  void advance();
  /// The next expiry after now, or -1.
  std::int64_t next_ns();

 private:
  TimerFd* earliest();

  State& state_;
  std::vector<TimerFd*> armed_;  // in the order they were armed
};

}  // namespace aiosim::kernel
