// What is seen of a virtqueue's buffers, and the rules on it (R96, S14.10).
#pragma once

#include <cstdint>
#include <vector>

#include "finding.h"
#include "parts/log.h"

namespace properties::oracles {

enum class QueueWhat : std::uint8_t {
  adding,    // index: the buffer
  refused,   // no room in the ring: the buffer is not added
  attached,  // home
  detached,
  handler,  // home: begins
  popped,   // index; a: the device sees what the driver wrote
  used,     // index; a: the driver sees what the device wrote
  silent,   // the driver was kept from kicking although home slept through the whole call
  end,      // the driver has all buffers back
};

/// Every buffer is popped once, in the driver's order, and comes back once, with what was written;
/// the handler is called while attached alone; kicks are wanted while the loop sleeps.
Finding buffers(const std::vector<Event<QueueWhat>>& events);

}  // namespace properties::oracles
