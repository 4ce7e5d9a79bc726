// museum.toml: the exhibits, what each is and what must be found.
#pragma once

#include <string>
#include <vector>

#include "aiosim/verdict.h"

namespace aiosim::cli {

struct Exhibit {
  std::string name;
  std::string bug;
  std::string rule;
  std::string property;
  std::string backend;  // that it is a patched copy of
  VerdictKind verdict = VerdictKind::pass;
  std::string faults;     // plan
  std::string seed_file;  // path below corpus/
  std::string sentence;
};

/// Reads `path`; BadInput naming line and key if it is not as fault/museum/museum.toml says.
std::vector<Exhibit> read_museum(const std::string& path);

}  // namespace aiosim::cli
