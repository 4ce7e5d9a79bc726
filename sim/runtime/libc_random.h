// Random bytes of the simulated kernel.
#pragma once

#include <sys/types.h>

#include <cstddef>

namespace aiosim::runtime {

ssize_t simulated_random(void* buffer, std::size_t size, const void* pc);

}  // namespace aiosim::runtime
