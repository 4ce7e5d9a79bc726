// The ways to run a litmus program in the simulator.
#pragma once

#include <cstdint>
#include <span>

#include "aiosim/exhaustive.h"
#include "litmus.h"
#include "outcomes.h"

namespace litmus {

/// The families of the module of programs.
std::span<const Family* const> families();

/// The program called `name`. Throws std::out_of_range.
const Program& program(std::string_view name);

struct Found {
  Outcomes outcomes;
  std::uint64_t executions = 0;
  std::uint64_t cut = 0;  // given up as equivalent to one that was seen
  bool complete = true;
  double milliseconds = 0;
};

/// Every execution; without reduction at most `most` of them (0: no limit).
Found search_all(const Program& program, bool reduction, std::uint64_t most = 0);

/// `runs` executions at random, from `seed`.
Found search_randomly(const Program& program, std::uint64_t runs, std::uint64_t seed);

}  // namespace litmus
