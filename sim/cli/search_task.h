// One worker's piece of a search, and its result as text (it crosses a pipe).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cli/search.h"
#include "cli/workers.h"

namespace aiosim::cli {

struct SearchTask {
  std::uint64_t first_run = 0;
  std::uint64_t runs = 0;
  double seconds = 0;                // 0: no limit
  std::vector<Verdict> known;        // findings that are none any more
};

struct TaskResult {
  Progress done;
  Behaviours behaviours;
  std::vector<Finding> findings;
};

/// Explores; goes on behind a finding until options.findings are known, or the wanted one is.
std::string run_search_task(const Combination& combination, const SearchOptions& options,
                            const SearchTask& task, const Workers::Tell& tell);

TaskResult read_task_result(const std::string& text);

/// Adds `more` runs to `sum`; its `distinct` and `chance_new` are upper bounds then.
void add_progress(Progress& sum, const Progress& more);

}  // namespace aiosim::cli
