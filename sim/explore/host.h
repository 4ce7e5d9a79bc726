// Runs on real threads and the real kernel, in forked children: what hangs or crashes there does
// so for real.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "aiosim/verdict.h"
#include "explore/explore.h"

namespace aiosim {

struct HostBatch {
  std::uint64_t first_run = 0;
  std::uint64_t end_run = 0;
  int patience_ms = 20'000;  // without a run's end for so long: deadlock
};

struct HostFailure {
  std::uint64_t run = 0;
  Verdict verdict;
};

/// Runs `program` for each run of `batch` in one forked child. `go_on` is called after each run
/// (true) and at least ten times a second (false); if it says false the child is killed.
/// A run that throws RunStopped has that verdict; other exceptions are escaped ones; a child that a
/// signal ends is a crash.
std::optional<HostFailure> run_on_host(const Property& property, const Backend& backend,
                                       const Program& program, const ExploreOptions& options,
                                       const HostBatch& batch,
                                       const std::function<bool(bool run_done)>& go_on);

}  // namespace aiosim
