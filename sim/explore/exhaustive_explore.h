// Every schedule of one program of a property, to the first failure or to the end.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "aiosim/exhaustive.h"
#include "aiosim/property.h"
#include "aiosim/seed.h"
#include "explore/explore.h"
#include "fault/points.h"

namespace aiosim {

struct ExhaustiveExploreOptions {
  ExhaustiveOptions search;  // bounds, reduction, limit; its `progress` is not used
  MemoryMode memory = MemoryMode::weak;
  fault::Plan plan;      // "none" by default: each strike doubles the executions
  bool minimise = true;
  std::uint64_t max_points = 100'000;
  /// Called now and then; false stops the search. Progress::runs are executions and cut ones.
  std::function<bool(const Progress&)> progress;
};

struct ExhaustiveExploreResult {
  ExhaustiveResult search;          // search.text is the line for people
  ExploreResult found;              // verdict, seed file, runs and time to find, behaviours
};

/// Searches the executions of `program` until one fails, all were had, or a limit is reached.
/// Throws BadInput if the property cannot bind the program, or the program does not repeat.
ExhaustiveExploreResult explore_exhaustively(const Property& property, const Backend& backend,
                                             const Program& program,
                                             const ExhaustiveExploreOptions& options);

}  // namespace aiosim
