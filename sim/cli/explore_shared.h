// What explore says and does whatever the strategy.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cli/commands.h"
#include "cli/report.h"
#include "cli/search.h"

namespace aiosim::cli {

/// A root seed, where none is given.
std::uint64_t draw_seed();

/// ": fd handlers, timers": what `backend` lacks for `property`, "" if that is not known.
std::string lacked_words(const Property& property, const Backend& backend);

/// Every combination that is offered; BadInput if there is none.
std::vector<Combination> combine(const Options& options, Catalog& catalog);

/// A finding for people, with the commands that go on from it.
void say_finding(const Options& options, const Catalog& catalog, const Finding& finding,
                 const ExploreRow& row);

/// The table of all combinations.
void say_rows(const Options& options, const ExploreReport& report);

/// explore --strategy exhaustive.
int run_exhaustive(const Options& options, Catalog& catalog);

}  // namespace aiosim::cli
