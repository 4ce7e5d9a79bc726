// Ctrl-C: the first asks long work to stop and keep what it has, the second ends the process.
#pragma once

namespace aiosim::cli {

/// Installs the handler for SIGINT and SIGTERM.
void catch_interrupts();

/// In a worker: the terminal and the parent may both ask, and the second must not kill.
void catch_all_interrupts();

/// True once the user asked to stop.
bool interrupted();

}  // namespace aiosim::cli
