// The rules that properties check, by name, one sentence each. SEMANTICS.md tells them whole.
#pragma once

#include <vector>

#include "aiosim/property.h"

namespace properties {

std::vector<aiosim::Rule> rules();

}  // namespace properties
