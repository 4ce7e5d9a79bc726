// S14.2: no schedule is lost, none makes two calls, nothing is called after delete or a completed
// cancel; and S14.4: the call sees what its scheduler wrote before.
#include <algorithm>
#include <vector>

#include "oracles/oracles.h"

namespace properties::oracles {
namespace {

bool schedules(const Operation& op) {
  return op.verb == Verb::schedule || op.verb == Verb::schedule_idle;
}

/// Everything about one bottom half.
struct History {
  int number = 0;
  std::vector<const Operation*> schedules;
  std::vector<const Operation*> cancels;
  const Operation* deletion = nullptr;
  std::vector<const Call*> calls;
};

History history_of(const Timeline& timeline, int number) {
  History out;
  out.number = number;
  for (const Operation& op : timeline.ops) {
    if (op.index != number) continue;
    if (schedules(op)) out.schedules.push_back(&op);
    if (op.verb == Verb::cancel) out.cancels.push_back(&op);
    if (op.verb == Verb::delete_bh) out.deletion = &op;
  }
  for (const Call& call : timeline.calls) {
    if (call.source == Source::bh && call.index == number) out.calls.push_back(&call);
  }
  return out;
}

/// Home knows when it deleted; another thread's deletion is over before the dequeue or it is not.
Finding none_after_delete(const History& bh) {
  if (bh.deletion == nullptr) return std::nullopt;
  for (const Call* call : bh.calls) {
    const bool after = bh.deletion->thread == 0 ? call->begin > bh.deletion->begin
                                                : call->since > bh.deletion->end;
    if (after) {
      return broken("R20", "bh " + std::to_string(bh.number) + " was called " + at(call->begin_ns) +
                               ", after it had been deleted");
    }
  }
  return std::nullopt;
}

/// Was the schedule taken back by a cancel that lies wholly between it and the dequeue?
bool cancelled(const History& bh, const Operation& schedule, const Call& call) {
  return std::any_of(bh.cancels.begin(), bh.cancels.end(), [&](const Operation* cancel) {
    return cancel->begin > schedule.end && cancel->end < call.since;
  });
}

/// Gives each call a schedule of its own that it can have consumed: one that began before the call
/// and was not over before the dequeue of the call before it.
Finding each_call_has_a_schedule(const History& bh) {
  std::vector<bool> used(bh.schedules.size(), false);
  std::uint64_t dequeued = 0;  // the call before this one was dequeued after this ticket
  for (const Call* call : bh.calls) {
    std::size_t best = used.size();
    for (std::size_t i = 0; i < used.size(); ++i) {
      const Operation& op = *bh.schedules[i];
      if (used[i] || op.begin > call->begin || op.end < dequeued) continue;
      if (cancelled(bh, op, *call)) continue;
      if (best == used.size() || op.end < bh.schedules[best]->end) best = i;
    }
    if (best == used.size()) {
      const bool taken_back =
          std::any_of(bh.cancels.begin(), bh.cancels.end(),
                      [&](const Operation* cancel) { return cancel->end < call->since; });
      return broken(taken_back ? "R19" : "S14.2",
                    "bh " + std::to_string(bh.number) + " was called " + at(call->begin_ns) +
                        " without a schedule of its own" +
                        (taken_back ? " that was not cancelled" : ""));
    }
    used[best] = true;
    dequeued = call->since;
  }
  return std::nullopt;
}

Finding none_lost(const History& bh, const Timeline& timeline) {
  if (bh.deletion != nullptr && bh.deletion->begin < timeline.settled) return std::nullopt;
  for (const Operation* op : bh.schedules) {
    const bool excused = std::any_of(bh.cancels.begin(), bh.cancels.end(),
                                     [&](const Operation* c) { return c->end > op->begin; });
    if (excused) continue;
    bool called = false;
    bool visible = false;
    for (const Call* call : bh.calls) {
      if (call->begin < op->begin) continue;
      called = true;
      const auto seen = (static_cast<std::uint64_t>(call->a) >> (16 * op->thread)) & 0xffff;
      visible = visible || seen >= static_cast<std::uint64_t>(op->a);
    }
    if (called && visible) continue;
    const std::string who = "bh " + std::to_string(bh.number) + ", scheduled by thread " +
                            std::to_string(op->thread) + ' ' + at(op->begin_ns);
    if (!called) return broken("S14.2", who + ", was never called");
    return broken("S14.4", who + ", was called, but no call saw what was written before");
  }
  return std::nullopt;
}

Finding oneshots(const Timeline& timeline) {
  for (const Operation& op : timeline.ops) {
    if (op.verb != Verb::oneshot) continue;
    int calls = 0;
    bool visible = true;
    for (const Call& call : timeline.calls) {
      if (call.source != Source::oneshot || call.a != op.a) continue;
      ++calls;
      visible = visible && call.b == 1;
    }
    if (calls == 1 && visible) continue;
    const std::string who = "oneshot " + std::to_string(op.index) + " of thread " +
                            std::to_string(op.thread) + ' ' + at(op.begin_ns);
    if (calls == 0 && timeline.settled != never) return broken("R22", who + " was never called");
    if (calls > 1) return broken("R22", who + " was called " + std::to_string(calls) + " times");
    if (!visible) return broken("S14.4", who + " did not see what was written before");
  }
  return std::nullopt;
}

}  // namespace

Finding bh_once(const Timeline& timeline, const Facts&) {
  for (int number = 1; number <= max_bhs; ++number) {
    const History bh = history_of(timeline, number);
    if (Finding finding = none_after_delete(bh)) return finding;
    if (Finding finding = each_call_has_a_schedule(bh)) return finding;
    if (timeline.settled == never) continue;
    if (Finding finding = none_lost(bh, timeline)) return finding;
  }
  return oneshots(timeline);
}

}  // namespace properties::oracles
