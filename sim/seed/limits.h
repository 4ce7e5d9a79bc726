// What a seed file may be at most, so that none can exhaust the stack or the memory of its reader.
#pragma once

#include <cstddef>

namespace aiosim::seed_limits {

inline constexpr std::size_t file_bytes = 4u << 20;
/// Arrays and inline tables within one another. A seed file needs two.
inline constexpr int nested_values = 8;
/// Dots on one line. A dotted key makes one nested table a dot, which toml++ does not bound and
/// frees recursively; a line of a seed file has dots in its (at most two) free strings only.
inline constexpr std::size_t dots_per_line = 256;
/// The writer escapes further ones.
inline constexpr std::size_t dots_per_string = 80;

}  // namespace aiosim::seed_limits
