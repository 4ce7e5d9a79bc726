#include "explore/behaviours.h"

#include <algorithm>
#include <utility>

#include "aiosim/choice.h"

namespace aiosim {

Behaviours::Behaviours(std::size_t capacity) : capacity_(capacity), slots_(1024) {}

// Linear probing in a power of two; keys are hashes already.
Behaviours::Slot& Behaviours::slot_of(std::uint64_t key) {
  const std::size_t mask = slots_.size() - 1;
  std::size_t i = (key >> 24) & mask;
  while (slots_[i] != 0 && (slots_[i] | once_mark) != (key | once_mark)) i = (i + 1) & mask;
  return slots_[i];
}

void Behaviours::add(std::uint64_t behaviour) {
  ++runs_;
  std::uint64_t key = mix64(behaviour) & ~once_mark;
  if (key == 0) key = 1ULL << 63;
  if (!sampled(key)) return;
  Slot& slot = slot_of(key);
  if (slot != 0) {
    once_ -= slot & once_mark;
    slot = key;
    return;
  }
  slot = key | once_mark;
  ++used_;
  ++once_;
  if (used_ * 2 > slots_.size()) rebuild(slots_.size() * 2);
  while (used_ > capacity_) {
    ++level_;
    rebuild(slots_.size());
  }
}

void Behaviours::rebuild(std::size_t slots) {
  const std::vector<Slot> old = std::exchange(slots_, std::vector<Slot>(slots));
  used_ = once_ = 0;
  for (const Slot slot : old) {
    if (slot == 0 || !sampled(slot)) continue;
    slot_of(slot) = slot;
    ++used_;
    once_ += slot & once_mark;
  }
}

double Behaviours::chance_new() const {
  if (runs_ == 0) return 1;
  const double once = static_cast<double>(static_cast<std::uint64_t>(once_) << level_);
  return std::min(1.0, once / static_cast<double>(runs_));
}

}  // namespace aiosim
