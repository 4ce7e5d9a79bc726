// R23: the guard that the loop's bottom halves share is engaged while one of them runs, nested ones
// included, and only then.
#include "oracles/oracles.h"

namespace properties::oracles {

Finding reentrancy_guard(const Timeline& timeline, const Facts&) {
  for (const Observation& seen : timeline.seen) {
    if (seen.d == 0) continue;
    if (seen.what == What::poll_end) {
      return broken("R23", "a poll returned " + at(seen.time_ns) +
                               " and left the guard of the bottom halves other than it was");
    }
    if (seen.source == Source::bh && seen.what != What::touch) {
      const bool begins = seen.what == What::call_begin;
      return broken("R23", describe(seen.source, seen.index) + (begins ? " began " : " ended ") +
                               at(seen.time_ns) + " with its guard not engaged");
    }
  }
  return std::nullopt;
}

}  // namespace properties::oracles
