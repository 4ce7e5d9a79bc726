// Signals of simulated threads. None can be sent yet: nothing sets Thread::signal_ready.
#include "runtime/world.h"

namespace aiosim::runtime {

void World::deliver_signals() { g_current->signal_ready = false; }

}  // namespace aiosim::runtime
