// A program: what the threads and callbacks of one case do, as text, operation by operation.
#pragma once

#include <string>
#include <vector>

namespace aiosim {

/// The simulator carries programs from generator to seed file and back without understanding
/// them; the property that wrote one reads it. One part is one thread or one callback.
struct Program {
  struct Part {
    std::string name;              // "home", "producer 1", "bh 2"
    std::vector<std::string> ops;  // one line each
    bool operator==(const Part&) const = default;
  };
  std::vector<Part> parts;

  bool operator==(const Program&) const = default;
  std::size_t op_count() const {
    std::size_t n = 0;
    for (const Part& part : parts) n += part.ops.size();
    return n;
  }
};

}  // namespace aiosim
