// A run as people read it: one line an event, with source lines, and choices in words.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "aiosim/run.h"
#include "trace/symbolize.h"

namespace aiosim::trace {

inline constexpr std::size_t no_line = ~std::size_t{0};

struct Line {
  std::uint64_t step = 0;
  std::uint32_t thread_number = 0;
  std::int64_t time_ns = 0;  // since the world's start
  std::string thread;
  std::string operation;  // "switch" for a choice of who runs
  std::string object;
  std::int64_t a = 0, b = 0;
  std::string detail;
  std::string choice;  // a choice made here that was not the dull one, in words; "" for none
  Place place;
  /// The line whose store this atomic operation read; no_line if it was there before.
  std::size_t reads_from = no_line;
  /// Of a thread that was blocked: the last operation of another one, on a lock, an fd or a thread,
  /// before it went on.
  std::size_t woken_by = no_line;
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

/// A trace for ui.perfetto.dev: a track for each thread, a slice for each operation (1 ns, as a
/// step takes; a blocked thread's until it goes on), arrows for reads-from and wakeups, marks for
/// choices. Format: "Trace Event Format", JSON object form, times in microseconds.
std::string perfetto(const Timeline& timeline);

/// Columns: mark, step, time, thread, operation and object, details, function and place. Long
/// stretches of one thread without a choice are folded unless `all`.
std::string text(const Timeline& timeline, bool all);

}  // namespace aiosim::trace
