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

/// What if this access were stronger? Replays ask, to name the guilty one.
struct Strengthening {
  enum class Kind : std::uint8_t {
    acq_rel,       // the access gets at least acquire, release or both, as it loads or stores
    seq_cst,       // the access, or the fence, gets seq_cst
    fence_before,  // a seq_cst fence before the access
    fence_after,
  };
  const void* pc = nullptr;  // TraceEvent::pc of an atomic access or a fence
  Kind kind = Kind::seq_cst;
};

struct RunOptions {
  MemoryMode memory = MemoryMode::weak;
  std::uint64_t max_points = 100'000;  // step budget; beyond it the verdict is livelock
  bool record_trace = false;           // keep every event; the hash is always made
  /// Time moves by clock reads and jumps alone, not by each point: then the order of independent
  /// operations does not show in the clock (exhaustive search).
  bool frozen_clock = false;
  /// A thread that re-reads without change blocks until there is one; one that tries a failed
  /// compare-exchange again in the same state is given up, the run cut (exhaustive search).
  bool spin_blocks = false;
  /// A thread that could only begin to wait, for a lock or for another's end, does not run until it
  /// need not: beginning to wait changes nothing (exhaustive search).
  bool waits_unseen = false;
  std::vector<Strengthening> strengthened;
  /// What code under test allocated, did not free, and nobody points to any more when the body
  /// has returned is the verdict leak.
  bool leaks = true;
  /// Tell what the run left behind besides (RunResult::leftovers); costs milliseconds.
  bool leftovers = false;
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
  std::uint64_t unseen_points = 0;  // what a loop without any took, told in points' time
  bool cut = false;  // the chooser abandoned the run: the verdict says nothing
  std::int64_t end_ns = 0;
  std::vector<Choice> choices;  // the answers that were not 0, in the order they were given
  std::vector<TraceEvent> trace;
  std::vector<ThreadInfo> threads;  // with RunOptions::record_trace
  /// RunOptions::leftovers: a line each for what a body that returned left behind: threads, fds,
  /// blocks that somebody holds, state that the reset before each run does not cover.
  std::vector<std::string> leftovers;
};

/// Runs `body` as the first thread of a fresh world, to its end or to a verdict. Every question is
/// put to `chooser`. Not re-entrant, and one OS thread of the process only.
/// Source: DESIGN.md section 2.
RunResult run(const std::function<void()>& body, Chooser& chooser, const RunOptions& options = {});

/// Formats and writes nothing itself: the ns that a world's clock shows at its start.
inline constexpr std::int64_t world_start_ns = 1'000'000'000;

}  // namespace aiosim
