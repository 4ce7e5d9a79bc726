// The command line as plain data. CLI11 is seen by options.cc alone: it costs 7 s a file.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "aiosim/run.h"

namespace aiosim::cli {

enum class Command { conform, explore, replay, minimise, explain, museum, list };

/// Every subcommand's options; one that a subcommand does not have keeps its default.
struct Options {
  Command command = Command::list;
  std::string program;  // argv[0], for "replay it with ..."
  bool json = false;

  std::vector<std::string> properties;  // explore, conform
  std::vector<std::string> backends;    // names or files; empty: every ordinary one
  std::vector<std::string> rules;       // conform
  std::vector<std::string> exhibits;    // museum
  std::vector<std::string> files;       // replay, minimise, explain
  std::string what;                     // list

  std::string strategy = "portfolio";
  std::string faults;                 // a plan, "each" for all built-in ones; empty: the default
  std::optional<std::uint64_t> runs;  // per combination
  std::optional<double> seconds;      // for all combinations together
  unsigned jobs = 0;                  // 0: the command's default
  std::optional<std::uint64_t> seed;
  MemoryMode memory = MemoryMode::weak;
  bool host_world = false;
  bool twice = false;
  bool minimise = true;

  // explore --strategy exhaustive
  std::optional<unsigned> preemptions, stale_reads, strikes;
  bool reduction = true;
  std::string program_file;  // a seed file, of which the program is taken

  bool strategies = false;          // museum: compare them
  std::uint64_t seeds = 5;          // museum --strategies
  std::string out;  // folder (explore, conform, museum) or file (minimise); empty: the default

  bool trace = false;         // replay
  bool loose = false;         // replay
  std::uint64_t stop_at = 0;  // replay
  bool all = false;           // explain: fold nothing
  bool timeline = false;      // explain: what happened, not why
  std::string html;           // explain: files to write
  std::string perfetto;
};

/// Options to go on with, or the exit status of a command that is done (help) or wrong.
struct Parsed {
  std::optional<Options> options;
  int status = 0;
};

/// Reads the command line; prints help or one line `aiosim: ...` itself.
Parsed parse_options(int argc, char** argv);

}  // namespace aiosim::cli
