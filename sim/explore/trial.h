// One program on one backend, run again and again under different choosers.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "aiosim/property.h"
#include "aiosim/seed.h"
#include "explore/replay.h"
#include "fault/points.h"

namespace aiosim {

/// Arms a plan for its lifetime, nothing after it.
class ArmedPlan {
 public:
  explicit ArmedPlan(const fault::Plan& plan) { fault::arm(plan); }
  ~ArmedPlan() { fault::arm(fault::Plan{}); }
  ArmedPlan(const ArmedPlan&) = delete;
  ArmedPlan& operator=(const ArmedPlan&) = delete;
};

/// Runs with the plan that is armed.
class Trial {
 public:
  /// Throws BadInput if the property cannot bind `program`.
  Trial(const Property& property, const Backend& backend, const Program& program,
        const RunOptions& options)
      : execution_(property.prepare(program, backend)),
        options_(options),
        forked_(backend.forked) {}

  /// The result's verdict is the oracles'. `subset`: fault points left on (fault::begin_run).
  RunResult run(Chooser& chooser, std::uint64_t subset = ~0ULL, bool trace = false);

 private:
  std::unique_ptr<Execution> execution_;
  RunOptions options_;
  bool forked_;
};

/// The plan that `seed` was found under; BadInput if it names no fault point.
fault::Plan plan_of(const SeedFile& seed);

RunOptions options_of(const SeedFile& seed);

/// First line of the verdict's text, or its name.
std::string what_happens(const Verdict& verdict);

/// Replays `seed` with `trial`, takes choices (with their annotations), verdict and trace hash
/// from that run, and runs those once more: what differs then, or "" if nothing does.
std::string settle(SeedFile& seed, Trial& trial);

/// Where two recorded traces part, with the lines before, the lines before first.
std::string first_difference(const RunResult& first, const RunResult& second);

}  // namespace aiosim
