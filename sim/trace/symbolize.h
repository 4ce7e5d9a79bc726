// From an address in a loaded module to the user's source line, by the module's DWARF.
#pragma once

#include <memory>
#include <string>

namespace aiosim::trace {

struct Place {
  std::string function;  // "notify", demangled and without its parameters; "" if not known
  std::string file;      // as compiled; "" if not known
  unsigned line = 0;
};

class Symbolizer {
 public:
  Symbolizer();
  ~Symbolizer();
  Symbolizer(const Symbolizer&) = delete;
  Symbolizer& operator=(const Symbolizer&) = delete;

  /// The innermost frame at the call before `pc` that is not in a system header: the line that says
  /// `notify_me.fetch_or(1)`, not the one in <atomic>. Cached.
  const Place& find(const void* pc);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// "context.cc:212"; "" if the place is not known.
std::string short_place(const Place& place);

/// `text` with each "module.so+0x1a2b" of the runtime (a return address) as "context.cc:212", where
/// the module is loaded and the place known: texts that are the same in every build. The lines of
/// a call stack ("    in x", "    called from x") get the function's name, too; without a known
/// place they go.
std::string with_places(const std::string& text, Symbolizer& symbolizer);

/// The text of the line, without the space around it; "" if the file cannot be read.
std::string source_line(const Place& place);

}  // namespace aiosim::trace
