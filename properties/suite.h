// The suite: every property and rule, and what a backend module must look like.
#pragma once

#include "aiosim/property.h"

namespace properties {

aiosim::Suite make_suite();

}  // namespace properties
