#include "cli/options.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <array>
#include <algorithm>
#include <cstdio>
#include <limits>
#include <memory>

#include "cli/words.h"

namespace aiosim::cli {
namespace {

struct Subcommand {
  Command command;
  const char* name;
  const char* sentence;
};
constexpr std::array<Subcommand, 7> subcommands = {{
    {Command::conform, "conform", "the matrix: which rules does each backend keep"},
    {Command::explore, "explore", "look for a run in which a property is false"},
    {Command::replay, "replay", "the run of a seed file again, step by step the same"},
    {Command::minimise, "minimise", "a smaller program and fewer choices, same verdict"},
    {Command::explain, "explain", "what happened in a seed file's run, and why it fails"},
    {Command::museum, "museum", "look for every exhibit: is it found, how fast, how small"},
    {Command::list, "list", "what there is to name: properties, rules, backends, ..."},
}};

void print_overview(std::FILE* to) {
  fmt::print(to, "Runs event loops inside a deterministic Linux and looks for broken rules.\n\n"
                 "usage: aiosim COMMAND [options]   (aiosim COMMAND --help says which)\n\n");
  for (const Subcommand& s : subcommands) fmt::print(to, "  {:<9} {}\n", s.name, s.sentence);
  fmt::print(to, "\nExit status: 0 nothing found, 1 something found, 2 bad use or bad input.\n");
}

/// Numbers and durations arrive as text, so that every bad one is reported in the same words.
struct Texts {
  std::string runs, duration, jobs, seed, stop_at, memory = "weak", world = "sim";
  std::vector<std::string> names;  // PROPERTY... [SEED]
  std::string preemptions, stale_reads, strikes, seeds;
  bool no_minimise = false, no_reduction = false;
};

void add_many(CLI::App& app, const std::string& flag, std::vector<std::string>& to,
              const std::string& what) {
  app.add_option(flag, to, what)->allow_extra_args(false)->type_name("NAME");
}

void add_search(CLI::App& app, Options& options, Texts& texts) {
  app.add_option("--strategy", options.strategy, "who answers the choices (aiosim list strategies)")
      ->capture_default_str();
  app.add_option("--memory", texts.memory, "memory model: weak (C++20) or sc")
      ->capture_default_str();
  app.add_option("--world", texts.world, "sim, or host: real threads on the real kernel")
      ->capture_default_str();
  app.add_flag("--twice", options.twice, "each run twice; a difference is a finding");
  app.add_flag("--no-minimise", texts.no_minimise, "keep what was found as it was found");
}

void add_exhaustive(CLI::App& app, Options& options, Texts& texts) {
  const char* bound = "with --strategy exhaustive: at most so many ";
  app.add_option("--preemptions", texts.preemptions,
                 std::string(bound) + "switches away from a thread that could go on");
  app.add_option("--stale-reads", texts.stale_reads,
                 std::string(bound) + "loads of another store than the newest");
  app.add_option("--strikes", texts.strikes, std::string(bound) + "faults");
  app.add_flag("--no-reduction", texts.no_reduction,
               "with --strategy exhaustive: every choice, also where the order does not matter");
  app.add_option("--program", options.program_file,
                 "with --strategy exhaustive: the program of this seed file");
}

void add_explore(CLI::App& app, Options& options, Texts& texts) {
  app.add_option("PROPERTY", texts.names,
                 "properties, or all; a bare number in the last place is the seed");
  add_many(app, "--backend", options.backends,
           "a backend, exhibit or FILE.so, once for each (default: all)");
  add_search(app, options, texts);
  app.add_option("--runs", texts.runs,
                 "runs of each combination of property, backend and plan (default 10000)");
  app.add_option("--for", texts.duration, "how long in all: 30s, 5m, 2h; combinations share it, "
                 "minimising comes on top");
  app.add_option("--jobs", texts.jobs, "processes (default 1)");
  app.add_option("--faults", options.faults,
                 "what may go wrong: a plan, point names, FILE.toml, or each (all built-in plans)");
  app.add_option("--seed", texts.seed, "the root seed (default: drawn and printed)");
  app.add_option("--out", options.out, "folder for seed files (default: the current one)");
  add_exhaustive(app, options, texts);
}

void add_conform(CLI::App& app, Options& options, Texts& texts) {
  add_many(app, "--backend", options.backends,
           "a backend, exhibit or FILE.so, once for each (default: all)");
  add_many(app, "--rule", options.rules, "only this rule, such as R13");
  add_many(app, "--property", options.properties, "only this property");
  app.add_option("--runs", texts.runs,
                 "runs of each cell under each plan (default: as many as fit two minutes)");
  app.add_option("--for", texts.duration, "how long in all (default 2m)");
  app.add_option("--faults", options.faults, "none, each (default), or one plan");
  app.add_option("--jobs", texts.jobs, "processes (default: one a core)");
  app.add_option("--seed", texts.seed, "the root seed (default 1)");
  app.add_option("--out", options.out,
                 "folder for conform.json, .xml, .html and seed files "
                 "(default: report in the build folder)");
  add_search(app, options, texts);
}

void add_museum(CLI::App& app, Options& options, Texts& texts) {
  add_many(app, "--exhibit", options.exhibits, "only this exhibit");
  app.add_option("--runs", texts.runs, "give up after so many runs (default: after 60 s)");
  app.add_option("--for", texts.duration, "give up on an exhibit after this long (default 60s)");
  app.add_option("--jobs", texts.jobs, "exhibits looked for at once (default: one a core)");
  app.add_option("--seed", texts.seed, "the root seed (default 1)");
  app.add_option("--write", options.out, "write the seed files, named as in museum.toml, there");
  app.add_flag("--strategies", options.strategies,
               "instead: runs to find each exhibit, under every strategy (--runs: at most)");
  app.add_option("--seeds", texts.seeds, "root seeds that --strategies takes the median of "
                                         "(default 5)");
}

void add_replay(CLI::App& app, Options& options, Texts& texts) {
  app.add_option("FILE", options.files, "seed files");
  add_many(app, "--backend", options.backends, "run on this backend instead of the file's");
  app.add_flag("--trace", options.trace, "print every event");
  app.add_flag("--loose", options.loose, "choices that no longer fit are left out");
  app.add_flag("--twice", options.twice, "run twice and compare the traces");
  app.add_option("--stop-at", texts.stop_at, "SIGTRAP at this step, for a debugger");
}

void build(CLI::App& app, Options& options, Texts& texts) {
  switch (options.command) {
    case Command::conform: add_conform(app, options, texts); break;
    case Command::explore: add_explore(app, options, texts); break;
    case Command::museum: add_museum(app, options, texts); break;
    case Command::replay: add_replay(app, options, texts); break;
    case Command::minimise:
      app.add_option("FILE", options.files, "a seed file")->expected(1);
      add_many(app, "--backend", options.backends, "run on this backend instead of the file's");
      app.add_option("--out", options.out, "the new file (default FILE.min.seed)");
      break;
    case Command::explain:
      app.add_option("FILE", options.files, "a seed file")->expected(1);
      add_many(app, "--backend", options.backends, "run on this backend instead of the file's");
      app.add_flag("--all", options.all, "fold nothing");
      app.add_flag("--timeline", options.timeline, "what happened, without searching for the why");
      app.add_option("--html", options.html, "write it as a page of its own");
      app.add_option("--perfetto", options.perfetto, "write a trace for ui.perfetto.dev");
      app.add_flag("--loose", options.loose, "choices that no longer fit are left out");
      break;
    case Command::list:
      app.add_option("WHAT", options.what,
                     "properties, rules, backends, strategies, faults or exhibits (default: all)");
      break;
  }
  constexpr std::pair<const char*, const char*> types[] = {
      {"--runs", "N"},       {"--for", "DURATION"}, {"--jobs", "N"},     {"--seed", "N"},
      {"--stop-at", "STEP"}, {"--faults", "PLAN"},  {"--out", "PATH"},   {"--write", "FOLDER"},
      {"--strategy", "NAME"}, {"--memory", "MODEL"}, {"--world", "WORLD"},
      {"--preemptions", "N"}, {"--stale-reads", "N"}, {"--strikes", "N"}, {"--program", "FILE"},
      {"--seeds", "N"},      {"--html", "FILE"},    {"--perfetto", "FILE"}};
  for (const auto& [flag, type] : types) {
    if (CLI::Option* option = app.get_option_no_throw(flag)) option->type_name(type);
  }
  app.add_flag("--json", options.json, "one JSON document on standard output, text on stderr");
}

void check_word(const char* flag, const std::string& word, const char* a, const char* b) {
  if (word != a && word != b) {
    throw BadInput(fmt::format("{}: expected {} or {}, found '{}'", flag, a, b, one_line(word)));
  }
}

/// The values that CLI11 kept as text.
void finish(const CLI::App& app, Options& options, Texts& texts) {
  const auto given = [&](const char* flag) {
    const CLI::Option* option = app.get_option_no_throw(flag);
    return option != nullptr && option->count() > 0;
  };
  if (given("--runs")) options.runs = parse_number("--runs", texts.runs, 1);
  if (given("--for")) options.seconds = parse_duration("--for", texts.duration);
  if (options.command == Command::explore && options.runs && options.seconds) {
    throw BadInput("--runs and --for: expected one of the two");
  }
  if (given("--jobs")) {
    const std::uint64_t jobs = parse_number("--jobs", texts.jobs, 1);
    if (jobs > 256) throw BadInput(fmt::format("--jobs: expected at most 256, found {}", jobs));
    options.jobs = static_cast<unsigned>(jobs);
  }
  if (given("--seed")) options.seed = parse_number("--seed", texts.seed, 0);
  const auto number = [&](const char* flag, const std::string& text, std::optional<unsigned>& to) {
    if (given(flag)) to = static_cast<unsigned>(std::min<std::uint64_t>(
        parse_number(flag, text, 0), std::numeric_limits<unsigned>::max()));
  };
  number("--preemptions", texts.preemptions, options.preemptions);
  number("--stale-reads", texts.stale_reads, options.stale_reads);
  number("--strikes", texts.strikes, options.strikes);
  options.reduction = !texts.no_reduction;
  if (given("--seeds")) options.seeds = parse_number("--seeds", texts.seeds, 1);
  for (const char* flag :
       {"--preemptions", "--stale-reads", "--strikes", "--no-reduction", "--program"}) {
    if (given(flag) && options.strategy != "exhaustive") {
      throw BadInput(fmt::format("{}: only with --strategy exhaustive", flag));
    }
  }
  if (given("--seeds") && !options.strategies) throw BadInput("--seeds: only with --strategies");
  if (given("--strategies") && (given("--write") || given("--for"))) {
    throw BadInput("--strategies counts runs: expected neither --write nor --for with it");
  }
  if (given("--stop-at")) options.stop_at = parse_number("--stop-at", texts.stop_at, 1);
  check_word("--memory", texts.memory, "weak", "sc");
  check_word("--world", texts.world, "sim", "host");
  options.memory = texts.memory == "sc" ? MemoryMode::sc : MemoryMode::weak;
  options.host_world = texts.world == "host";
  options.minimise = !texts.no_minimise;
  // Not by CLI11, which would complain of this before it complains of an unknown flag.
  const bool wants_file = options.command == Command::replay ||
                          options.command == Command::minimise ||
                          options.command == Command::explain;
  if (wants_file && options.files.empty()) throw BadInput("expected a seed file");
  if (options.command != Command::explore) return;
  if (texts.names.empty()) throw BadInput("expected a PROPERTY, or all (aiosim list properties)");
  if (texts.names.size() > 1 && is_number(texts.names.back())) {
    if (options.seed) throw BadInput("the seed is given twice: by --seed and in the last place");
    options.seed = parse_number("SEED", texts.names.back(), 0);
    texts.names.pop_back();
  }
  options.properties = texts.names;
}

/// CLI11's message as one line, with the flag that was probably meant.
std::string in_one_line(const CLI::App& app, const CLI::ParseError& error) {
  std::string text = one_line(error.what());
  std::vector<std::string> flags;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) flags.push_back("--" + name);
  }
  const std::string::size_type at = text.find("--");
  if (dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr && at != std::string::npos) {
    const std::string flag = text.substr(at, text.find_first_of(" =", at) - at);
    const std::string near = closest(flag, flags);
    text += near.empty() ? "; there are: " + join(flags, " ") : "; did you mean " + near + "?";
  }
  return text;
}

