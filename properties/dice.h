// Draws numbers from one rc::Random: one a statement, so that compilers agree on the order.
#pragma once

#include <rapidcheck.h>

#include <algorithm>
#include <cstdint>

namespace properties {

class Dice {
 public:
  Dice(const rc::Random& random, int size) : random_(random), size_(std::clamp(size, 1, 100)) {}

  std::uint64_t next() { return random_.next(); }
  int below(int n) {
    return static_cast<int>(random_.next() % static_cast<std::uint64_t>(std::max(n, 1)));
  }
  int between(int low, int high) { return low + below(high - low + 1); }
  bool chance(int percent) { return below(100) < percent; }
  /// Up to `most`, less for small programs.
  int length(int most) { return below(1 + (most * (size_ + 20)) / 120 + (size_ > 50 ? 1 : 0)); }
  int size() const { return size_; }

 private:
  rc::Random random_;
  int size_;
};

}  // namespace properties
