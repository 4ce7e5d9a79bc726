// R89, R91, R92, D9: when and in which order timers are called; R100, R101: when waiting ends.
#include <algorithm>

#include "oracles/oracles.h"

namespace properties::oracles {
namespace {

/// The arming that the call surely fulfils: the last one before it, if nothing else about the timer
/// came in between or meanwhile. Null if there is doubt.
const Operation* arming_of(const Timeline& timeline, const Call& call) {
  const Operation* arm = nullptr;
  for (const Operation& op : timeline.ops) {
    if (op.index != call.index || (op.verb != Verb::arm && op.verb != Verb::disarm)) continue;
    if (op.begin > call.begin) continue;
    if (op.end > call.since) return nullptr;                    // meanwhile
    if (arm != nullptr && op.begin < arm->end) return nullptr;  // two threads at once
    arm = &op;
  }
  return arm;
}

Finding timers_of_call(const Timeline& timeline, const Call& call) {
  const std::string who =
      "timer " + std::to_string(call.index) + " was called " + at(call.begin_ns);
  std::int64_t earliest_ns = std::numeric_limits<std::int64_t>::max();
  int arms = 0;
  int calls = 0;
  for (const Operation& op : timeline.ops) {
    if (op.verb != Verb::arm || op.index != call.index || op.begin > call.begin) continue;
    earliest_ns = std::min(earliest_ns, op.a);
    ++arms;
  }
  for (const Call& other : timeline.calls) {
    if (other.source == Source::timer && other.index == call.index && other.begin <= call.begin) {
      ++calls;
    }
  }
  if (calls > arms) return broken("R91", who + " more often than it was armed");
  const Operation* arm = arming_of(timeline, call);
  if (arm == nullptr) {
    if (call.begin_ns < earliest_ns) return broken("R89", who + " before any deadline of it");
    return std::nullopt;
  }
  if (arm->verb == Verb::disarm) return broken("R91", who + " after it had been disarmed");
  if (call.begin_ns < arm->a) {
    return broken("R89",
                  who + ", " + std::to_string(arm->a - call.begin_ns) + " ns before its deadline");
  }
  for (const Call& other : timeline.calls) {
    // Certainly of this arming: not taken by a pass that began before it.
    if (other.source == Source::timer && other.index == call.index && other.begin < call.begin &&
        other.since > arm->end) {
      return broken("R91", who + " twice for one arming");
    }
  }
  return std::nullopt;
}

/// Two successive timers of one poll: had the second been due first, it would have gone first.
Finding in_order(const Timeline& timeline, const Call& first, const Call& second) {
  const Operation* one = arming_of(timeline, first);
  const Operation* two = arming_of(timeline, second);
  if (one == nullptr || two == nullptr || one->verb != Verb::arm || two->verb != Verb::arm) {
    return std::nullopt;
  }
  if (two->end > first.since) return std::nullopt;  // armed when the pass was under way
  const bool wrong = two->a < one->a || (two->a == one->a && two->end < one->begin);
  if (!wrong) return std::nullopt;
  return broken("R89", "timer " + std::to_string(first.index) + " was called " +
                           at(first.begin_ns) + " before timer " + std::to_string(second.index) +
                           (two->a < one->a ? ", whose deadline is earlier"
                                            : ", which was armed first for the same deadline"));
}

Finding timers_of_poll(const Timeline& timeline, const Poll& poll, bool ordered) {
  const Call* before = nullptr;
  for (const int number : poll.calls) {
    const Call& call = timeline.calls[static_cast<std::size_t>(number)];
    if (call.source != Source::timer) continue;
    if (before != nullptr && ordered) {
      if (Finding finding = in_order(timeline, *before, call)) return finding;
    }
    for (const int other_number : poll.calls) {
      const Call& other = timeline.calls[static_cast<std::size_t>(other_number)];
      if (other.source == Source::timer && other.index == call.index && other.begin < call.begin) {
        return broken("D9", "timer " + std::to_string(call.index) +
                                ", armed again meanwhile, was "
                                "called twice in one poll, the second time " +
                                at(call.begin_ns));
      }
    }
    before = &call;
  }
  return std::nullopt;
}

/// Is a poll further out in the midst of its timers? Then it has taken some already.
bool inside_a_timer(const Timeline& timeline, const Poll& poll) {
  for (int up = poll.parent_call; up >= 0;) {
    const Call& call = timeline.calls[static_cast<std::size_t>(up)];
    if (call.source == Source::timer || call.poll < 0) return true;
    up = timeline.polls[static_cast<std::size_t>(call.poll)].parent_call;
  }
  return false;
}

/// A timer that was due when the poll began is called in it, unless somebody touched it meanwhile.
Finding due_is_called(const Timeline& timeline, const Poll& poll) {
  for (const Operation& arm : timeline.ops) {
    if (arm.verb != Verb::arm || arm.thread != 0 || arm.end > poll.begin) continue;
    if (arm.a > poll.begin_ns) continue;
    bool served = false;
    for (const Call& call : timeline.calls) {
      served = served || (call.source == Source::timer && call.index == arm.index &&
                          call.begin > arm.begin && call.begin < poll.end);
    }
    for (const Operation& op : timeline.ops) {
      served = served || (&op != &arm && (op.verb == Verb::arm || op.verb == Verb::disarm) &&
                          op.index == arm.index && op.end > arm.begin && op.begin < poll.end);
    }
    if (served) continue;
    return broken("R91", "a poll, begun " + at(poll.begin_ns) + " when timer " +
                             std::to_string(arm.index) + " was due, did not call it");
  }
  return std::nullopt;
}

/// R92: none is called while they are held.
Finding held(const Timeline& timeline) {
  for (const Hold& hold : holds(timeline)) {
    for (const Call& call : timeline.calls) {
      if (call.source != Source::timer || call.since < hold.begin || call.begin > hold.end)
        continue;
      return broken("R92", "timer " + std::to_string(call.index) + " was called " +
                               at(call.begin_ns) + " although timers were held");
    }
  }
  return std::nullopt;
}

bool holds_before(const Timeline& timeline, std::uint64_t ticket) {
  return std::any_of(timeline.ops.begin(), timeline.ops.end(), [&](const Operation& op) {
    return op.verb == Verb::hold_timers && op.begin < ticket;
  });
}

bool may_be_held(const Timeline& timeline, const Poll& poll) {
  const std::vector<Hold> all = holds(timeline);
  return std::any_of(all.begin(), all.end(), [&](const Hold& hold) {
    return hold.begin < poll.end && hold.over > poll.begin;
  });
}

}  // namespace

Finding timer_order(const Timeline& timeline, const Facts&) {
  for (const Call& call : timeline.calls) {
    if (call.source != Source::timer) continue;
    if (Finding finding = timers_of_call(timeline, call)) return finding;
  }
  if (Finding finding = held(timeline)) return finding;
  for (const Poll& poll : timeline.polls) {
    const bool nested = inside_a_timer(timeline, poll);
    // What a pass had taken when they were held goes first later, whatever its deadline.
    const bool ordered = !nested && !holds_before(timeline, poll.end);
    if (Finding finding = timers_of_poll(timeline, poll, ordered)) return finding;
    if (!poll.ended || nested || may_be_held(timeline, poll)) continue;
    if (Finding finding = due_is_called(timeline, poll)) return finding;
  }
  return std::nullopt;
}

Finding waiting(const Timeline& timeline, const Facts&) {
  for (const Observation& seen : timeline.seen) {
    if (seen.what != What::waited || seen.b != 0) continue;
    return broken("R100", "wait_while returned " + at(seen.time_ns) + " although flag " +
                              std::to_string(seen.index) + " was not set");
  }
  for (const Jump& jump : timeline.jumps) {
    if (!jump.home_blocked || jump.wait < 0) continue;
    const Operation& wait = timeline.ops[static_cast<std::size_t>(jump.wait)];
    for (const Operation& op : timeline.ops) {
      if (op.verb != Verb::set_flag || op.index != wait.index || op.end > jump.ticket) continue;
      return only_by_timeout("R101", "the home thread waits for flag " + std::to_string(op.index) +
                                         ' ' + at(jump.from_ns) +
                                         " although it was set and kicked");
    }
  }
  return std::nullopt;
}

}  // namespace properties::oracles
