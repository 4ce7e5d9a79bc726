#include "explore/profile.h"

#include <algorithm>
#include <tuple>

namespace aiosim {

void Profile::add(std::uint32_t thread, const Touch& touch) {
  if (touch.object == 0) return;
  const auto same = [&](const Count& one) {
    return one.thread == thread && one.object == touch.object;
  };
  auto count = std::find_if(counts_.begin(), counts_.end(), same);
  if (count == counts_.end()) count = counts_.insert(counts_.end(), {touch.object, thread});
  ++count->operations;
  count->writes |= touch.writes;
}

void Profile::divide(std::uint32_t runs) {
  for (Count& one : counts_) one.operations = (one.operations + runs - 1) / runs;
}

void Profile::keep_shared() {
  std::sort(counts_.begin(), counts_.end(), [](const Count& a, const Count& b) {
    return std::tie(a.object, a.thread) < std::tie(b.object, b.thread);
  });
  auto out = counts_.begin();
  for (auto first = counts_.begin(); first != counts_.end();) {
    auto last = first;
    bool writes = false;
    for (; last != counts_.end() && last->object == first->object; ++last) writes |= last->writes;
    if (writes && last - first > 1) out = std::copy(first, last, out);
    first = last;
  }
  counts_.erase(out, counts_.end());
}

std::uint32_t Profiler::choose(const Question& question) {
  const std::uint32_t answer = walk_.choose(question);
  if (question.key.kind == Kind::sched && answer < question.pending.size()) {
    profile_.add(question.threads[answer], question.pending[answer]);
  }
  return answer;
}

}  // namespace aiosim
