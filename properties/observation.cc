#include "observation.h"

#include <algorithm>

#include "aiosim/observe.h"

namespace properties {

void Recorder::reset() {
  tickets_.store(0, std::memory_order_relaxed);
  for (auto& thread : threads_) thread.clear();
}

void Recorder::add(int thread, Observation seen) {
  seen.ticket = tickets_.fetch_add(1, std::memory_order_relaxed) + 1;
  seen.thread = thread;
  seen.time_ns = aiosim::now_ns();
  threads_[static_cast<std::size_t>(thread)].push_back(seen);
}

std::vector<Observation> Recorder::merged() const {
  std::vector<Observation> out;
  for (const auto& thread : threads_) out.insert(out.end(), thread.begin(), thread.end());
  std::sort(out.begin(), out.end(),
            [](const Observation& x, const Observation& y) { return x.ticket < y.ticket; });
  return out;
}

}  // namespace properties
