// A world in a process of its own.
#pragma once

#include <functional>

#include "aiosim/run.h"

namespace aiosim {

/// As run(), in a forked child: for code under test with global state that nothing brings back (a
/// library's own, loaded beside the module). Every run starts from the caller's state. The same
/// verdict, hash and choices as run() gives; `finish` (may be null) is called in the child after
/// the run, for oracles that read what the body kept. What kills the child is the verdict crash,
/// with the choices up to it.
///
/// `chooser` answers in the child: what it learns there is lost, so it may not watch
/// (Chooser::watches). Throws what run(), the chooser or `finish` throw: BadInput as itself,
/// others as std::runtime_error; std::system_error if there is no process to be had.
RunResult run_forked(const std::function<void()>& body, Chooser& chooser,
                     const RunOptions& options = {},
                     const std::function<void(RunResult&)>& finish = nullptr);

}  // namespace aiosim
