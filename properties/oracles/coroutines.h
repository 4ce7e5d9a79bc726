// What is seen of coroutines, and the rules on it (R85, R87, R88).
#pragma once

#include <cstdint>
#include <vector>

#include "finding.h"
#include "parts/log.h"

namespace properties::oracles {

enum class CoroutineWhat : std::uint8_t {
  loop_thread,  // a: the loop whose home this thread is
  wake,         // index: the coroutine; a: loop; b: WakeBy
  woken,        // the call returned
  resumed,      // index; a: it knows the loop that it runs in; b: sees what its waker wrote
  suspended,    // index: it is about to yield, or has ended
  moving,       // index; a: loop: it is about to go there
  poll,         // within a coroutine
  polled,
};

/// b of a wake: by schedule(), or else by enter() or spawn(), from a coroutine of that thread or
/// from outside of any.
enum WakeBy : std::int64_t { by_schedule, by_enter, by_enter_inside };

/// Each wake enters its coroutine once, in the home thread of its loop, and whoever is scheduled to
/// a loop first is entered first (R85). A coroutine that another one of the same thread enters runs
/// as soon as that one yields or ends, in that order; outside of any, at once (R87).
Finding coroutines(const std::vector<Event<CoroutineWhat>>& events);

}  // namespace properties::oracles