/// "--runs -5" is a bad number, not an unknown flag -5: bound with '=' for CLI11. It takes its
/// arguments last to first.
std::vector<std::string> arguments(int argc, char** argv) {
  std::vector<std::string> words(argv, argv + argc);
  for (std::size_t i = 1; i < words.size(); ++i) {
    const std::string& word = words[i];
    const bool negative = word.size() > 1 && word[0] == '-' && word[1] >= '0' && word[1] <= '9';
    std::string& before = words[i - 1];
    if (!negative || !before.starts_with("--") || before.find('=') != std::string::npos) continue;
    before += "=" + word;
    words.erase(words.begin() + static_cast<std::ptrdiff_t>(i));
  }
  return {words.rbegin(), words.rend()};
}

const Subcommand* find_subcommand(std::string_view word) {
  for (const Subcommand& s : subcommands) {
    if (word == s.name) return &s;
  }
  return nullptr;
}

int bad_use(const std::string& line) {
  fmt::print(stderr, "aiosim: {}\n", line);
  return 2;
}

Parsed no_subcommand(std::string_view word) {
  if (word == "--help" || word == "-h" || word == "help") {
    print_overview(stdout);
    return {std::nullopt, 0};
  }
  std::vector<std::string> names;
  for (const Subcommand& s : subcommands) names.emplace_back(s.name);
  try {
    unknown_word("command", word, names);
  } catch (const BadInput& error) {
    return {std::nullopt, bad_use(error.what())};
  }
}

}  // namespace

Parsed parse_options(int argc, char** argv) {
  if (argc < 2) {
    print_overview(stderr);
    return {std::nullopt, 2};
  }
  const Subcommand* subcommand = find_subcommand(argv[1]);
  if (subcommand == nullptr) return no_subcommand(argv[1]);

  Options options;
  options.command = subcommand->command;
  options.program = argv[0];
  Texts texts;
  CLI::App app(subcommand->sentence, fmt::format("aiosim {}", subcommand->name));
  app.set_help_flag("-h,--help", "this text");
  build(app, options, texts);
  try {
    app.parse(arguments(argc - 2, argv + 2));
    finish(app, options, texts);
  } catch (const CLI::CallForHelp&) {
    fmt::print("{}", app.help());
    return {std::nullopt, 0};
  } catch (const CLI::ParseError& error) {
    return {std::nullopt, bad_use(fmt::format("{}: {}", subcommand->name,
                                              in_one_line(app, error)))};
  } catch (const BadInput& error) {
    return {std::nullopt, bad_use(fmt::format("{}: {}", subcommand->name, error.what()))};
  }
  return {std::move(options), 0};
}

}  // namespace aiosim::cli
