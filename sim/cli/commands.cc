// What several subcommands share.
#include "cli/commands.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "cli/words.h"
#include "trace/timeline.h"

namespace aiosim::cli {
namespace {

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

std::string describe(const Verdict& verdict, const Catalog& catalog) {
  std::string out(name(verdict.kind));
  if (verdict.rule.empty()) return out;
  out += ", " + verdict.rule;
  for (const Rule& rule : catalog.suite().rules) {
    if (rule.name == verdict.rule) return out + ": " + rule.sentence;
  }
  return out;
}

const Backend& backend_for(const Options& options, const std::string& named, Catalog& catalog) {
  if (options.backends.size() > 1) throw BadInput("--backend: expected one backend");
  return catalog.backend(options.backends.empty() ? named : options.backends.front());
}

LoadedSeed load_seed(const Options& options, const std::string& file, Catalog& catalog) {
  LoadedSeed loaded;
  loaded.file = file;
  loaded.seed = read_seed(file);
  try {
    loaded.property = &catalog.property(loaded.seed.property);
    loaded.backend = &backend_for(options, loaded.seed.backend, catalog);
  } catch (const BadInput& error) {
    throw BadInput(file + ": " + error.what());
  }
  return loaded;
}

std::string program_text(const SeedFile& seed) {
  std::string out;
  for (const Program::Part& part : seed.program.parts) {
    out += fmt::format("  {}\n", part.name);
    for (const std::string& op : part.ops) out += fmt::format("    {}\n", op);
  }
  return out;
}

std::string choices_text(const SeedFile& seed) {
  std::string out;
  for (const Choice& choice : seed.choices) {
    const std::string at =
        choice.object.empty() ? choice.operation : choice.operation + " of " + choice.object;
    out += fmt::format("  T{} {} {}: {}, at {}\n", choice.key.thread, name(choice.key.kind),
                       choice.key.number, trace::in_words(choice), at);
  }
  return out;
}

void write_file(const std::string& path, const std::string& text) {
  namespace fs = std::filesystem;
  const auto refused = [&path](int error) {
    return BadInput(fmt::format("{}: cannot be written: {}", path, std::strerror(error)));
  };
  std::error_code error;
  // A device, a pipe or a terminal is written to, never replaced; so is what a link names.
  const bool in_place = fs::exists(path, error) && !fs::is_regular_file(path, error);
  const fs::path target = in_place || !fs::is_symlink(path, error) ? fs::path(path)
                                                                   : fs::canonical(path, error);
  const std::string fresh = in_place ? path : target.string() + ".new";
  errno = 0;
  std::ofstream file(fresh, std::ios::binary);
  if (!file) throw refused(errno);
  file << text << std::flush;
  const bool whole = file.good();
  const int why = errno;
  file.close();
  if (!whole && !in_place) fs::remove(fresh, error);
  if (!whole) throw refused(why);
  if (in_place) return;
  fs::rename(fresh, target, error);
  if (!error) return;
  const int value = error.value();
  fs::remove(fresh, error);
  throw refused(value);
}

void print_troubles(const std::vector<std::string>& troubles) {
  constexpr std::size_t most = 5;
  for (std::size_t i = 0; i < std::min(most, troubles.size()); ++i) {
    fmt::print(stderr, "aiosim: {}\n", troubles[i]);
  }
  if (troubles.size() > most) {
    fmt::print(stderr, "aiosim: and {} more combinations without a result\n",
               troubles.size() - most);
  }
}

std::string file_if_needed(const Backend& backend, const Catalog& catalog) {
  if (contains(catalog.backend_names(), backend.name)) return {};
  if (contains(catalog.exhibit_names(), backend.name)) return {};
  return backend.module ? backend.module->file() : std::string();
}

}  // namespace aiosim::cli
