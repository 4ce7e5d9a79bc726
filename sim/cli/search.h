// Looking for findings in many combinations of property, backend and fault plan at once, fairly,
// on several processes. What explore, conform and museum share.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "aiosim/property.h"
#include "cli/options.h"
#include "explore/explore.h"
#include "fault/points.h"

namespace aiosim::cli {

struct Combination {
  const Property* property = nullptr;
  const Backend* backend = nullptr;
  fault::Plan plan;
  /// Look for this failure (kind and rule). Another one is kept only if this does not turn up
  /// soon after it.
  std::optional<Verdict> wanted = std::nullopt;

  /// "every_notify_wakes on reference-epoll under eintr"
  std::string text() const;
};

struct SearchOptions {
  std::string title;  // of the progress line
  std::string strategy = "portfolio";
  std::uint64_t root_seed = 1;
  MemoryMode memory = MemoryMode::weak;
  bool host_world = false;
  bool twice = false;
  bool minimise = true;
  unsigned jobs = 1;
  /// Limits of each combination; without `runs` there must be `seconds`, of one process.
  std::optional<std::uint64_t> runs;
  double seconds = 0;
  /// A combination's time comes in slices of at most this, so that every one gets its turn.
  double slice = 5;
  /// Different findings (kind, rule) after which a combination is done.
  std::size_t findings = 1;
  /// May several workers look for one combination's first finding?
  bool share = false;
};

struct Finding {
  SeedFile seed;
  std::uint64_t runs_to_find = 0;
  double seconds_to_find = 0;
};

/// The same failure of the same property and backend, under another plan: one seed file of it is
/// enough, and one is minimised.
bool same_under_another_plan(const Combination& one, const Finding& its, const Combination& other,
                             const Finding& the_others);

struct Outcome {
  Progress done;
  std::vector<Finding> findings;
  std::vector<std::string> troubles;  // why a worker gave no result: not a verdict
};

struct SearchResult {
  std::vector<Outcome> outcomes;  // one a combination, in their order
  bool interrupted = false;
};

/// The options that the command line and the defaults of its command come to.
SearchOptions search_options(const Options& options, std::uint64_t root_seed);

/// With `runs` the first finding of a combination is that of the lowest run number, whatever
/// `jobs` is. Shows a progress line. Stops on Ctrl-C with what was found.
SearchResult search(const std::vector<Combination>& combinations, const SearchOptions& options);

/// Number of cores, at least 1.
unsigned core_count();

}  // namespace aiosim::cli
