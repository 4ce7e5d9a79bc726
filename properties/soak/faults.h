// What goes wrong during a soak: fault points that strike for as long as it lasts, and real
// signals.
#pragma once

#include <cstdint>
#include <ctime>
#include <string>
#include <vector>

namespace soak {

/// The plans that lives take in turn: fault/points.h's built-in ones, the clock's excepted.
const std::vector<std::string>& plans();

/// Arms every point there is on the host, once and without limit; none strikes yet. With no other
/// thread.
void arm_faults(std::uint64_t seed);
/// From now on the points of that plan strike. Any thread.
void take_plan(const std::string& plan);
/// Faults that have struck so far. Any thread.
std::uint64_t strikes();
struct Struck {
  const char* point;
  std::uint64_t times;
};
/// The same by point, those of the plans only.
std::vector<Struck> struck();

/// While it lives, a signal interrupts one thread again and again (no SA_RESTART).
class Storm {
 public:
  /// For the calling thread. `period_ns` 0: no signals.
  explicit Storm(std::int64_t period_ns);
  ~Storm();
  Storm(const Storm&) = delete;
  Storm& operator=(const Storm&) = delete;

 private:
  bool blows_;
  timer_t timer_{};
};
/// Signals delivered so far, to all threads.
std::uint64_t signals();

}  // namespace soak
