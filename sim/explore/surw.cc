#include "explore/surw.h"

#include <algorithm>

#include "explore/random.h"

namespace aiosim {

// By accesses; one run in eight takes all operations for its target (URW).
void Surw::draw(Random& random, std::uint64_t) {
  target_ = 0;
  std::uint64_t all = 0;
  for (const Profile::Count& one : profile_.counts()) all += one.operations;
  const bool everything = random.below(8) == 0;
  if (all != 0 && !everything) {
    std::uint64_t at = random.below(static_cast<std::uint32_t>(std::min<std::uint64_t>(all, ~0u)));
    for (const Profile::Count& one : profile_.counts()) {
      if (at < one.operations) {
        target_ = one.object;
        break;
      }
      at -= one.operations;
    }
  }
  count_target();
}

void Surw::count_target() {
  counts_.fill(0);
  for (const Profile::Count& one : profile_.counts()) {
    if (target_ == 0 || one.object == target_) counts_[one.thread % most_threads] += one.operations;
  }
}

void Surw::begin(std::uint64_t seed) {
  stream_ = Random(seed);
  left_ = counts_;
  priorities_.fill(0);
  seen_ = 1;
  next_ = nobody;
}

bool Surw::on_target(const Question& question, std::uint32_t answer) const {
  if (question.pending.size() != question.threads.size()) return true;
  const ObjectId object = question.pending[answer].object;
  return target_ == 0 ? object != 0 : object == target_;
}

// What threads have to do that do not exist yet is the first thread's, which makes them.
std::uint64_t Surw::weight(std::uint32_t thread, std::uint32_t seen) const {
  std::uint64_t weight = left_[thread];
  if (thread == 0) {
    for (std::uint32_t t = seen; t < most_threads; ++t) weight += left_[t];
  }
  return weight;
}

// Among the enabled threads, without the asking one if it gave way: one that spins on what a thread
// that is held back must do would spin for ever.
void Surw::draw_next(const Question& question) {
  const auto allowed = [&](std::uint32_t i) {
    return !question.yielded || question.threads[i] != question.key.thread;
  };
  std::uint64_t all = 0;
  for (std::uint32_t i = 0; i < question.answers; ++i) {
    if (allowed(i)) all += weight(question.threads[i] % most_threads, seen_);
  }
  if (all == 0) {
    next_ = question.threads[pick_uniform(question, stream_)];
    return;
  }
  std::uint64_t at = stream_.next() % all;
  for (std::uint32_t i = 0; i < question.answers; ++i) {
    if (!allowed(i)) continue;
    const std::uint64_t mine = weight(question.threads[i] % most_threads, seen_);
    if (at < mine) {
      next_ = question.threads[i];
      return;
    }
    at -= mine;
  }
}

std::uint32_t Surw::pick(const Question& question) {
  const auto threads = question.threads;
  priorities_[question.key.thread % most_threads] = 0;
  bool enabled = false;
  for (const std::uint32_t thread : threads) {
    seen_ = std::max(seen_, thread + 1);
    enabled |= thread == next_;
  }
  const bool mine = next_ == question.key.thread;
  const bool gives_way = question.yielded && (mine || stream_.below(4) == 0);
  if (!enabled || gives_way) draw_next(question);
  std::uint32_t best = 0;
  std::uint64_t highest = 0;
  for (std::uint32_t i = 0; i < question.answers; ++i) {
    if (question.yielded && threads[i] == question.key.thread) continue;
    if (threads[i] != next_ && on_target(question, i)) continue;
    std::uint64_t& priority = priorities_[threads[i] % most_threads];
    if (priority == 0) priority = stream_.next() | 1;
    if (priority <= highest) continue;
    highest = priority;
    best = i;
  }
  if (on_target(question, best)) {
    std::uint32_t& left = left_[threads[best] % most_threads];
    if (left > 0) --left;
    next_ = nobody;
  }
  return best;
}

std::string Surw::describe() const {
  std::string text = "surw target ";
  if (target_ == 0) {
    text += "all";
  } else {
    text += std::to_string(target_ >> 32) + '.' + std::to_string(target_ & 0xffff'ffff);
  }
  text += " counts";
  for (std::uint32_t t = 0; t < most_threads; ++t) {
    if (counts_[t] != 0) text += " T" + std::to_string(t) + ':' + std::to_string(counts_[t]);
  }
  return text;
}

}  // namespace aiosim
