// aiosim conform: the matrix of rules and backends.
#include <algorithm>
#include <filesystem>
#include <map>
#include <set>

#include "cli/commands.h"
#include "cli/report.h"
#include "cli/search.h"
#include "cli/seed_store.h"
#include "cli/words.h"

namespace aiosim::cli {
namespace {

namespace fs = std::filesystem;

/// One property on one backend; its runs under each plan are spread to its rules.
struct Cell {
  const Property* property;
  const Backend* backend;
  bool offered;
  std::vector<std::size_t> combinations;
};

bool wanted(const std::vector<std::string>& names, const std::string& name) {
  return names.empty() || std::find(names.begin(), names.end(), name) != names.end();
}

bool speaks_of(const Property& property, const std::vector<std::string>& rules) {
  return std::any_of(property.rules().begin(), property.rules().end(),
                     [&](const std::string& rule) { return wanted(rules, rule); });
}

/// The properties that --property and --rule leave.
std::vector<const Property*> chosen_properties(const Options& options, const Catalog& catalog) {
  const std::vector<std::string> known = catalog.rule_names();
  for (const std::string& rule : options.rules) {
    if (!wanted(known, rule) || known.empty()) unknown_word("rule", rule, known);
  }
  std::vector<const Property*> chosen = catalog.properties(options.properties);
  std::erase_if(chosen, [&](const Property* p) { return !speaks_of(*p, options.rules); });
  if (chosen.empty()) {
    throw BadInput("no property speaks of " +
                   (options.rules.empty() ? "any rule" : join(options.rules, ", ")));
  }
  return chosen;
}

class Matrix {
 public:
  Matrix(const Options& options, Catalog& catalog) : options_(options), catalog_(catalog) {
    const auto plans = catalog.plans(options.faults.empty() ? "each" : options.faults);
    for (const Property* property : chosen_properties(options, catalog)) {
      for (const Backend* backend : catalog.backends(options.backends)) {
        Cell cell{property, backend, property->offered(*backend), {}};
        for (const fault::Plan& plan : plans) {
          if (!cell.offered) break;
          cell.combinations.push_back(combinations_.size());
          combinations_.push_back({property, backend, plan, std::nullopt});
        }
        cells_.push_back(std::move(cell));
      }
    }
  }

  const std::vector<Combination>& combinations() const { return combinations_; }

  ConformReport report(const SearchResult& result, const std::string& folder) const;

 private:
  struct Failure {
    const Finding* finding;
    std::string seed_file;
  };
  void add_rows(const Cell& cell, const SearchResult& result,
                const std::vector<Failure>& failures, ConformReport& report) const;
  std::string sentence(const std::string& rule) const;

