// Looking for a failing run: programs x schedules, then minimising, then a seed file.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "aiosim/property.h"
#include "aiosim/seed.h"
#include "explore/behaviours.h"
#include "fault/points.h"

namespace aiosim {

struct Progress {
  std::uint64_t runs = 0;
  std::uint64_t points = 0;
  double seconds = 0;
  std::uint64_t distinct = 0;  // different RunResult::behaviour values seen
  double chance_new = 1;       // Good-Turing: behaviours seen once / runs
};

struct ExploreOptions {
  std::string strategy = "portfolio";  // "random", "pct", "portfolio"
  std::uint64_t root_seed = 1;
  std::uint64_t first_run = 0;  // run i is made from (root_seed, i) alone
  std::uint64_t runs = 10'000;
  double seconds = 0;  // 0: no limit; otherwise stops after that much real time
  MemoryMode memory = MemoryMode::weak;
  fault::Plan plan;         // "none" by default
  bool host_world = false;  // real threads, real kernel: the chooser has no say
  bool twice = false;       // every run again, traces compared: "not deterministic"
  bool minimise = true;
  std::uint64_t max_points = 100'000;
  int size = 100;  // of generated programs, 1 .. 100 (ramps up to it)
  /// Called now and then (at least 10 times a second); false stops the search.
  std::function<bool(const Progress&)> progress;
};

struct ExploreResult {
  Progress done;
  Behaviours behaviours;            // behind done.distinct and done.chance_new
  Verdict verdict;                  // pass if nothing was found
  std::optional<SeedFile> failure;  // minimised if asked for
  std::uint64_t runs_to_find = 0;   // runs until the first failure
  double seconds_to_find = 0;       // minimising not counted
  bool interrupted = false;
};

/// Runs programs of `property` on `backend` until one fails or a limit is reached.
/// Deterministic for the same options, `seconds` apart.
ExploreResult explore(const Property& property, const Backend& backend,
                      const ExploreOptions& options);

struct ReplayOptions {
  bool strict = true;         // any choice that no longer fits is a BadInput naming the step
  bool trace = false;         // keep the trace in the result
  std::uint64_t stop_at = 0;  // raise SIGTRAP at this step (for a debugger); 0: never
};

struct ReplayResult {
  RunResult run;
  Verdict verdict;            // after the oracles
  std::size_t unmatched = 0;  // choices of the file that found no question (loose replay)
  bool not_reached = false;   // the run ended before ReplayOptions::stop_at
};

/// Runs `seed`'s program under its choices on `backend` (normally the one that it names).
ReplayResult replay(const SeedFile& seed, const Property& property, const Backend& backend,
                    const ReplayOptions& options = {});

/// A seed file with a smaller program and fewer choices that comes to the same failure (kind and
/// rule). ENGINE.md 2.8: choices by delta debugging, then lower values, and the program by
/// RapidCheck's shrinks with `research` random schedules per candidate. `keep_going` may be null;
/// false stops early with the best so far.
SeedFile minimise(const SeedFile& seed, const Property& property, const Backend& backend,
                  unsigned research = 200, const std::function<bool()>& keep_going = nullptr);

}  // namespace aiosim
