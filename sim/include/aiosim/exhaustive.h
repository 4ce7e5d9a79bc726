// Exhaustive search: every execution of one small program, up to equivalence.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "aiosim/run.h"

namespace aiosim {

struct ExhaustiveProgress {
  std::uint64_t executions = 0;  // to their end, and judged
  std::uint64_t cut = 0;         // abandoned: what they show, others show
  std::uint64_t points = 0;
};

struct ExhaustiveOptions {
  /// Dynamic partial order reduction with sleep sets; false: every choice of every kind.
  /// Bounds switch it off: with them it is not sound.
  bool reduction = true;
  std::optional<unsigned> preemptions;  // at most so many switches away from an enabled thread
  std::optional<unsigned> stale_reads;  // at most so many loads of another than the newest store
  std::optional<unsigned> faults;       // at most so many strikes
  std::uint64_t max_executions = 0;     // executions and cut ones together; 0: no limit
  /// Called now and then; false stops the search.
  std::function<bool(const ExhaustiveProgress&)> progress;
};

struct ExhaustiveResult {
  enum class End : std::uint8_t {
    complete,  // searched to the end; with bounds, to the end of what they allow
    limit,     // max_executions, or progress said no
    stopped,   // visit said no
  };
  End end = End::complete;
  ExhaustiveProgress done;
  /// A weak compare-exchange was not let fail spuriously twice in a row at the same place: a retry
  /// loop could for ever.
  bool spurious_limited = false;
  /// "searched to the end: 18,204 executions", "to preemption bound 3: 1,003 executions", "not
  /// searched to the end: stopped after 10,000 executions".
  std::string text;
};

/// One world under that chooser: aiosim::run with the options below, or a Trial.
using WorldRun = std::function<RunResult(Chooser&)>;

/// What the runs of a search need: a clock that only reads move, spinning threads that block.
inline RunOptions exhaustive_run_options(MemoryMode memory = MemoryMode::weak) {
  RunOptions options;
  options.memory = memory;
  options.frozen_clock = true;
  options.spin_blocks = true;
  options.waits_unseen = true;
  return options;
}

/// Runs `run` once for each execution that is left. `visit` gets each result that was not cut;
/// false stops the search. Throws BadInput if a run does not repeat under the same choices.
/// Source: Abdulla et al., Optimal dynamic partial order reduction, POPL 2014; Flanagan and
/// Godefroid, Dynamic partial-order reduction for model checking software, POPL 2005.
ExhaustiveResult search_exhaustively(const WorldRun& run, const ExhaustiveOptions& options,
                                     const std::function<bool(const RunResult&)>& visit);

}  // namespace aiosim
