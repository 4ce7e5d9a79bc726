// An explanation in words.
#pragma once

#include <string>

#include "cli/report.h"
#include "trace/symbolize.h"

namespace aiosim::cli {

/// Fills the three answers of `report` from its explanation.
void put_in_words(ExplainReport& report, trace::Symbolizer& symbolizer);

/// All three, as the command prints them.
std::string why_text(const ExplainReport& report);

/// "aio::NotifyGate::notify, notify_gate.cc:16"
std::string place_words(const trace::Place& place);

}  // namespace aiosim::cli
