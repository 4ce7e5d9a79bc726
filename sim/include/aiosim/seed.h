// The seed file: one run, kept as text that people read, rename, edit and commit.
// Format: sim/seed/README.md.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "aiosim/choice.h"
#include "aiosim/program.h"
#include "aiosim/run.h"
#include "aiosim/verdict.h"

namespace aiosim {

struct SeedFile {
  static constexpr int current_version = 1;
  int version = current_version;
  std::string happens;   // one line: what happens
  std::string property;
  std::string backend;   // "reference-epoll" or an exhibit's name
  Verdict verdict;       // kind and rule are what replay compares; text is for people
  MemoryMode memory = MemoryMode::weak;
  std::uint64_t max_points = 100'000;  // step budget: a livelock depends on it
  bool searched = false;  // by exhaustive search: under exhaustive_run_options()
  Program program;
  std::vector<std::string> faults;     // armed fault points, by exact name
  std::uint32_t fault_limit = 0;       // strikes per run and point
  std::vector<Choice> choices;         // sparse
  std::uint64_t trace_hash = 0;
  std::string found_by;                // strategy with its parameters, for people
  std::uint64_t root_seed = 0;         // of the exploration that found it first
  std::uint64_t run_number = 0;
};

/// Reads a seed file. Throws BadInput("FILE:LINE: expected ..., found ...").
SeedFile read_seed(const std::string& path);
/// The same from text; `where` stands for the path in messages.
SeedFile parse_seed(const std::string& text, const std::string& where);
/// The text of a seed file; parse_seed of it gives an equal value.
std::string seed_text(const SeedFile& seed);
/// Writes whole or not at all (temporary file, fsync, rename). Throws BadInput if it cannot.
void write_seed(const std::string& path, const SeedFile& seed);

}  // namespace aiosim
