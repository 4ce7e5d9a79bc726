// Which program run i works on, and which of the plan's fault points it leaves on.
#pragma once

#include <cstdint>

#include "aiosim/program.h"
#include "explore/derive.h"
#include "explore/explore.h"

namespace aiosim {

/// Consecutive runs that share a program. Drawing one costs about one run, and a bug is more often
/// missing from a program than hard to see in it (README.md has the figures).
inline constexpr std::uint64_t runs_per_program = 5;

inline Program program_of(const Property& property, const ExploreOptions& options,
                          std::uint64_t block) {
  constexpr std::uint64_t ramp = 10;  // programs until the size starts small again
  const auto grown = static_cast<int>(block % ramp);
  const int size = 1 + (options.size - 1) * grown / static_cast<int>(ramp - 1);
  return property.generate(derive(options.root_seed, Purpose::program, block), size);
}

/// Bits of fault::begin_run: every third run has the whole plan, the others a random half.
inline std::uint64_t subset_of(const ExploreOptions& options, std::uint64_t run) {
  const std::uint64_t drawn = derive(options.root_seed, Purpose::subset, run);
  return drawn % 3 == 0 ? ~0ULL : mix64(drawn);
}

/// What a seed file says of every run of this search.
inline SeedFile seed_for(const Property& property, const Backend& backend,
                         const ExploreOptions& options, const Program& program, std::uint64_t run) {
  SeedFile seed;
  seed.property = property.name();
  seed.backend = backend.name;
  seed.memory = options.memory;
  seed.max_points = options.max_points;
  seed.program = program;
  seed.fault_limit = options.plan.empty() ? 0 : options.plan.limit;
  for (const fault::PointId id : options.plan.points) {
    seed.faults.emplace_back(fault::catalogue()[static_cast<std::size_t>(id)].name);
  }
  seed.root_seed = options.root_seed;
  seed.run_number = run;
  return seed;
}

}  // namespace aiosim
