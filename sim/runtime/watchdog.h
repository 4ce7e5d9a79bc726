// Code under test that loops and meets no hook cannot be counted: the processor's time tells.
#pragma once

namespace aiosim::runtime {

/// From now on a world that comes to no scheduling point and no hook for some seconds of this
/// process's processor time ends as a livelock. Idempotent, in children too.
void start_watchdog();

}  // namespace aiosim::runtime
