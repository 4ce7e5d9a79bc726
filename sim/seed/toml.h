// toml++ as this library uses it. Its inline functions differ with these settings, so every file of
// aiosim_main includes it by this header, or the linker mixes two kinds.
#pragma once

// toml++ 3.3 fails its own assertions on some texts ("[[[", pull request 301 of
// marzer/tomlplusplus), and without assertions assumes that they hold. So: always checked, and an
// exception.
namespace aiosim {
struct ParserGaveUp {};
[[noreturn]] inline void parser_gives_up() { throw ParserGaveUp{}; }
}  // namespace aiosim
#undef NDEBUG
#define TOML_ASSERT(expression) ((expression) ? void() : ::aiosim::parser_gives_up())
#define TOML_HEADER_ONLY 1
#define TOML_EXCEPTIONS 0
#define TOML_MAX_NESTED_VALUES 8
#define TOML_ENABLE_FORMATTERS 0
#include <toml++/toml.h>
