// One function a subcommand; each returns the exit status and throws BadInput for bad input.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <cstdio>
#include <string>

#include "aiosim/seed.h"
#include "cli/catalog.h"
#include "cli/options.h"

namespace aiosim::cli {

int run_explore(const Options& options, Catalog& catalog);
int run_replay(const Options& options, Catalog& catalog);
int run_minimise(const Options& options, Catalog& catalog);
int run_explain(const Options& options, Catalog& catalog);
int run_museum(const Options& options, Catalog& catalog);
int run_conform(const Options& options, Catalog& catalog);
int run_list(const Options& options, Catalog& catalog);

/// People's text: standard output, or standard error where --json has the former.
template <typename... T>
void say(const Options& options, fmt::format_string<T...> format, T&&... values) {
  fmt::print(options.json ? stderr : stdout, format, std::forward<T>(values)...);
}

/// The JSON document, if one is asked for.
inline void print_json(const Options& options, const std::string& document) {
  if (options.json) std::fwrite(document.data(), 1, document.size(), stdout);
}

/// "deadlock (R36)", and the rule's sentence where the suite knows it.
std::string describe(const Verdict& verdict, const Catalog& catalog);

/// A seed file with what it names.
struct LoadedSeed {
  std::string file;
  SeedFile seed;
  const Property* property = nullptr;
  const Backend* backend = nullptr;
};
LoadedSeed load_seed(const Options& options, const std::string& file, Catalog& catalog);

/// --backend of replay, minimise and explain, or the backend that the seed file names.
const Backend& backend_for(const Options& options, const std::string& named, Catalog& catalog);

/// The program and the choices of a seed file as people read them.
std::string program_text(const SeedFile& seed);
std::string choices_text(const SeedFile& seed);

/// Replaces `path` as a whole; BadInput if that cannot be done.
void write_file(const std::string& path, const std::string& text);

/// Why workers gave no result, each a line on standard error; many of a kind are only counted.
void print_troubles(const std::vector<std::string>& troubles);

/// The module's file if `backend` cannot be found by its name, else "".
std::string file_if_needed(const Backend& backend, const Catalog& catalog);

}  // namespace aiosim::cli
