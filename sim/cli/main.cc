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

}  // namespace

int main(int argc, char** argv, const Suite& suite) {
  const cli::Parsed parsed = cli::parse_options(argc, argv);
  if (!parsed.options) return parsed.status;
  cli::catch_interrupts();
  try {
    check_environment();
    cli::Catalog catalog(suite);
    const int status = dispatch(*parsed.options, catalog);
    if (std::fflush(stdout) == 0) return status;
    fmt::print(stderr, "aiosim: standard output cannot be written\n");
  } catch (const std::exception& error) {
    std::fflush(stdout);
    fmt::print(stderr, "aiosim: {}\n", cli::one_line(error.what()));
  }
  return 2;
}

}  // namespace aiosim
