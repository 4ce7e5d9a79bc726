// R13 across threads: within a slice the bottom half whose PENDING was set last runs first,
// whichever thread set it.
//
// "Last" is told where happens-before tells it: one thread set both, or the one who set the later
// had met the other since (a lock that all threads take). Which operation set PENDING, and that no
// take-over of the list came between the two, must be certain.
#include <algorithm>
#include <vector>

#include "oracles/oracles.h"

namespace properties::oracles {
namespace {

/// A call and the operation that set the PENDING that it was popped for.
struct Pushed {
  const Operation* op;
  const Call* call;
};

/// Between these a poll takes the incoming list over: before its first call, but for completions
/// of requests (R84b).
struct TakeOver {
  std::uint64_t begin;
  std::uint64_t end;
};

bool enqueues(const Operation& op) {
  return op.verb == Verb::schedule || op.verb == Verb::schedule_idle || op.verb == Verb::oneshot;
}

std::vector<TakeOver> take_overs(const Timeline& timeline) {
  std::vector<TakeOver> out;
  for (const Poll& poll : timeline.polls) {
    std::uint64_t end = poll.end;
    for (const int number : poll.calls) {
      const Call& call = timeline.calls[static_cast<std::size_t>(number)];
      if (call.source != Source::own) end = std::min(end, call.begin);
    }
    out.push_back({poll.begin, end});
  }
  for (const Operation& op : timeline.ops) {
    if (op.verb == Verb::wait_flag) out.push_back({op.begin, op.end});  // polls that are not seen
  }
  return out;
}

void add_oneshots(const Timeline& timeline, std::vector<Pushed>& out) {
  for (const Operation& op : timeline.ops) {
    if (op.verb != Verb::oneshot) continue;
    for (const Call& call : timeline.calls) {
      if (call.source == Source::oneshot && call.a == op.a) out.push_back({&op, &call});
    }
  }
}

bool is_taken_back(const Timeline& timeline, int bh) {
  return std::any_of(timeline.ops.begin(), timeline.ops.end(), [&](const Operation& op) {
    const bool takes_back = op.verb == Verb::cancel || op.verb == Verb::delete_bh;
    return takes_back && op.index == bh && op.begin < timeline.settled;
  });
}

/// Of the operations since the dequeue before the call the first set PENDING; null if which it was,
/// or whether that dequeue came before it, is in doubt.
const Operation* pusher(const Timeline& timeline, const Call& call, const Call* before) {
  const Operation* first = nullptr;
  bool doubt = false;
  for (const Operation& op : timeline.ops) {  // by begin
    const bool its = enqueues(op) && op.verb != Verb::oneshot && op.index == call.index;
    if (!its || op.begin > call.begin) continue;
    if (before != nullptr && op.begin < before->begin) {
      doubt = doubt || op.end > before->since;
      continue;
    }
    doubt = doubt || (first != nullptr && op.begin < first->end);
    if (first == nullptr) first = &op;
  }
  return doubt ? nullptr : first;
}

std::vector<Pushed> pushes(const Timeline& timeline) {
  std::vector<Pushed> out;
  for (int bh = 1; bh <= max_bhs; ++bh) {
    if (is_taken_back(timeline, bh)) continue;
    const Call* before = nullptr;
    for (const Call& call : timeline.calls) {
      if (call.source != Source::bh || call.index != bh) continue;
      if (const Operation* op = pusher(timeline, call, before)) out.push_back({op, &call});
      before = &call;
    }
  }
  add_oneshots(timeline, out);
  return out;
}

/// Does `op` of some thread happen before `later`, of the same or another?
bool happens_before(const Timeline& timeline, const Operation& op, const Operation& later) {
  if (op.end > later.begin) return false;
  if (op.thread == later.thread) return true;
  std::uint64_t told = never;  // the end of its thread's first meeting after it
  for (const Operation& meet : timeline.ops) {
    if (meet.verb != Verb::meet) continue;
    if (meet.thread == op.thread && meet.begin > op.end) told = std::min(told, meet.end);
    if (meet.thread == later.thread && meet.begin > told && meet.end < later.begin) return true;
  }
  return false;
}

std::string name_of(const Operation& op) {
  const bool oneshot = op.verb == Verb::oneshot;
  return (oneshot ? "oneshot " : "bh ") + std::to_string(op.index) + " of thread " +
         std::to_string(op.thread);
}

}  // namespace

Finding bh_order_across(const Timeline& timeline, const Facts& facts) {
  if (facts.program.producers() == 0) return std::nullopt;  // bh_order knows all
  const bool lifo = facts.offered(offers_slice_order_lifo);
  const std::vector<TakeOver> taken = take_overs(timeline);
  const std::vector<Pushed> all = pushes(timeline);
  for (const Pushed& older : all) {
    for (const Pushed& newer : all) {
      const bool in_order = (newer.call->begin < older.call->begin) == lifo;
      if (in_order || !happens_before(timeline, *older.op, *newer.op)) continue;
      const bool one_slice = std::none_of(taken.begin(), taken.end(), [&](const TakeOver& it) {
        return it.begin < newer.op->end && it.end > older.op->begin;
      });
      if (!one_slice) continue;
      const Pushed& first = lifo ? older : newer;
      const Pushed& second = lifo ? newer : older;
      return broken("R13", name_of(*first.op) + " was called " + at(first.call->begin_ns) +
                               " before " + name_of(*second.op) + ", which was known to have " +
                               "been scheduled " + (lifo ? "after it" : "before it"));
    }
  }
  return std::nullopt;
}

}  // namespace properties::oracles
