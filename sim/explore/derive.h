// Seeds made from the root seed: what one is for is part of it, so that none shifts another.
#pragma once

#include <cstdint>

#include "aiosim/choice.h"

namespace aiosim {

enum class Purpose : std::uint8_t {
  run = 1,
  program = 2,
  subset = 4,
  host_faults,
  research,
  explain
};

inline std::uint64_t derive(std::uint64_t root, Purpose purpose, std::uint64_t number) {
  return mix64(mix64(root + static_cast<std::uint64_t>(purpose)) ^ mix64(number));
}

}  // namespace aiosim
