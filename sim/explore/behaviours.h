// How many different behaviours were seen, and how likely the next run shows a new one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace aiosim {

/// A set of 64-bit signatures with "seen once" marks, of bounded memory: when full it keeps every
/// second signature (by hash) and counts each for two, again and again; estimates stay unbiased.
class Behaviours {
 public:
  explicit Behaviours(std::size_t capacity = 2'000'000);

  void add(std::uint64_t behaviour);

  std::uint64_t distinct() const { return static_cast<std::uint64_t>(used_) << level_; }
  /// Good-Turing: behaviours seen once / runs; 1 before the first run.
  double chance_new() const;

 private:
  /// A signature's hash with bit 0 for "seen once"; 0 is an empty slot.
  using Slot = std::uint64_t;
  static constexpr Slot once_mark = 1;

  Slot& slot_of(std::uint64_t key);
  bool sampled(std::uint64_t key) const { return ((key >> 1) & ((1ULL << level_) - 1)) == 0; }
  void rebuild(std::size_t slots);

  std::size_t capacity_;
  std::vector<Slot> slots_;
  std::size_t used_ = 0;
  std::size_t once_ = 0;
  std::uint64_t runs_ = 0;
  unsigned level_ = 0;  // one in 2^level_ signatures is kept
};

}  // namespace aiosim
