// R36, R40: the event fd is written only for a loop that sleeps or is about to, once a sleep.
//
// A poll is about to sleep from its beginning, or from the end of its last busy polling, until its
// first callback or its end: by then it has accepted.
#include <algorithm>
#include <vector>

#include "oracles/oracles.h"

namespace properties::oracles {
namespace {

struct Write {
  std::uint64_t begin = 0;  // of the operation that made it
  std::uint64_t ticket = 0;
  std::int64_t time_ns = 0;
};

struct Span {
  std::uint64_t from = 0;
  std::uint64_t to = 0;
};

/// Writes of the event fd by operations that are not home's waits.
std::vector<Write> writes(const Timeline& timeline) {
  std::vector<Write> out;
  for (const Observation& seen : timeline.seen) {
    const bool write =
        seen.what == What::kernel_call && seen.index == static_cast<int>(KernelCode::write);
    if (!write || seen.c != 0) continue;
    std::uint64_t begin = 0;
    bool wait = false;
    for (const Operation& op : timeline.ops) {
      if (op.thread != seen.thread || op.begin > seen.ticket || op.end < seen.ticket) continue;
      begin = std::max(begin, op.begin);
      wait = wait || op.verb == Verb::wait_flag;
    }
    if (begin != 0 && !wait) out.push_back({begin, seen.ticket, seen.time_ns});
  }
  return out;
}

/// Blocking polls, from where they are about to sleep.
std::vector<Span> sleeps(const Timeline& timeline) {
  std::vector<Span> out;
  for (const Poll& poll : timeline.polls) {
    if (!poll.blocking) continue;
    std::uint64_t from = poll.begin;
    for (const Observation& seen : timeline.seen) {
      if (seen.ticket > poll.woken) break;
      if (seen.what == What::window_end && seen.ticket > poll.begin) from = seen.ticket;
    }
    out.push_back({from, poll.woken});
  }
  for (const Operation& op : timeline.ops) {
    if (op.verb == Verb::wait_flag) out.push_back({op.begin, op.end});  // its polls are not seen
  }
  return out;
}

}  // namespace

Finding event_fd_writes(const Timeline& timeline, const Facts& facts) {
  if (!facts.offered(offers_quiet_notify)) return std::nullopt;
  const std::vector<Write> made = writes(timeline);
  const std::vector<Span> asleep = sleeps(timeline);
  for (const Write& write : made) {
    const bool wanted = std::any_of(asleep.begin(), asleep.end(), [&](const Span& span) {
      return span.from < write.ticket && span.to > write.begin;
    });
    if (wanted) continue;
    return broken("R40", "the event fd was written " + at(write.time_ns) +
                             " although the loop had not been about to sleep since the "
                             "notification began");
  }
  if (!facts.offered(offers_one_write_a_sleep)) return std::nullopt;
  for (const Poll& poll : timeline.polls) {
    if (!poll.blocking) continue;
    int count = 0;
    for (const Write& write : made) {
      if (write.begin > poll.begin && write.ticket < poll.woken) ++count;
    }
    if (count <= 1) continue;
    return broken("R36", "the event fd was written " + std::to_string(count) +
                             " times for one sleep, of the poll begun " + at(poll.begin_ns));
  }
  return std::nullopt;
}

}  // namespace properties::oracles
