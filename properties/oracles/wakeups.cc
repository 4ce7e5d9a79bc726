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
    case Verb::release_timers:
      return "R92";
    case Verb::add_fd:
    case Verb::modify_fd:
    case Verb::remove_fd:
    case Verb::set_hooks:
    case Verb::clear_hooks:
      return "R72";
    case Verb::nop_request:
    case Verb::timeout_request:
    case Verb::watch_request:
    case Verb::bad_request:
      return "R84b";
    default:
      return "R3";
  }
}

/// A completed, plain schedule that no call can have served: whoever sleeps has overlooked it
/// (R24).
const Operation* overlooked(const Timeline& timeline, const Jump& jump) {
  for (const Operation& op : timeline.ops) {
    const bool oneshot = op.verb == Verb::oneshot;
    if ((op.verb != Verb::schedule && !oneshot) || op.end >= jump.ticket) continue;
    bool excused = false;
    for (const Call& call : timeline.calls) {
      if (call.begin > jump.ticket) break;
      excused = excused || (oneshot ? call.source == Source::oneshot && call.a == op.a
                                    : call.source == Source::bh && call.index == op.index &&
                                          call.begin > op.begin);
    }
    for (const Operation& other : timeline.ops) {
      const bool takes_back = other.verb == Verb::cancel || other.verb == Verb::delete_bh;
      excused = excused || (!oneshot && takes_back && other.index == op.index &&
                            other.end > op.begin && other.begin < jump.ticket);
    }
    if (!excused) return &op;
  }
  return nullptr;
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
    if (const Operation* op = overlooked(timeline, jump)) {
      return only_by_timeout("R24", "the home thread sleeps " + at(jump.from_ns) + " although '" +
                                        text(Op{op->verb, op->index}) + "' of thread " +
                                        std::to_string(op->thread) + " has not been served");
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
