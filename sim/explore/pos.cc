#include "explore/pos.h"

namespace aiosim {
namespace {

bool race(const Touch& a, const Touch& b) {
  return a.object != 0 && a.object == b.object && (a.writes || b.writes);
}

}  // namespace

// The asking thread has done what its priority was for. One that gives way is left out of this one
// pick: with a low priority instead, it would run once all others are through. Now and then all are
// drawn anew then: threads that spin would keep one with a low priority waiting.
std::uint32_t Pos::pick(const Question& question) {
  const auto threads = question.threads;
  priorities_[question.key.thread % most_threads] = 0;
  if (question.yielded && stream_.below(4) == 0) priorities_.fill(0);
  std::uint32_t best = question.answers;
  std::uint64_t highest = 0;
  for (std::uint32_t i = 0; i < question.answers; ++i) {
    if (question.yielded && threads[i] == question.key.thread) continue;
    std::uint64_t& priority = priorities_[threads[i] % most_threads];
    if (priority == 0) priority = fresh();
    if (priority <= highest) continue;
    highest = priority;
    best = i;
  }
  if (question.pending.size() != threads.size()) return best;
  for (std::uint32_t i = 0; i < question.answers; ++i) {
    if (i == best || race(question.pending[i], question.pending[best])) {
      priorities_[threads[i] % most_threads] = 0;
    }
  }
  return best;
}

}  // namespace aiosim
