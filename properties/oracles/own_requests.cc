// R84b: io_uring requests of the user's own.
#include <algorithm>
#include <cerrno>
#include <limits>

#include "oracles/oracles.h"

namespace properties::oracles {
namespace {

bool adds(const Operation& op) {
  const bool own = op.verb == Verb::nop_request || op.verb == Verb::timeout_request ||
                   op.verb == Verb::watch_request || op.verb == Verb::bad_request;
  return own && op.a >= 0;
}

bool at_once(const Operation& op) {
  return op.verb == Verb::nop_request || op.verb == Verb::bad_request;
}

bool is_result_of(const Operation& op, std::int64_t result) {
  switch (op.verb) {
    case Verb::nop_request:
      return result == 0;
    case Verb::bad_request:
      return result == -EBADF;
    case Verb::timeout_request:
      return result == -ETIME;
    default:
      return result > 0;  // events
  }
}

/// The completion of what `add` added; null if there is none. It may be added again from inside.
const Call* completion_of(const Timeline& timeline, const Operation& add) {
  for (const Call& call : timeline.calls) {
    if (call.source == Source::own && call.a == add.a && call.begin > add.begin) return &call;
  }
  return nullptr;
}

Finding right_calls(const Timeline& timeline) {
  for (const Call& call : timeline.calls) {
    if (call.source != Source::own) continue;
    const std::string who = describe(call.source, call.index) + " was called " + at(call.begin_ns);
    if (call.begin > timeline.settled) return broken("R84b", who + ", outside every poll");
    int added = 0;
    int completed = 0;
    const Operation* last = nullptr;
    for (const Operation& op : timeline.ops) {
      if (!adds(op) || op.a != call.a || op.begin > call.begin) continue;
      ++added;
      last = &op;
    }
    for (const Call& other : timeline.calls) {
      const bool same = other.source == Source::own && other.a == call.a;
      if (same && other.begin <= call.begin) ++completed;
    }
    if (completed > added) return broken("R84b", who + " more often than it was added");
    if (!is_result_of(*last, call.b)) {
      return broken("R84b", who + " with the result " + std::to_string(call.b) + ", of another");
    }
    if (last->verb == Verb::timeout_request && call.begin_ns < last->begin_ns + last->b) {
      return broken("R84b", who + " before its time");
    }
  }
  return std::nullopt;
}

/// Two that one thread added one after the other and that are done as soon as they are submitted.
Finding in_order(const Timeline& timeline) {
  const Operation* before[max_threads] = {};
  for (const Operation& op : timeline.ops) {
    if (!adds(op) || !at_once(op)) continue;
    const Operation*& earlier = before[static_cast<std::size_t>(op.thread)];
    const Call* second = completion_of(timeline, op);
    if (earlier != nullptr && second != nullptr) {
      const Call* first = completion_of(timeline, *earlier);
      if (first == nullptr || first->begin > second->begin) {
        return broken("R84b", describe(second->source, second->index) + " was called " +
                                  at(second->begin_ns) + " before that of request " +
                                  std::to_string(earlier->index) + ", which was complete earlier");
      }
    }
    earlier = &op;
  }
  return std::nullopt;
}

Finding before_the_rest(const Timeline& timeline) {
  for (const Poll& poll : timeline.polls) {
    const Call* other = nullptr;
    for (const int number : poll.calls) {
      const Call& call = timeline.calls[static_cast<std::size_t>(number)];
      if (call.source != Source::own) {
        other = &call;
      } else if (other != nullptr) {
        return broken("R84b", describe(call.source, call.index) + " was called " +
                                  at(call.begin_ns) + " after " +
                                  describe(other->source, other->index) + " in the same poll");
      }
    }
  }
  return std::nullopt;
}

/// What home added before a poll, and is done at once, completes in it, nested or not.
Finding in_the_next_poll(const Timeline& timeline) {
  for (const Operation& op : timeline.ops) {
    if (!adds(op) || !at_once(op) || op.thread != 0) continue;
    const Call* call = completion_of(timeline, op);
    for (const Poll& poll : timeline.polls) {
      if (!poll.ended || poll.begin < op.end) continue;
      if (call != nullptr && call->begin < poll.end) continue;
      return broken("R84b", "a poll, begun " + at(poll.begin_ns) + ", returned before request " +
                                std::to_string(op.index) + ", added before it, was complete");
    }
  }
  return std::nullopt;
}

/// Did home call the kernel, between the two, so that this posted what it owed?
bool entered(const Timeline& timeline, std::int64_t from_ns, std::uint64_t before) {
  const Observation* op = nullptr;  // of home
  for (const Observation& seen : timeline.seen) {
    if (seen.ticket > before) break;
    if (seen.thread != 0) continue;
    if (seen.what == What::op_begin) op = &seen;
    if (seen.what == What::op_end) op = nullptr;
    if (seen.what == What::kernel_call && op != nullptr && op->time_ns >= from_ns) return true;
  }
  return false;
}

/// R84.7: a timeout whose time is over, and that the kernel has posted, completes in the poll that
/// begins then, whatever else that has to look at. The kernel counts from its submission, which the
/// first poll after it makes.
Finding expired_in_the_next_poll(const Timeline& timeline) {
  for (const Operation& op : timeline.ops) {
    if (!adds(op) || op.verb != Verb::timeout_request || op.thread != 0) continue;
    const Call* call = completion_of(timeline, op);
    std::int64_t expiry_ns = std::numeric_limits<std::int64_t>::max();
    for (const Poll& poll : timeline.polls) {
      if (!poll.ended || poll.begin < op.end) continue;
      const bool complete = call != nullptr && call->begin < poll.end;
      if (!complete && entered(timeline, expiry_ns, poll.begin)) {
        return broken("R84b", "a poll, begun " + at(poll.begin_ns) + ", returned before request " +
                                  std::to_string(op.index) + ", whose time was over " +
                                  at(expiry_ns) + ", was complete");
      }
      expiry_ns = std::min(expiry_ns, poll.end_ns + op.b);
    }
  }
  return std::nullopt;
}

Finding all_complete(const Timeline& timeline) {
  if (timeline.settled == never) return std::nullopt;
  for (const Operation& op : timeline.ops) {
    if (!adds(op) || op.verb == Verb::watch_request) continue;
    if (completion_of(timeline, op) != nullptr) continue;
    return broken("R84b", "request " + std::to_string(op.index) + ", added " + at(op.begin_ns) +
                              ", was never complete");
  }
  return std::nullopt;
}

}  // namespace

Finding own_requests(const Timeline& timeline, const Facts& facts) {
  if (Finding finding = right_calls(timeline)) return finding;
  if (Finding finding = in_order(timeline)) return finding;
  if (Finding finding = before_the_rest(timeline)) return finding;
  // A ring may refuse to the last poll; what the harness waits for is found as a deadlock.
  if (!facts.full_ring) {
    if (Finding finding = in_the_next_poll(timeline)) return finding;
    if (Finding finding = all_complete(timeline)) return finding;
  }
  // What another thread has had posted home may overlook as long as it reads an older tail.
  const bool visible = facts.in_world && facts.stale_reads == 0;
  if (visible && !facts.full_ring && !facts.late_timers) {
    if (Finding finding = expired_in_the_next_poll(timeline)) return finding;
  }
  return std::nullopt;
}

}  // namespace properties::oracles
