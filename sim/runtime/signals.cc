// Handlers of signals, on the stacks of simulated threads.
#include "runtime/world.h"

namespace aiosim::runtime {

void World::deliver_signals() { g_current->signal_ready = false; }

}  // namespace aiosim::runtime
