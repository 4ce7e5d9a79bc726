// One world, one run.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "aiosim/choice.h"
#include "aiosim/verdict.h"

namespace aiosim {

enum class MemoryMode : std::uint8_t { weak, sc };

struct RunOptions {
  MemoryMode memory = MemoryMode::weak;
  std::uint64_t max_points = 100'000;  // step budget; beyond it the verdict is livelock
  bool record_trace = false;           // keep every event; the hash is always made
};

/// What happened at one step. `pc` is an address in this process: symbolise before the run's
/// modules are unloaded.
struct TraceEvent {
  std::uint64_t step = 0;
  std::int64_t time_ns = 0;
  std::uint32_t thread = 0;
  const char* operation = "";  // "atomic load", "epoll_wait", "note text", ...
  std::string object;          // "atomic 4", "fd 5", "" for none
  std::int64_t a = 0;          // operation's figures: value read, result, note arguments
  std::int64_t b = 0;
  std::string detail;          // "acquire, reads store 2 of 3", "EINTR", ...
  const void* pc = nullptr;
};

struct ThreadInfo {
  std::string name;
  std::string waiting_for;  // when the run ended; empty if it was not blocked
};

struct RunResult {
  Verdict verdict;
  std::uint64_t trace_hash = 0;
  std::uint64_t behaviour = 0;  // happens-before signature: equal for equivalent schedules
  std::uint64_t points = 0;
  std::int64_t end_ns = 0;
  std::vector<Choice> choices;  // the answers that were not 0, in the order they were given
  std::vector<TraceEvent> trace;
  std::vector<ThreadInfo> threads;
};

/// Runs `body` as the first thread of a fresh world, to its end or to a verdict. Every question is
/// put to `chooser`. Not re-entrant, and one OS thread of the process only.
/// Source: DESIGN.md section 2.
RunResult run(const std::function<void()>& body, Chooser& chooser, const RunOptions& options = {});

/// Formats and writes nothing itself: the ns that a world's clock shows at its start.
inline constexpr std::int64_t world_start_ns = 1'000'000'000;

}  // namespace aiosim
