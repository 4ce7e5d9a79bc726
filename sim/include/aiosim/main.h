// The command, for anybody's own binary of properties.
#pragma once

#include "aiosim/property.h"

namespace aiosim {

/// Runs `aiosim conform|explore|replay|minimise|explain|museum|list ...` over `suite`.
/// Returns the process's exit status: 0 nothing found, 1 something found, 2 bad use or input.
int main(int argc, char** argv, const Suite& suite);

}  // namespace aiosim
