// S14.8, R24, R25, R57 to R61, R90: a blocking poll wakes for the earliest timer, and busy polling
// is bounded.
//
// Lateness is compared with the time that passed inside the poll neither asleep nor polling: the
// loop cannot have planned for that. In the simulated world every ns is accounted for.
#include <algorithm>

#include "oracles/oracles.h"

namespace properties::oracles {
namespace {

constexpr std::int64_t late_timer_ns = 1'100'000;   // clock/late_timer
constexpr std::int64_t fast_clock_ns = 45'000'000;  // clock/fast, all its strikes
constexpr std::int64_t clock_read_ns = 200'000;     // the most that one read moves time
constexpr std::int64_t millisecond_ns = 1'000'000;

/// Between the timeout and the sleep a loop may read the clock so often; beside a ring that refuses
/// it waits by other means, and looks again.
std::int64_t reads_slack_ns(const Facts& facts) {
  return (facts.full_ring ? 6 : 4) * clock_read_ns;
}

std::int64_t fault_slack_ns(const Facts& facts) {
  std::int64_t out = 0;
  if (facts.late_timers) out += late_timer_ns;
  if (facts.fast_clock) out += fast_clock_ns;
  if (!facts.offered(offers_exact_timeout)) out += millisecond_ns;
  return out;
}

bool about_timer(const Operation& op, int timer) {
  return op.index == timer && (op.verb == Verb::arm || op.verb == Verb::disarm);
}

/// Is the timer surely still armed by `arm` at `ticket`? Not if anything else about it, or a call,
/// can have come after.
bool surely_armed(const Timeline& timeline, const Operation& arm, std::uint64_t ticket) {
  if (arm.end >= ticket) return false;
  for (const Operation& op : timeline.ops) {
    if (&op != &arm && about_timer(op, arm.index) && op.end > arm.begin && op.begin < ticket) {
      return false;
    }
  }
  for (const Call& call : timeline.calls) {
    if (call.source == Source::timer && call.index == arm.index && call.begin > arm.begin &&
        call.begin < ticket) {
      return false;
    }
  }
  return true;
}

/// When the loop could call the timer at the earliest: not while timers were held (R92). Never, if
/// they may still be.
std::int64_t due_at(const Timeline& timeline, std::int64_t deadline_ns, std::uint64_t ticket) {
  std::int64_t due_ns = deadline_ns;
  for (const Hold& hold : holds(timeline)) {
    if (hold.begin > ticket) continue;
    if (hold.over > ticket) return std::numeric_limits<std::int64_t>::max();
    due_ns = std::max(due_ns, hold.over_ns);
  }
  return due_ns;
}

Finding late(const Operation& arm, std::int64_t deadline_ns, std::int64_t now_ns) {
  return broken("S14.8", "a blocking poll slept until " + std::to_string(now_ns - deadline_ns) +
                             " ns after it was due to wake for timer " + std::to_string(arm.index) +
                             ", " + at(deadline_ns));
}

/// The poll woke too late for a timer that was armed when it began.
Finding woke_late(const Timeline& timeline, const Facts& facts, const Poll& poll) {
  if (!poll.blocking || poll.woken == never) return std::nullopt;
  const std::int64_t elapsed_ns = poll.woken_ns - poll.begin_ns;
  const std::int64_t own_ns = elapsed_ns - poll.asleep_ns - poll.polling_ns + poll.edges_ns;
  for (const Operation& arm : timeline.ops) {
    if (arm.verb != Verb::arm || !surely_armed(timeline, arm, poll.begin)) continue;
    if (!surely_armed(timeline, arm, poll.woken)) continue;
    const std::int64_t due_ns = due_at(timeline, std::max(arm.a, poll.begin_ns), poll.woken);
    if (poll.woken_ns - due_ns > own_ns + fault_slack_ns(facts)) {
      return late(arm, due_ns, poll.woken_ns);
    }
  }
  return std::nullopt;
}

/// Time jumps past a deadline while home sleeps, timers armed meanwhile by others included.
Finding sleeps_past(const Timeline& timeline, const Facts& facts, const Jump& jump) {
  const std::int64_t slack_ns = reads_slack_ns(facts) + fault_slack_ns(facts);
  for (const Operation& arm : timeline.ops) {
    if (arm.verb != Verb::arm || !surely_armed(timeline, arm, jump.ticket)) continue;
    const std::int64_t due_ns = due_at(timeline, std::max(arm.a, arm.end_ns), jump.ticket);
    if (jump.to_ns - due_ns > slack_ns) return late(arm, due_ns, jump.to_ns);
  }
  return std::nullopt;
}

/// When home surely slept in that poll already.
std::int64_t asleep_since(const Timeline& timeline, int poll) {
  for (const Jump& jump : timeline.jumps) {
    if (jump.home_blocked && jump.poll == poll) return jump.from_ns;
  }
  return std::numeric_limits<std::int64_t>::max();
}

/// R24: time jumps over more than 10 ms while home sleeps with an idle bottom half to run: one of a
/// slice that a poll further out has taken, for scheduling it notifies.
Finding sleeps_past_idle(const Timeline& timeline, const Facts& facts, const Jump& jump) {
  constexpr std::int64_t most_ns = 10'000'000;
  const Poll& poll = timeline.polls[static_cast<std::size_t>(jump.poll)];
  const std::int64_t slept_ns = jump.to_ns - asleep_since(timeline, jump.poll);
  if (slept_ns <= most_ns + reads_slack_ns(facts) + fault_slack_ns(facts)) return std::nullopt;
  for (const Operation& idle : timeline.ops) {
    if (idle.verb != Verb::schedule_idle || idle.thread != 0 || idle.end > poll.begin) continue;
    const bool undone =
        std::any_of(timeline.ops.begin(), timeline.ops.end(), [&](const Operation& op) {
          const bool undoes = op.verb == Verb::cancel || op.verb == Verb::delete_bh;
          return undoes && op.index == idle.index && op.end > idle.begin && op.begin < jump.ticket;
        });
    const bool called =
        std::any_of(timeline.calls.begin(), timeline.calls.end(), [&](const Call& call) {
          return call.source == Source::bh && call.index == idle.index && call.begin > idle.begin &&
                 call.begin < jump.ticket;
        });
    if (undone || called) continue;
    return broken("R24", "a blocking poll, begun " + at(poll.begin_ns) + ", slept for " +
                             std::to_string(slept_ns) + " ns although bh " +
                             std::to_string(idle.index) + " was idly scheduled");
  }
  return std::nullopt;
}

}  // namespace

Finding deadlines(const Timeline& timeline, const Facts& facts) {
  if (!facts.in_world) return std::nullopt;
  for (const Poll& poll : timeline.polls) {
    if (Finding finding = woke_late(timeline, facts, poll)) return finding;
  }
  for (const Jump& jump : timeline.jumps) {
    if (!jump.home_blocked || jump.poll < 0) continue;
    if (!timeline.polls[static_cast<std::size_t>(jump.poll)].blocking) continue;
    if (Finding finding = sleeps_past(timeline, facts, jump)) return finding;
    if (Finding finding = sleeps_past_idle(timeline, facts, jump)) return finding;
  }
  return std::nullopt;
}

namespace {

/// A handler that is not pollable was there throughout the poll, and home knew it (R55).
bool surely_unpollable(const Timeline& timeline, const Poll& poll) {
  for (const Operation& add : timeline.ops) {
    const bool sets = add.verb == Verb::add_fd || add.verb == Verb::modify_fd;
    if (!sets || (add.b & 1) != 0 || known_at_home(timeline, add) > poll.begin) continue;
    const bool changed =
        std::any_of(timeline.ops.begin(), timeline.ops.end(), [&](const Operation& op) {
          const bool handler =
              op.verb == Verb::add_fd || op.verb == Verb::modify_fd || op.verb == Verb::remove_fd;
          return handler && &op != &add && op.index == add.index && op.end > add.begin &&
                 op.begin < poll.end;
        });
    if (!changed) return true;
  }
  return false;
}

}  // namespace

Finding polling_window(const Timeline& timeline, const Facts& facts) {
  for (const Window& window : timeline.windows) {
    if (facts.poll_max_ns == 0) {
      return broken("R57", "the loop polled busily although poll_max_ns is 0");
    }
    if (window.poll < 0) continue;
    const Poll& poll = timeline.polls[static_cast<std::size_t>(window.poll)];
    if (!poll.blocking) {
      return broken("R57", "a poll that does not block polled busily " + at(poll.begin_ns));
    }
    if (!facts.offered(offers_polling_beside_fds) && surely_unpollable(timeline, poll)) {
      return broken("R58", "the loop polled busily " + at(poll.begin_ns) +
                               " although a handler was not pollable");
    }
    if (!facts.in_world || facts.fast_clock || window.edges_ns < 0) continue;
    if (window.length_ns > facts.poll_max_ns + window.edges_ns) {
      return broken("R59", "the loop polled busily for " + std::to_string(window.length_ns) +
                               " ns, poll_max_ns being " + std::to_string(facts.poll_max_ns));
    }
  }
  return std::nullopt;
}

}  // namespace properties::oracles
