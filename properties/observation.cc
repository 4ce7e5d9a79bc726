#include "observation.h"

#include "aiosim/observe.h"

namespace properties {

void Recorder::reset() {
  in_world_ = aiosim::in_world();
  tickets_.store(0, std::memory_order_relaxed);
  for (auto& thread : threads_) thread.clear();
}

// In a world nobody else draws meanwhile, and a locked instruction is most of what this costs.
std::uint64_t Recorder::next_ticket() {
  if (!in_world_) return tickets_.fetch_add(1, std::memory_order_relaxed) + 1;
  const std::uint64_t next = tickets_.load(std::memory_order_relaxed) + 1;
  tickets_.store(next, std::memory_order_relaxed);
  return next;
}

void Recorder::add(int thread, const Observation& seen) {
  Observation& kept = threads_[static_cast<std::size_t>(thread)].emplace_back(seen);
  kept.ticket = next_ticket();
  kept.thread = thread;
  kept.time_ns = aiosim::now_ns();
}

// Each ticket was drawn for one of them, which is its place.
void Recorder::merge(std::vector<Observation>& out) const {
  out.resize(tickets_.load(std::memory_order_relaxed));
  for (const auto& thread : threads_) {
    for (const Observation& seen : thread) out[seen.ticket - 1] = seen;
  }
}

}  // namespace properties
