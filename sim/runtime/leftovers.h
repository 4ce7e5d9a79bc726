// What a run leaves behind that no reset takes away, told when somebody asks
// (RunOptions::leftovers).
#pragma once

#include <string>
#include <vector>

#include "runtime/world.h"

namespace aiosim::runtime {

/// The writable state of loaded objects that are no modules under test, nor the executable, the
/// runtime, libc, libstdc++ or the dynamic linker: the libraries that code under test brought
/// along. They keep what a run does to them.
class LibraryState {
 public:
  /// As it is now.
  void take();
  /// A line for each variable that is different now: "counter (libfoo.so) has changed, and stays
  /// so".
  std::vector<std::string> changes() const;

 private:
  struct Segment {
    const char* at;
    std::vector<char> bytes;
  };
  std::vector<Segment> segments_;
};

/// Threads that have not ended, fds that are open.
std::vector<std::string> open_ends(World& world);

}  // namespace aiosim::runtime
