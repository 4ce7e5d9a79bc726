// How many different behaviours were seen, and how likely the next run shows a new one.
//
// Mergeable: sets made from parts of a search, on several processes, come to exactly the set that
// one process makes of the whole.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace aiosim {

/// A set of 64-bit signatures with "seen once" marks, of bounded memory: when full it keeps every
/// second signature (by hash) and counts each for two, again and again; estimates stay unbiased.
class Behaviours {
 public:
  explicit Behaviours(std::size_t capacity = 2'000'000);

  void add(std::uint64_t behaviour);
  /// Adds the runs of `other`, which has the same capacity.
  void merge(const Behaviours& other);

  /// As bytes, for a process of the same program: 8 for each signature kept, and a few more.
  std::string bytes() const;
  /// Merges what bytes() gave.
  void merge_bytes(std::string_view bytes);

  std::uint64_t distinct() const { return static_cast<std::uint64_t>(used_) << level_; }
  /// Good-Turing: behaviours seen once / runs; 1 before the first run.
  double chance_new() const;

 private:
  /// A signature's hash with bit 0 for "seen once"; 0 is an empty slot.
  using Slot = std::uint64_t;
  static constexpr Slot once_mark = 1;

  struct Header {
    std::uint64_t runs = 0;
    std::uint64_t kept = 0;
    std::uint64_t level = 0;
  };

  Slot& slot_of(std::uint64_t key);
  void put(Slot seen);
  void raise_level(unsigned level);
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
