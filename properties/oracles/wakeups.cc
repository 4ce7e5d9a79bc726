// S14.1: a notification that has completed ends the blocking poll under way, or keeps the next one
// from blocking. Time may not have to jump for that.
#include "oracles/oracles.h"

namespace properties::oracles {

namespace {

/// The rule that says that the operation wakes the sleeper.
const char* rule_of(const Operation& op) {
  switch (op.verb) {
    case Verb::notify:
      return "S14.1";
    case Verb::delete_bh:
      return "R20";
    case Verb::add_fd:
    case Verb::modify_fd:
    case Verb::remove_fd:
      return "R72";
    default:
      return "R3";
  }
}

}  // namespace

/// An operation that began after home's last acceptance before the poll can only have been accepted
/// by this poll's own, which comes after its sleep (R37, R40).
Finding wakeups(const Timeline& timeline, const Facts&) {
  for (const Jump& jump : timeline.jumps) {
    if (!jump.home_blocked || jump.poll < 0) continue;
    const Poll& poll = timeline.polls[static_cast<std::size_t>(jump.poll)];
    if (!poll.blocking) {
      return broken("R46", "poll(false) sleeps " + at(jump.from_ns));
    }
    for (const Operation& op : timeline.ops) {
      if (!op.notifies() || op.begin <= poll.accepted || op.end >= jump.ticket) continue;
      return only_by_timeout(rule_of(op),
                             "the home thread sleeps " + at(jump.from_ns) + " although '" +
                                 text(Op{op.verb, op.index, 0, (op.b & 1) != 0, (op.b & 2) != 0}) +
                                 "' of thread " + std::to_string(op.thread) +
                                 " had completed: only a timeout, " + at(jump.to_ns) +
                                 ", makes progress");
    }
  }
  return std::nullopt;
}

}  // namespace properties::oracles
