// Vector clocks over the threads of one world.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

namespace aiosim::memory {

/// Threads that one world may create.
inline constexpr std::uint32_t max_threads = 32;

class VectorClock {
 public:
  VectorClock() = default;
  VectorClock(const VectorClock& other) { *this = other; }
  /// Worlds have few threads: only what is used is copied.
  VectorClock& operator=(const VectorClock& other) {
    for (std::uint32_t i = other.used_; i < used_; ++i) at_[i] = 0;
    // One by one: a wide load would wait for the narrow store of a tick.
    for (std::uint32_t i = 0; i < other.used_; ++i) at_[i] = other.at_[i];
    used_ = other.used_;
    return *this;
  }
  std::uint32_t operator[](std::uint32_t thread) const { return at_[thread]; }
  void set(std::uint32_t thread, std::uint32_t epoch) {
    at_[thread] = epoch;
    used_ = std::max(used_, thread + 1);
  }
  /// The same for one thread's epoch.
  bool raise(std::uint32_t thread, std::uint32_t epoch) {
    if (epoch <= at_[thread]) return false;
    set(thread, epoch);
    return true;
  }
  /// The next epoch of a thread that has one.
  void advance(std::uint32_t thread) { ++at_[thread]; }
  /// Whether it grew.
  bool join(const VectorClock& other) {
    used_ = std::max(used_, other.used_);
    bool grew = false;
    for (std::uint32_t i = 0; i < other.used_; ++i) {
      grew |= at_[i] < other.at_[i];
      at_[i] = std::max(at_[i], other.at_[i]);
    }
    return grew;
  }
  void clear() {
    std::fill_n(at_.begin(), used_, 0u);
    used_ = 0;
  }
  std::uint32_t used() const { return used_; }

 private:
  std::uint32_t used_ = 0;  // beside the entries that count
  std::array<std::uint32_t, max_threads> at_{};
};

}  // namespace aiosim::memory
