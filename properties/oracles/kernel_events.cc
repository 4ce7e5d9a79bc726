// R68: where the kernel tells of a pollable handler's fd too, io_read is called for what its poll
// function has found, not io_poll_ready.
//
// That the kernel has told is certain if it reported more fds than others can have been ready.
#include <algorithm>
#include <vector>

#include "oracles/oracles.h"

namespace properties::oracles {
namespace {

/// Can there have been anything of the fd for the kernel to tell, before `ticket`?
bool may_be_ready(const Timeline& timeline, int fd, std::uint64_t ticket) {
  return std::any_of(timeline.ops.begin(), timeline.ops.end(), [&](const Operation& op) {
    if (op.index != fd || op.begin > ticket) return false;
    const bool sets = op.verb == Verb::add_fd || op.verb == Verb::modify_fd;
    return op.about_file() || op.verb == Verb::signal || op.verb == Verb::hang_up ||
           (sets && (op.b & (2 | 4)) != 0);
  });
}

/// Has anybody else written to an fd that is not the program's own, the event fd perhaps?
bool event_fd_may_be_set(const Timeline& timeline, std::uint64_t ticket) {
  return std::any_of(timeline.seen.begin(), timeline.seen.end(), [&](const Observation& seen) {
    return seen.what == What::kernel_call && seen.ticket < ticket && seen.c == 0 &&
           seen.index == static_cast<int>(KernelCode::write);
  });
}

/// What the kernel told is the old handler's; the new one need not inherit it (R71).
bool replaced_within(const Timeline& timeline, int fd, std::uint64_t from, std::uint64_t to) {
  return std::any_of(timeline.ops.begin(), timeline.ops.end(), [&](const Operation& op) {
    return op.about_handler() && op.index == fd && op.begin > from && op.begin < to;
  });
}

bool polls_within(const Timeline& timeline, std::uint64_t from, std::uint64_t to) {
  return std::any_of(timeline.polls.begin(), timeline.polls.end(),
                     [&](const Poll& poll) { return poll.begin > from && poll.begin < to; });
}

/// How many fds the kernel reported to the poll, as it was asked last before `ticket`.
std::int64_t reported(const Timeline& timeline, const Poll& poll, std::uint64_t ticket) {
  const bool by_epoll = std::any_of(
      timeline.seen.begin(), timeline.seen.end(),
      [](const Observation& seen) { return seen.what == What::kernel_call && seen.d != 0; });
  std::int64_t count = 0;
  for (const Observation& seen : timeline.seen) {
    if (seen.ticket > ticket) break;
    const bool waits = seen.what == What::kernel_call && seen.thread == 0 &&
                       seen.index == static_cast<int>(KernelCode::wait);
    if (waits && seen.ticket > poll.begin && (seen.d != 0) == by_epoll) count = seen.b;
  }
  return count;
}

/// Its handler has a read callback alone, and is set by home.
bool only_reads(const Timeline& timeline, const Call& call) {
  return std::none_of(timeline.ops.begin(), timeline.ops.end(), [&](const Operation& op) {
    const bool sets = op.verb == Verb::add_fd || op.verb == Verb::modify_fd;
    return sets && op.a == call.a && (op.b & (2 | 4)) != 0;
  });
}

}  // namespace

Finding kernel_events(const Timeline& timeline, const Facts& facts) {
  if (!facts.in_world || facts.offered(offers_polling_beside_fds)) return std::nullopt;
  for (const Call& call : timeline.calls) {
    if (call.source != Source::fd_ready || call.poll < 0) continue;
    const Poll& poll = timeline.polls[static_cast<std::size_t>(call.poll)];
    if (polls_within(timeline, poll.begin, call.begin)) continue;
    if (!only_reads(timeline, call) || changed_by_others(timeline, call.index)) continue;
    if (replaced_within(timeline, call.index, poll.begin, call.begin)) continue;
    std::int64_t others = event_fd_may_be_set(timeline, call.begin) ? 1 : 0;
    for (int fd = 1; fd <= max_fds; ++fd) {
      if (fd != call.index && may_be_ready(timeline, fd, call.begin)) ++others;
    }
    if (reported(timeline, poll, call.begin) <= others) continue;
    return broken("R68", describe(call.source, call.index) + " was called " + at(call.begin_ns) +
                             " although the kernel had told of that fd in the same poll");
  }
  return std::nullopt;
}

}  // namespace properties::oracles
