#include "aio/poll_time.h"

namespace aio {

namespace {
constexpr std::int64_t first_ns = 4'000;
constexpr std::uint32_t usual_growth = 2;
}  // namespace

void PollTime::set(const PollParameters& parameters) {
  const std::lock_guard guard(mutex_);
  wanted_ = parameters;
  changed_.store(true, std::memory_order_release);
}

void PollTime::set_max(std::chrono::nanoseconds max) {
  const std::lock_guard guard(mutex_);
  wanted_.max = max;
  changed_.store(true, std::memory_order_release);
}

PollParameters PollTime::parameters() const {
  const std::lock_guard guard(mutex_);
  return wanted_;
}

bool PollTime::take_over() {
  if (!changed_.load(std::memory_order_acquire)) return false;
  const std::lock_guard guard(mutex_);
  changed_.store(false, std::memory_order_relaxed);
  current_ = wanted_;
  return true;
}

std::int64_t PollTime::adjusted(std::int64_t poll_ns, std::int64_t block_ns) const {
  const std::int64_t most_ns = max_ns();
  if (block_ns <= poll_ns) return poll_ns;
  if (block_ns > most_ns) return current_.shrink != 0 ? poll_ns / current_.shrink : 0;
  if (block_ns == most_ns || poll_ns >= most_ns) return poll_ns;
  if (poll_ns == 0) return first_ns < most_ns ? first_ns : most_ns;
  const std::int64_t factor = current_.grow != 0 ? current_.grow : usual_growth;
  return poll_ns <= most_ns / factor ? poll_ns * factor : most_ns;
}

}  // namespace aio
