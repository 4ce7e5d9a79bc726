#include "aiosim/main.h"

#include <fmt/format.h>

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "cli/commands.h"
#include "cli/interrupt.h"
#include "cli/words.h"

namespace aiosim {
namespace {

int dispatch(const cli::Options& options, cli::Catalog& catalog) {
  switch (options.command) {
    case cli::Command::conform: return cli::run_conform(options, catalog);
    case cli::Command::explore: return cli::run_explore(options, catalog);
    case cli::Command::replay: return cli::run_replay(options, catalog);
    case cli::Command::minimise: return cli::run_minimise(options, catalog);
    case cli::Command::explain: return cli::run_explain(options, catalog);
    case cli::Command::museum: return cli::run_museum(options, catalog);
    case cli::Command::list: return cli::run_list(options, catalog);
  }
  return 2;
}

/// Backends read it when they make a loop; a wrong one would be taken for 0 in every run (D3).
void check_environment() {
  const char* value = std::getenv("QEMU_AIO_POLL_MAX_NS");
  if (value == nullptr) return;
  const char* end = value + std::strlen(value);
  std::int64_t ns = 0;
  const auto [rest, error] = std::from_chars(value, end, ns);
  if (error == std::errc{} && rest == end && ns >= 0) return;
  throw BadInput(fmt::format(
      "environment variable QEMU_AIO_POLL_MAX_NS: expected a number of ns, 0 or more, found '{}'",
      value));
}

/// Nothing throws here, whatever standard error is.
void complain(const std::string& line) { std::fputs(("aiosim: " + line + "\n").c_str(), stderr); }

/// Has all that was printed left the process? If not, says so: half a document is none.
bool is_said() {
  const bool whole = std::fflush(stdout) == 0;
  if (whole && std::ferror(stdout) == 0) return true;
  complain("standard output cannot be written");
  return false;
}

}  // namespace

int main(int argc, char** argv, const Suite& suite) {
  try {
    const cli::Parsed parsed = cli::parse_options(argc, argv);
    if (!parsed.options) return is_said() ? parsed.status : 2;
    cli::catch_interrupts();
    check_environment();
    cli::Catalog catalog(suite);
    const int status = dispatch(*parsed.options, catalog);
    return is_said() ? status : 2;
  } catch (const std::exception& error) {
    if (std::ferror(stdout) == 0) std::fflush(stdout);
    if (is_said()) complain(cli::one_line(error.what()));
  }
  return 2;
}

}  // namespace aiosim
