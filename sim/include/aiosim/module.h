// A shared object with code under test: a backend, or anybody's instrumented scenario.
#pragma once

#include <memory>
#include <string>

namespace aiosim {

/// A loaded module. Its writable segments and thread_local images are brought back to the state
/// they had after loading before each run (DESIGN.md section 4, hermetic runs).
class Module {
 public:
  /// Loads `file`; throws BadInput with one line if it cannot be loaded or lacks `entry_symbol`.
  Module(const std::string& file, const char* entry_symbol);
  ~Module();
  Module(const Module&) = delete;
  Module& operator=(const Module&) = delete;

  void* entry() const { return entry_; }
  const std::string& file() const { return file_; }
  /// Is any of it compiled with -fsanitize=thread? Else its accesses are neither seen nor checked.
  bool instrumented() const { return instrumented_; }

 private:
  std::string file_;
  void* handle_ = nullptr;
  void* entry_ = nullptr;
  bool instrumented_ = false;
};

}  // namespace aiosim
