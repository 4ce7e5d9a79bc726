#include "explore/pct.h"

#include <algorithm>

#include "explore/random.h"

namespace aiosim {
namespace {

constexpr std::uint64_t first_floor = 1ULL << 62;  // below every drawn priority

}  // namespace

void Pct::draw(Random& random, std::uint64_t length) {
  depth_ = depths_[random.below(static_cast<std::uint32_t>(depths_.size()))];
  length_ = std::max<std::uint64_t>(length, 16);
  const auto range = static_cast<std::uint32_t>(std::min<std::uint64_t>(length_, UINT32_MAX));
  steps_.clear();
  while (steps_.size() + 1 < depth_) {
    const std::uint64_t step = 1 + random.below(range);
    if (std::find(steps_.begin(), steps_.end(), step) == steps_.end()) steps_.push_back(step);
  }
  std::sort(steps_.begin(), steps_.end());
}

void Pct::begin(std::uint64_t seed) {
  seed_ = seed;
  std::fill(priorities_.begin(), priorities_.end(), 0);
  floor_ = first_floor;
  step_ = 0;
  next_change_ = 0;
  fair_ = Random(mix64(seed));
}

// From the thread's number alone, so that the order of first appearances does not matter; the
// number in the low bits makes priorities distinct.
std::uint64_t& Pct::priority(std::uint32_t thread) {
  if (thread >= priorities_.size()) priorities_.resize(thread + 1, 0);
  std::uint64_t& value = priorities_[thread];
  if (value == 0) value = (1ULL << 63) | ((mix64(seed_ + thread) >> 20) << 16) | (thread & 0xffff);
  return value;
}

std::uint32_t Pct::pick(const Question& question) {
  ++step_;
  if (step_ > fair_after * length_) return pick_uniform(question, fair_);
  if (next_change_ < steps_.size() && steps_[next_change_] == step_) {
    ++next_change_;
    drop(question.key.thread);
  }
  if (question.yielded) drop(question.key.thread);
  std::uint32_t best = 0;
  std::uint64_t best_priority = 0;
  for (std::uint32_t i = 0; i < question.threads.size(); ++i) {
    const std::uint64_t one = priority(question.threads[i]);
    if (one <= best_priority) continue;
    best = i;
    best_priority = one;
  }
  return best;
}

std::string Pct::describe() const {
  std::string text = "pct d=" + std::to_string(depth_) + " k=" + std::to_string(length_) + " at";
  for (const std::uint64_t step : steps_) text += ' ' + std::to_string(step);
  return text;
}

}  // namespace aiosim
