// The name of a variable by its address, from the symbol table of the object's file.
#pragma once

#include <string>

namespace aiosim::runtime {

/// "registry (libloop.so)", "registry+8 (libloop.so)"; "libloop.so+0x4010" if no symbol covers it.
/// Slow: for reports.
std::string describe_data(const void* at);

}  // namespace aiosim::runtime
