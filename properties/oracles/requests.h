// What is seen of a thread pool's requests, and the rule on it (R93).
#pragma once

#include <cstdint>
#include <vector>

#include "finding.h"
#include "parts/log.h"

namespace properties::oracles {

enum class PoolWhat : std::uint8_t {
  submit,  // index: the request
  submitted,
  cancel,
  cancel_returned,  // a: it was taken back
  work,             // a: sees what the submitter wrote
  worked,
  done,  // a: has the right result; b: sees what the work wrote
  done_returned,
};

/// Each request is done once, in home's thread, not within submit() or cancel(); works once and
/// before that, unless it was taken back; can be taken back while all threads work on others; is
/// done in the order of completion; and at most `max_threads` work at once.
/// `in_world`: time is simulated, and a request is begun at once when a thread is free.
Finding requests(const std::vector<Event<PoolWhat>>& events, std::int64_t max_threads,
                 bool in_world);

}  // namespace properties::oracles