  const Options& options_;
  Catalog& catalog_;
  std::vector<Cell> cells_;
  std::vector<Combination> combinations_;
};

std::string Matrix::sentence(const std::string& rule) const {
  for (const Rule& one : catalog_.suite().rules) {
    if (one.name == rule) return one.sentence;
  }
  return {};
}

/// A verdict that names one of the property's rules is that rule's; any other is everybody's.
void Matrix::add_rows(const Cell& cell, const SearchResult& result,
                      const std::vector<Failure>& failures, ConformReport& report) const {
  std::uint64_t runs = 0;
  bool complete = true;
  for (const std::size_t i : cell.combinations) {
    runs += result.outcomes[i].done.runs;
    complete = complete && result.outcomes[i].done.runs > 0 && result.outcomes[i].troubles.empty();
  }
  const std::vector<std::string>& rules = cell.property->rules();
  for (const std::string& rule : rules) {
    if (!wanted(options_.rules, rule)) continue;
    ConformRow row;
    row.rule = rule;
    row.sentence = sentence(rule);
    row.property = cell.property->name();
    row.backend = cell.backend->name;
    row.runs = runs;
    row.result = cell.offered ? "pass" : "not-offered";
    if (!cell.offered) row.text = "needs " + join(cell.property->lacked(*cell.backend), ", ");
    for (const Failure& failure : failures) {
      const std::string& broken = failure.finding->seed.verdict.rule;
      const bool of_another = broken != rule && !broken.empty() && wanted(rules, broken);
      if (of_another || row.result == "fail") continue;
      row.result = "fail";
      row.seed_file = failure.seed_file;
      row.replay = replay_command(options_.program, failure.seed_file,
                                  file_if_needed(*cell.backend, catalog_));
      row.text = describe(failure.finding->seed.verdict, catalog_);
    }
    if (!complete && row.result == "pass") row.result = "not-run";
    report.rows.push_back(std::move(row));
  }
}

ConformReport Matrix::report(const SearchResult& result, const std::string& folder) const {
  ConformReport report;
  std::set<std::string> tested;
  for (const Cell& cell : cells_) {
    if (!wanted(report.backends, cell.backend->name) || report.backends.empty()) {
      report.backends.push_back(cell.backend->name);
    }
    std::vector<Failure> failures;
    for (const std::size_t i : cell.combinations) {
      for (const Finding& finding : result.outcomes[i].findings) {
        const bool known = std::any_of(failures.begin(), failures.end(), [&](const Failure& f) {
          return f.finding->seed.verdict.same_failure(finding.seed.verdict);
        });
        if (known) continue;
        failures.push_back(
            {&finding, write_new_seed(folder, seed_name(finding.seed), finding.seed)});
      }
      const auto& troubles = result.outcomes[i].troubles;
      report.troubles.insert(report.troubles.end(), troubles.begin(), troubles.end());
    }
    add_rows(cell, result, failures, report);
  }
  for (const auto& property : catalog_.suite().properties) {
    tested.insert(property->rules().begin(), property->rules().end());
  }
  for (const std::string& rule : catalog_.rule_names()) {
    if (!tested.contains(rule)) report.untested_rules.push_back(rule);
  }
  // By rule, in the suite's order.
  std::map<std::string, std::size_t> order;
  for (const std::string& rule : catalog_.rule_names()) order.emplace(rule, order.size());
  std::stable_sort(report.rows.begin(), report.rows.end(), [&](auto& a, auto& b) {
    const auto place = [&](const ConformRow& row) {
      const auto it = order.find(row.rule);
      return it == order.end() ? order.size() : it->second;
    };
    return place(a) < place(b);
  });
  report.interrupted = result.interrupted;
  return report;
}

void say_matrix(const Options& options, const ConformReport& report) {
  std::map<std::pair<std::string, std::string>, std::map<std::string, std::string>> lines;
  std::vector<std::pair<std::string, std::string>> order;
  std::size_t width = 8;
  for (const ConformRow& row : report.rows) {
    const auto key = std::pair(row.rule, row.property);
    if (!lines.contains(key)) order.push_back(key);
    lines[key][row.backend] = row.result;
    width = std::max(width, row.property.size());
  }
  say(options, "{:<7} {:<{}}", "rule", "property", width);
  for (const std::string& backend : report.backends) say(options, "  {:>11}", backend);
  say(options, "\n");
  for (const auto& key : order) {
    say(options, "{:<7} {:<{}}", key.first, key.second, width);
    for (const std::string& backend : report.backends) {
      std::string result = lines[key][backend];
      if (result == "fail") result = "FAIL";
      say(options, "  {:>{}}", result, std::max<std::size_t>(11, backend.size()));
    }
    say(options, "\n");
  }
}

/// Why "not-offered": a line for each property and what is lacking, with the backends.
void say_what_is_lacking(const Options& options, const ConformReport& report) {
  std::vector<std::string> order;
  std::map<std::string, std::vector<std::string>> backends;
  for (const ConformRow& row : report.rows) {
    if (row.result != "not-offered") continue;
    const std::string line = row.property + " " + row.text;
    auto& names = backends[line];
    if (names.empty()) order.push_back(line);
    if (!std::count(names.begin(), names.end(), row.backend)) names.push_back(row.backend);
  }
  if (!order.empty()) say(options, "\nnot offered, because the backend does not claim it:\n");
  for (const std::string& line : order) {
    say(options, "  {} ({})\n", line, join(backends[line], ", "));
  }
}

void say_failures(const Options& options, const ConformReport& report) {
  std::set<std::string> said;
  for (const ConformRow& row : report.rows) {
    if (row.seed_file.empty() || !said.insert(row.seed_file).second) continue;
    say(options, "\n{} on {}: {}\n  seed file: {}\n  replay:    {}\n", row.property, row.backend,
        row.text, row.seed_file, row.replay);
  }
}

}  // namespace

int run_conform(const Options& options, Catalog& catalog) {
  catalog.check_strategy(options.strategy);
  const std::string folder =
      options.out.empty() ? (fs::path(catalog.prefix()) / "report").string() : options.out;
  const Matrix matrix(options, catalog);
  prepare_folder(folder);
  SearchOptions settings = search_options(options, options.seed.value_or(1));
  settings.jobs = options.jobs == 0 ? core_count() : options.jobs;
  settings.findings = 8;
  if (!options.runs || options.seconds) {
    const auto cells = static_cast<double>(std::max<std::size_t>(1, matrix.combinations().size()));
    settings.seconds = options.seconds.value_or(120) * settings.jobs / cells;
  }
  const SearchResult result = search(matrix.combinations(), settings);

  ConformReport report = matrix.report(result, folder);
  report.seed = settings.root_seed;
  for (const Outcome& outcome : result.outcomes) report.seconds += outcome.done.seconds;
  say_matrix(options, report);
  say_what_is_lacking(options, report);
  say_failures(options, report);
  std::map<std::string, std::size_t> counts;
  for (const ConformRow& row : report.rows) ++counts[row.result];
  say(options, "\n{} pass, {} fail, {} not offered, {} not run; rules without a property: {}\n",
      counts["pass"], counts["fail"], counts["not-offered"], counts["not-run"],
      report.untested_rules.size());
  write_file(folder + "/conform.json", json(report));
  write_file(folder + "/conform.xml", junit(report));
  write_file(folder + "/conform.html", html(report));
  say(options, "report: {}/conform.html, .xml, .json{}\n", folder,
      report.interrupted ? " (interrupted)" : "");
  print_json(options, json(report));
  print_troubles(report.troubles);
  return counts["fail"] > 0 ? 1 : report.troubles.empty() ? 0 : 2;
}

}  // namespace aiosim::cli
