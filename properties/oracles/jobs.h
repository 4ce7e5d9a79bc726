// What is seen of jobs posted to loops in threads of their own, and the rules on it (R103, R100).
#pragma once

#include <cstdint>
#include <vector>

#include "finding.h"
#include "parts/log.h"

namespace properties::oracles {

enum class JobWhat : std::uint8_t {
  home,      // this thread is home
  started,   // index: the loop
  runs,      // index: the loop: in its thread
  posting,   // index: the job; a: the loop
  job,       // index: the job; a: the loop; b: it sees what was written before the post
  waited,    // index: the flag; a: it is set
  stopped,   // index: the loop
  by_owner,  // index: the loop: its stopper polls it; a: with progress
  rung,      // index: the loop: its stopper made an fd of it readable; a: that was noticed
  removed,   // index: the loop
  end,
};

/// Each job runs once, in the thread of its loop, before the stop of that loop has returned; then
/// the loop is its stopper's. No wait ends before its flag is set.
Finding jobs(const std::vector<Event<JobWhat>>& events);

}  // namespace properties::oracles
