// What an oracle says: nothing, or the rule that was broken.
#pragma once

#include <optional>
#include <string>
#include <utility>

#include "aiosim/verdict.h"

namespace properties::oracles {

using Finding = std::optional<aiosim::Verdict>;

inline Finding broken(std::string rule, std::string text) {
  return aiosim::Verdict{aiosim::VerdictKind::rule_broken, std::move(rule), std::move(text)};
}

}  // namespace properties::oracles
