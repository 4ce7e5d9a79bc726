// sigset_t as the kernel's set, for the libc layer.
#pragma once

#include <signal.h>

#include <cstring>

#include "kernel/kernel.h"

namespace aiosim::runtime {

inline kernel::SignalSet to_bits(const sigset_t& set) {
  kernel::SignalSet bits = 0;
  std::memcpy(&bits, &set, sizeof bits);
  return bits;
}

/// What the kernel writes of a sigset_t: its first word.
inline void copy_bits(kernel::SignalSet bits, sigset_t& set) {
  std::memcpy(&set, &bits, sizeof bits);
}

/// A mask argument that may be null.
class MaskArgument {
 public:
  explicit MaskArgument(const sigset_t* mask) : there_(mask != nullptr) {
    if (there_) bits_ = to_bits(*mask);
  }
  const kernel::SignalSet* get() const { return there_ ? &bits_ : nullptr; }

 private:
  bool there_;
  kernel::SignalSet bits_ = 0;
};

}  // namespace aiosim::runtime
