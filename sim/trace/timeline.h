// A run as people read it: one line an event, with source lines, and choices in words.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "aiosim/run.h"
#include "trace/symbolize.h"

namespace aiosim::trace {

struct Line {
  std::uint64_t step = 0;
  std::int64_t time_ns = 0;  // since the world's start
  std::string thread;
  std::string operation;  // "switch" for a choice of who runs
  std::string object;
  std::int64_t a = 0, b = 0;
  std::string detail;
  std::string choice;  // a choice made here that was not the dull one, in words; "" for none
  Place place;
};

/// "atomic 4" and the line that touched it first.
struct NamedObject {
  std::string object;
  Place place;
  std::string source;
};

struct ThreadEnd {
  std::string name;
  std::string waiting_for;
};

struct Timeline {
  std::vector<Line> lines;
  std::vector<NamedObject> objects;
  std::vector<ThreadEnd> threads;
};

/// What the choice did, in words: "reads an older store (1 of 2)".
std::string in_words(const Choice& choice);

/// From a run that kept its trace.
Timeline make_timeline(const RunResult& run, Symbolizer& symbolizer);

/// Columns: mark, step, time, thread, operation and object, details, function and place. Long
/// stretches of one thread without a choice are folded unless `all`.
std::string text(const Timeline& timeline, bool all);

}  // namespace aiosim::trace
