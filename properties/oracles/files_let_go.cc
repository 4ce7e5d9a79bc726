// R84.2: the kernel is not left watching the fd of a handler that was removed. A ring that was
// never told holds the file, so that closing the fd does not close it, and its other end waits for
// ever.
#include <algorithm>

#include "oracles/oracles.h"

namespace properties::oracles {
namespace {

/// The removal after which nothing about `fd` came before `ticket`. Null if there is doubt.
const Operation* removal_of(const Timeline& timeline, int fd, std::uint64_t ticket) {
  const Operation* last = nullptr;
  for (const Operation& op : timeline.ops) {
    if (op.index != fd) continue;
    if (op.verb == Verb::watch_request) return nullptr;  // holds it as well
    if (!op.about_handler() && !op.about_file()) continue;
    if (op.begin > ticket || op.end > ticket) continue;  // the closing itself
    if (last != nullptr && op.begin < last->end) return nullptr;
    last = &op;
  }
  return last != nullptr && last->verb == Verb::remove_fd ? last : nullptr;
}

}  // namespace

Finding files_let_go(const Timeline& timeline, const Facts& facts) {
  if (!facts.in_world || facts.full_ring) return std::nullopt;
  for (const Observation& seen : timeline.seen) {
    if (seen.what != What::stays_open) continue;
    const Operation* removal = removal_of(timeline, seen.index, seen.ticket);
    if (removal == nullptr) continue;
    // One that a signal cuts short may leave the telling to the next.
    const auto polls = std::count_if(
        timeline.polls.begin(), timeline.polls.end(), [&](const Poll& poll) {
          return poll.begin > removal->end && poll.ended && poll.end < seen.ticket;
        });
    if (polls < 2) continue;
    return broken("R84.2", "fd " + std::to_string(seen.index) + " was closed " + at(seen.time_ns) +
                               ", two polls after its handler had been removed, and its file is "
                               "still open");
  }
  return std::nullopt;
}

}  // namespace properties::oracles
