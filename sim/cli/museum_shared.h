// What the two ways through the museum share.
#pragma once

#include <vector>

#include "cli/commands.h"
#include "cli/museum_file.h"
#include "cli/search.h"

namespace aiosim::cli {

/// Those of --exhibit, or all.
std::vector<Exhibit> chosen_exhibits(const Options& options, const Catalog& catalog);

/// Their searches, nothing wanted in particular: any failure of an exhibit is its bug.
std::vector<Combination> combinations_of(const std::vector<Exhibit>& exhibits, Catalog& catalog);

/// museum --strategies.
int run_museum_strategies(const Options& options, Catalog& catalog);

}  // namespace aiosim::cli
