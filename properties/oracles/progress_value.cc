// R17, R39, R48, R77, D2: what poll() returns.
#include "oracles/oracles.h"

namespace properties::oracles {
namespace {

enum class Progress : std::uint8_t { no, yes, unknown };

/// Whether a bottom half's call was progress: it was not if every schedule that it can have
/// consumed was an idle one; it was if a plain one is known to be among them.
Progress of_bh(const Timeline& timeline, const Call& call) {
  // The call before it of the same bottom half: its dequeue lies between its `since` and its begin.
  const Call* before = nullptr;
  for (const Call& other : timeline.calls) {
    if (other.source == Source::bh && other.index == call.index && other.begin < call.begin) {
      if (before == nullptr || other.begin > before->begin) before = &other;
    }
  }
  const std::uint64_t from = before != nullptr ? before->since : 0;
  bool possible = false;
  bool certain = false;
  for (const Operation& op : timeline.ops) {
    if (op.index != call.index) continue;
    if (op.verb == Verb::cancel && op.begin < call.begin && op.end > from) return Progress::unknown;
    if (op.verb != Verb::schedule || op.begin > call.begin || op.end < from) continue;
    possible = true;
    certain = certain || ((before == nullptr || op.begin > before->begin) && op.end <= call.since);
  }
  if (!possible) return Progress::no;
  return certain ? Progress::yes : Progress::unknown;
}

}  // namespace

Finding progress_value(const Timeline& timeline, const Facts& facts) {
  if (!facts.offered(offers_progress_value)) return std::nullopt;
  for (const Poll& poll : timeline.polls) {
    if (!poll.ended) continue;
    bool certain = false;
    bool unknown = poll.tested_ready;  // it is progress even if the handler goes before its call
    bool only_idle = false;
    for (const int number : poll.calls) {
      const Call& call = timeline.calls[static_cast<std::size_t>(number)];
      const Progress progress = call.source == Source::bh ? of_bh(timeline, call) : Progress::yes;
      certain = certain || progress == Progress::yes;
      unknown = unknown || progress == Progress::unknown;
      only_idle = only_idle || progress == Progress::no;
    }
    const std::string which = std::string("poll(") + (poll.blocking ? "true" : "false") +
                              ") returned " + (poll.result ? "true " : "false ") + at(poll.end_ns);
    if (certain && !poll.result) {
      const Call& call = timeline.calls[static_cast<std::size_t>(poll.calls.back())];
      const bool fd = call.source == Source::fd_read || call.source == Source::fd_write;
      return broken(fd ? "R77" : "R48",
                    which + " although it called " + describe(call.source, call.index));
    }
    if (!certain && !unknown && poll.result) {
      return broken(only_idle ? "R17" : "R39",
                    which + (only_idle ? " although it called idle bottom halves only"
                                       : " although it called nothing"));
    }
  }
  return std::nullopt;
}

}  // namespace properties::oracles
