// R44, R59: busy polling tests the notifier as it tests any other source, each time round, so that
// a notification ends it and not the time that was set for it.
//
// A load may go on reading the store from before the notification, for as long as the memory model
// lets it: each such load of home's allows for one round more.
#include <array>
#include <vector>

#include "oracles/oracles.h"

namespace properties::oracles {
namespace {

bool notifies(const Observation& seen) {
  return Operation{.verb = seen.verb, .index = seen.index, .a = seen.a}.notifies();
}

}  // namespace

Finding polling_stops(const Timeline& timeline, const Facts& facts) {
  if (!facts.in_world) return std::nullopt;
  // The round under way, and one that had come past the notifier.
  const unsigned most_rounds = 2 + facts.stale_reads;
  std::array<std::uint64_t, max_threads> begun{};  // the operation of each thread
  std::uint64_t poll_begun = 0;
  bool busy = false;
  const Observation* told = nullptr;     // since the poll began, which has accepted nothing yet
  std::array<unsigned, 64> rounds{};     // since then, of each registration
  std::array<unsigned, 64> looks{};      // since the first that found something, itself included
  bool found = false;
  for (const Observation& seen : timeline.seen) {
    if (seen.what == What::op_begin) begun[static_cast<std::size_t>(seen.thread)] = seen.ticket;
    if (seen.what == What::poll_begin) poll_begun = seen.ticket;
    if (seen.what == What::window_begin || seen.what == What::window_end) {
      busy = seen.what == What::window_begin;
      told = nullptr;
      rounds = looks = {};
      found = false;
    }
    if (!busy) continue;
    const bool look = seen.what == What::touch && seen.source == Source::poll_function;
    found = found || (look && seen.b != 0);
    if (look && found && ++looks[static_cast<std::size_t>(seen.a) % looks.size()] > 1) {
      return broken("R59", "the loop goes on polling fd " + std::to_string(seen.index) +
                               " busily " + at(seen.time_ns) + " although it has found something");
    }
    const bool ends = seen.what == What::op_end && seen.thread != 0 && notifies(seen) &&
                      begun[static_cast<std::size_t>(seen.thread)] > poll_begun;
    if (ends && told == nullptr) told = &seen;
    if (told == nullptr || seen.what != What::touch || seen.source != Source::poll_function) {
      continue;
    }
    if (++rounds[static_cast<std::size_t>(seen.a) % rounds.size()] <= most_rounds) continue;
    return broken("R59", "the loop goes on polling fd " + std::to_string(seen.index) + " busily " +
                             at(seen.time_ns) + " although '" +
                             text(Op{told->verb, told->index}) + "' of thread " +
                             std::to_string(told->thread) + " had completed " + at(told->time_ns));
  }
  return std::nullopt;
}

}  // namespace properties::oracles
