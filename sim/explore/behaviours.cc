#include "explore/behaviours.h"

#include <algorithm>
#include <cstring>
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
  const std::uint64_t key = mix64(behaviour) & ~once_mark;
  put((key == 0 ? 1ULL << 63 : key) | once_mark);
}

// The level is the least at which the signatures fit, whatever their order: it only ever rises.
void Behaviours::put(Slot seen) {
  if (!sampled(seen)) return;
  Slot& slot = slot_of(seen);
  if (slot != 0) {
    once_ -= slot & once_mark;
    slot &= ~once_mark;
    return;
  }
  slot = seen;
  ++used_;
  once_ += seen & once_mark;
  if (used_ * 2 > slots_.size()) rebuild(slots_.size() * 2);
  while (used_ > capacity_) raise_level(level_ + 1);
}

void Behaviours::raise_level(unsigned level) {
  level_ = level;
  rebuild(slots_.size());
}

void Behaviours::merge(const Behaviours& other) {
  runs_ += other.runs_;
  if (other.level_ > level_) raise_level(other.level_);
  for (const Slot slot : other.slots_) {
    if (slot != 0) put(slot);
  }
}

std::string Behaviours::bytes() const {
  const Header header{runs_, used_, level_};
  std::string out(sizeof header + used_ * sizeof(Slot), '\0');
  std::memcpy(out.data(), &header, sizeof header);
  std::size_t at = sizeof header;
  for (const Slot slot : slots_) {
    if (slot == 0) continue;
    std::memcpy(out.data() + at, &slot, sizeof slot);
    at += sizeof slot;
  }
  return out;
}

void Behaviours::merge_bytes(std::string_view bytes) {
  Header header;
  std::memcpy(&header, bytes.data(), sizeof header);
  runs_ += header.runs;
  if (header.level > level_) raise_level(static_cast<unsigned>(header.level));
  for (std::uint64_t i = 0; i < header.kept; ++i) {
    Slot slot;
    std::memcpy(&slot, bytes.data() + sizeof header + i * sizeof slot, sizeof slot);
    put(slot);
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
