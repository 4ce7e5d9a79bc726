// What is seen of a thread pool's requests, or of file requests, and the rules on them (R93, R94).
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "finding.h"
#include "parts/log.h"

namespace properties::oracles {

enum class RequestWhat : std::uint8_t {
  submit,  // index: the request
  submitted,
  cancel,
  cancel_returned,  // a: it was taken back
  work,             // a: sees what the submitter wrote
  worked,
  done,  // a: has the right result; b: sees what the work wrote
  done_returned,
  let_go,  // of file requests: nothing is plugged any more; a: some are held back
};

inline constexpr std::size_t max_requests_seen = 64;  // in a run

/// Whose requests. max_threads 0: no thread of the program's works on them, but the kernel does.
struct RequestsOf {
  const char* rule;
  std::int64_t max_threads = 0;
  bool in_world = false;  // time is simulated, and a request is begun at once when a thread is free
  bool threads_work() const { return max_threads > 0; }
};

/// Each request is done once, in home's thread, not within submit() or cancel(); works once and
/// before that, unless it was taken back; can be taken back while all threads work on others; is
/// done in the order of completion; and at most `max_threads` work at once. File requests are done
/// once, likewise, and none is held back without a reason.
Finding requests(const std::vector<Event<RequestWhat>>& events, const RequestsOf& of);

}  // namespace properties::oracles
