// aiosim museum: is every exhibit found, how fast, how small.
#include <algorithm>
#include <filesystem>

#include "cli/explore_shared.h"
#include "cli/museum_shared.h"
#include "cli/report.h"
#include "cli/search.h"
#include "cli/seed_store.h"
#include "cli/words.h"

namespace aiosim::cli {
namespace {

namespace fs = std::filesystem;

/// The place of an exhibit's seed file below `folder`; BadInput if museum.toml leads elsewhere.
fs::path seed_path(const fs::path& folder, const Exhibit& exhibit) {
  const fs::path below(exhibit.seed_file);
  const fs::path plain = below.lexically_normal();
  if (below.empty() || below.is_absolute() || *plain.begin() == "..") {
    throw BadInput(fmt::format("exhibit {}: seed_file must lie below corpus/, found '{}'",
                               exhibit.name, exhibit.seed_file));
  }
  return folder / plain;
}

/// "home_sleeps_while_bh_is_pending.seed" says what happens better than any one run's text.
std::string words_of(const fs::path& file) {
  std::string words = file.stem().string();
  std::replace(words.begin(), words.end(), '_', ' ');
  return words;
}

MuseumRow make_row(const Exhibit& exhibit, const Outcome& outcome) {
  MuseumRow row;
  row.exhibit = exhibit.name;
  row.bug = exhibit.bug;
  row.backend = exhibit.backend;
  row.property = exhibit.property;
  row.sentence = exhibit.sentence;
  row.expected = exhibit.verdict;
  row.expected_rule = exhibit.rule;
  row.runs = outcome.done.runs;
  row.seconds = outcome.done.seconds;
  if (!outcome.troubles.empty()) row.trouble = outcome.troubles.front();
  if (outcome.findings.empty()) return row;
  const Finding& finding = outcome.findings.front();
  const Verdict& verdict = finding.seed.verdict;
  row.found = true;
  row.as_expected = verdict.kind == exhibit.verdict && verdict.rule == exhibit.rule;
  row.verdict = finding.seed.verdict.kind;
  row.rule = finding.seed.verdict.rule;
  row.runs = finding.runs_to_find;
  row.seconds = finding.seconds_to_find;
  row.choices = finding.seed.choices.size();
  row.program_ops = finding.seed.program.op_count();
  return row;
}

std::string phrase(VerdictKind kind, const std::string& rule) {
  return fmt::format("{}{}{}", name(kind), rule.empty() ? "" : ", ", rule);
}

void say_table(const Options& options, const std::vector<MuseumRow>& rows) {
  std::size_t width = 8;
  for (const MuseumRow& row : rows) width = std::max(width, row.exhibit.size());
  say(options, "{:<{}}  {:<6}  {:>10}  {:>8}  {:>7}  {:>4}  verdict\n", "exhibit", width, "bug",
      "runs", "seconds", "choices", "ops");
  for (const MuseumRow& row : rows) {
    std::string verdict = phrase(row.verdict, row.rule);
    if (!row.found) verdict = "NOT FOUND";
    if (!row.as_expected) {
      verdict += "  (museum.toml: " + phrase(row.expected, row.expected_rule) + ")";
    }
    if (!row.trouble.empty()) verdict += "  " + row.trouble;
    say(options, "{:<{}}  {:<6}  {:>10}  {:>8.3f}  {:>7}  {:>4}  {}\n", row.exhibit, width, row.bug,
        with_commas(row.runs), row.seconds, row.choices, row.program_ops, verdict);
  }
  std::vector<double> seconds;
  std::size_t found = 0;
  std::size_t as_expected = 0;
  for (const MuseumRow& row : rows) {
    seconds.push_back(row.seconds);
    if (row.found) ++found;
    if (row.as_expected) ++as_expected;
  }
  std::sort(seconds.begin(), seconds.end());
  if (!seconds.empty()) {
    say(options, "{} of {} found, {} as museum.toml says; median {:.3f} s, longest {:.3f} s\n",
        found, rows.size(), as_expected, seconds[seconds.size() / 2], seconds.back());
  }
}

}  // namespace

std::vector<Exhibit> chosen_exhibits(const Options& options, const Catalog& catalog) {
  const std::vector<Exhibit> all = catalog.exhibits();
  if (options.exhibits.empty()) return all;
  std::vector<std::string> known;
  for (const Exhibit& exhibit : all) known.push_back(exhibit.name);
  std::vector<Exhibit> chosen;
  for (const std::string& name : options.exhibits) {
    const auto it = std::find(known.begin(), known.end(), name);
    if (it == known.end()) unknown_word("exhibit", name, known);
    chosen.push_back(all[static_cast<std::size_t>(it - known.begin())]);
  }
  return chosen;
}

std::vector<Combination> combinations_of(const std::vector<Exhibit>& exhibits, Catalog& catalog) {
  std::vector<Combination> combinations;
  for (const Exhibit& exhibit : exhibits) {
    const Property& property = catalog.property(exhibit.property);
    const Backend& backend = catalog.backend("exhibit-" + exhibit.name);
    if (!property.offered(backend)) {
      throw BadInput(fmt::format("exhibit {} does not offer what {} needs{}", exhibit.name,
                                 exhibit.property, lacked_words(property, backend)));
    }
    combinations.push_back({&property, &backend, fault::parse_plan(exhibit.faults), std::nullopt});
  }
  return combinations;
}

int run_museum(const Options& options, Catalog& catalog) {
  if (options.strategies) return run_museum_strategies(options, catalog);
  const std::vector<Exhibit> exhibits = chosen_exhibits(options, catalog);
  std::vector<Combination> combinations = combinations_of(exhibits, catalog);
  for (std::size_t i = 0; i < exhibits.size(); ++i) {
    const Exhibit& exhibit = exhibits[i];
    combinations[i].wanted = Verdict{exhibit.verdict, exhibit.rule, {}};
    if (!options.out.empty()) {
      prepare_folder(seed_path(options.out, exhibit).parent_path().string());
    }
  }
  SearchOptions settings = search_options(options, options.seed.value_or(1));
  settings.jobs = options.jobs == 0 ? core_count() : options.jobs;
  settings.seconds = options.seconds.value_or(options.runs ? 0 : 60);
  settings.slice = settings.seconds;
  const SearchResult result = search(combinations, settings);

  std::vector<MuseumRow> rows;
  for (std::size_t i = 0; i < exhibits.size(); ++i) {
    MuseumRow row = make_row(exhibits[i], result.outcomes[i]);
    if (row.found && !options.out.empty()) {
      // The corpus is made anew by this, so here a file is replaced.
      row.seed_file = seed_path(options.out, exhibits[i]).string();
      SeedFile seed = result.outcomes[i].findings.front().seed;
      seed.happens = words_of(row.seed_file);
      write_seed(row.seed_file, seed);
    } else {
      row.seed_file = exhibits[i].seed_file;
    }
    rows.push_back(std::move(row));
  }
  say_table(options, rows);
  if (!options.out.empty()) {
    const auto n = std::count_if(rows.begin(), rows.end(), [](auto& row) { return row.found; });
    say(options, "{} seed files written below {}\n", n, options.out);
  }
  if (result.interrupted) say(options, "interrupted\n");
  print_json(options, json(rows));
  const auto good = [](const MuseumRow& row) { return row.found && row.as_expected; };
  return std::all_of(rows.begin(), rows.end(), good) ? 0 : 1;
}

}  // namespace aiosim::cli
