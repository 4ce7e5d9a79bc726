// What a module's start-up code does to the process that loads it is said, with the module's name.
#pragma once

#include <string>

namespace aiosim::runtime {

/// While it lives, a crash, an exit or ten seconds of processor time end the process with a line on
/// standard error and status 2. One at a time.
class Loading {
 public:
  explicit Loading(const std::string& file);
  ~Loading();
  Loading(const Loading&) = delete;
  Loading& operator=(const Loading&) = delete;
};

}  // namespace aiosim::runtime
