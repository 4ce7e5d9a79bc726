// S14.3: a blocking poll that called nothing was ended by something: a notification excuses it and
// at most two such polls after it. And R36, R40: the loop does not wake itself through the kernel.
#include <algorithm>

#include "oracles/oracles.h"

namespace properties::oracles {
namespace {

bool overlaps(const Operation& op, const Poll& poll) {
  return op.begin < poll.end && op.end > poll.begin;
}

/// Of a watched number that is closed, or opened for a moment, the kernel may tell (poll()'s
/// POLLNVAL), or what woke the loop has gone with it. Holding timers changes the timeout.
bool notifies(const Operation& op) {
  return op.notifies() || op.verb == Verb::arm || op.verb == Verb::set_flag ||
         op.verb == Verb::hold_timers || op.about_file();
}

/// A thread of the loop's own that waits for its fds may tell home late: home has served it by
/// then.
bool signals(const Operation& op) { return op.verb == Verb::signal || op.verb == Verb::hang_up; }

/// Home's own operation, accepted by this poll: for it nothing is written to the event fd.
bool accepted_by(const Operation& op, const Poll& poll, const Timeline& timeline) {
  if (op.thread != 0 || op.begin > poll.end) return false;
  for (const Poll& other : timeline.polls) {
    if (other.ended && other.begin > op.end && other.end < poll.begin) return false;
  }
  return true;
}

bool accepts_homes_own(const Poll& poll, const Timeline& timeline) {
  return std::any_of(timeline.ops.begin(), timeline.ops.end(), [&](const Operation& op) {
    return notifies(op) && accepted_by(op, poll, timeline);
  });
}

/// An event fd write for this operation may end the poll, as long as no two blocking polls after it
/// have looked at the event fd.
bool excused_by(const Operation& op, const Poll& poll, const Timeline& timeline) {
  if (op.thread == 0 && !signals(op)) return accepted_by(op, poll, timeline);
  if (op.begin > poll.end) return false;
  int idle_polls = 0;
  for (const Poll& other : timeline.polls) {
    if (other.blocking && other.ended && other.calls.empty() && other.begin > op.end &&
        other.begin < poll.begin && !accepts_homes_own(other, timeline)) {
      ++idle_polls;
    }
  }
  return idle_polls < 2;
}

bool excused(const Poll& poll, const Timeline& timeline, bool own_threads) {
  for (const Operation& op : timeline.ops) {
    const bool tells = notifies(op) || (own_threads && signals(op));
    if (tells && excused_by(op, poll, timeline)) return true;
    // What the poll meant to wait for was taken back meanwhile (R90).
    const bool takes_back = op.verb == Verb::disarm || op.verb == Verb::cancel;
    if (takes_back && overlaps(op, poll)) return true;
  }
  return false;
}

}  // namespace

Finding no_spin(const Timeline& timeline, const Facts& facts) {
  if (facts.spurious) return std::nullopt;  // the kernel itself ends polls for nothing
  constexpr std::int64_t longest_in_ms_ns = 2'147'483'647'000'000;  // R28 cuts a wait there
  for (const Poll& poll : timeline.polls) {
    if (!poll.blocking || !poll.ended || !poll.calls.empty() || poll.tested_ready) continue;
    if (poll.end_ns - poll.begin_ns >= longest_in_ms_ns) continue;
    if (excused(poll, timeline, facts.own_threads)) continue;
    return broken("S14.3", "a blocking poll, begun " + at(poll.begin_ns) + ", returned " +
                               at(poll.end_ns) +
                               " with nothing called and nothing that had "
                               "notified it since two polls");
  }
  return std::nullopt;
}

/// notify_me is raised in the blocking wait alone, and home does nothing else meanwhile: what home
/// itself asks for is never written to the event fd.
Finding quiet_notify(const Timeline& timeline, const Facts& facts) {
  if (!facts.offered(offers_quiet_notify)) return std::nullopt;
  const Observation* open = nullptr;
  for (const Observation& seen : timeline.seen) {
    if (seen.thread != 0) continue;
    if (seen.what == What::op_begin) open = &seen;
    if (seen.what == What::op_end || seen.what == What::call_begin) open = nullptr;
    if (open == nullptr || open->verb == Verb::signal || open->verb == Verb::wait_flag) continue;
    if (seen.what == What::kernel_call && seen.index == static_cast<int>(KernelCode::write)) {
      return broken("R40", "the home thread wrote to the event fd " + at(seen.time_ns) +
                               " for its "
                               "own '" +
                               text(Op{open->verb, open->index}) + "': nobody sleeps then");
    }
  }
  return std::nullopt;
}

}  // namespace properties::oracles
