// S14.9, D6: a poll that has no time to poll busily, or whose kernel knows of it, serves what its
// poll functions would say. Busy polling itself is R59 (handlers.cc). Not of nested polls: what the
// last poll of a silent source has found is on its caller's list, and no signal follows (R51).
#include <algorithm>

#include "oracles/oracles.h"

namespace properties::oracles {
namespace {

/// Has a handler of `fd` ever had a write callback? Then events of the kernel may have come first
/// (R68).
bool may_write(const Timeline& timeline, int fd) {
  return std::any_of(timeline.ops.begin(), timeline.ops.end(), [&](const Operation& op) {
    const bool sets = op.verb == Verb::add_fd || op.verb == Verb::modify_fd;
    return sets && op.index == fd && (op.b & 2) != 0;
  });
}

/// A bottom half that home itself had scheduled must have made the timeout 0 (R24).
bool surely_in_no_time(const Timeline& timeline, const Poll& poll) {
  return std::any_of(timeline.ops.begin(), timeline.ops.end(), [&](const Operation& op) {
    if (op.verb != Verb::schedule || op.thread != 0 || op.end > poll.begin) return false;
    const bool called =
        std::any_of(timeline.calls.begin(), timeline.calls.end(), [&](const Call& call) {
          return call.source == Source::bh && call.index == op.index && call.begin > op.begin &&
                 call.begin < poll.begin;
        });
    const bool undone =
        std::any_of(timeline.ops.begin(), timeline.ops.end(), [&](const Operation& other) {
          const bool undoes = other.verb == Verb::cancel || other.verb == Verb::delete_bh;
          return undoes && other.index == op.index && other.begin < poll.end &&
                 other.end > op.begin;
        });
    return !called && !undone;
  });
}

}  // namespace

Finding pollable_served(const Timeline& timeline, const Facts& facts) {
  for (const Poll& poll : timeline.polls) {
    if (!poll.ended || !poll.blocking || poll.pollable_fds == 0) continue;
    if (facts.spurious || facts.full_ring) continue;
    if (poll.parent_call >= 0) continue;
    for (int fd = 1; fd <= max_fds; ++fd) {
      const std::int64_t bit = std::int64_t{1} << fd;
      if ((poll.pollable_fds & bit) == 0 || called_during(timeline, poll, fd, false)) continue;
      const bool silent = (poll.polled_fds & bit) != 0;
      if (silent && !surely_in_no_time(timeline, poll)) continue;
      if (may_write(timeline, fd) || in_doubt(timeline, poll, 0)) continue;
      return broken(silent ? "D6" : "S14.9",
                    "poll(true), begun " + at(poll.begin_ns) + " with fd " + std::to_string(fd) +
                        " ready and pollable, " +
                        (silent ? "with a bottom half to run, " : "its kicks not suppressed, ") +
                        "returned without calling its handler");
    }
  }
  return std::nullopt;
}

}  // namespace properties::oracles
