#include "cli/seed_store.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "cli/words.h"

namespace aiosim::cli {
namespace {

namespace fs = std::filesystem;

/// Takes the name for us, as an empty file that write_seed then replaces; false if it is taken.
bool reserve(const std::string& path) {
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  if (fd >= 0) {
    close(fd);
    return true;
  }
  if (errno == EEXIST) return false;
  throw BadInput(fmt::format("{}: cannot be written: {}", path, std::strerror(errno)));
}

void fill(const std::string& path, const SeedFile& seed) {
  try {
    write_seed(path, seed);
  } catch (...) {
    unlink(path.c_str());
    throw;
  }
}

bool is_plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::strchr("_-./+:,@%=", c) != nullptr;
}

std::string quoted(const std::string& word) {
  bool plain = !word.empty();
  for (const char c : word) plain = plain && c != '\0' && is_plain(c);
  if (plain) return word;
  std::string out = "'";
  for (const char c : word) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

}  // namespace

void prepare_folder(const std::string& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (!fs::is_directory(folder)) {
    throw BadInput(fmt::format("{}: expected a folder for seed files{}", folder,
                               error ? ": " + error.message() : ""));
  }
  if (access(folder.c_str(), W_OK | X_OK) != 0) {
    throw BadInput(fmt::format("{}: no file can be written there: {}", folder,
                               std::strerror(errno)));
  }
}

std::string seed_name(const SeedFile& seed) {
  std::string what = slug(seed.happens, 60);
  if (what.empty()) what = slug(name(seed.verdict.kind), 60);
  return seed.property + "-" + what;
}

std::string write_new_seed(const std::string& folder, const std::string& name,
                           const SeedFile& seed) {
  for (unsigned n = 1;; ++n) {
    const std::string file = n == 1 ? name + ".seed" : fmt::format("{}-{}.seed", name, n);
    const std::string path = folder == "." ? file : (fs::path(folder) / file).string();
    if (!reserve(path)) continue;
    fill(path, seed);
    return path;
  }
}

void write_seed_at(const std::string& path, const SeedFile& seed) {
  if (!reserve(path)) throw BadInput(path + ": exists already, and is left as it is");
  fill(path, seed);
}

std::string replay_command(const std::string& program, const std::string& file,
                           const std::string& backend_file) {
  std::string command = quoted(program) + " replay " + quoted(file);
  if (!backend_file.empty()) command += " --backend " + quoted(backend_file);
  return command;
}

}  // namespace aiosim::cli
