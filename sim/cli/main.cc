#include "aiosim/main.h"

#include <fmt/format.h>

#include <cstdio>

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

}  // namespace

int main(int argc, char** argv, const Suite& suite) {
  const cli::Parsed parsed = cli::parse_options(argc, argv);
  if (!parsed.options) return parsed.status;
  cli::catch_interrupts();
  try {
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
