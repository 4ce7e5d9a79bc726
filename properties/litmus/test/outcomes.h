// Sets of outcomes: as a program's file writes them, and as executions find them.
#pragma once

#include <set>
#include <string>
#include <string_view>

#include "aiosim/run.h"
#include "litmus.h"

namespace litmus {

using Outcomes = std::set<std::string>;

/// The set that `text` writes (litmus.h says how). Throws std::invalid_argument.
Outcomes parse_outcomes(std::string_view text);

/// What an execution came to: its registers' digits, "race", or the words of another verdict.
std::string outcome_of(const Registers& registers, const aiosim::Verdict& verdict);

/// Those of `from` that are not in `taken`.
Outcomes without(const Outcomes& from, const Outcomes& taken);

/// The outcomes between blanks.
std::string join(const Outcomes& outcomes);

/// How `found` differs from `allowed`, for people; empty if it does not.
std::string difference(const Outcomes& allowed, const Outcomes& found);

}  // namespace litmus
