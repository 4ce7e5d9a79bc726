// aiosim museum --strategies: how many runs does each strategy need to find each exhibit?
#include <algorithm>
#include <chrono>
#include <cmath>

#include "cli/interrupt.h"
#include "cli/museum_shared.h"
#include "cli/report.h"
#include "cli/words.h"
#include "explore/strategy.h"

namespace aiosim::cli {
namespace {

/// An exhibit that takes more is hard: the table says so by this figure.
constexpr std::uint64_t default_cap = 5'000;

/// Of one exhibit under one strategy, by root seed; what was not found counts as the cap.
struct Cell {
  std::vector<double> runs;
  std::size_t found = 0;
};

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

class Comparison {
 public:
  Comparison(const Options& options, Catalog& catalog)
      : options_(options),
        exhibits_(chosen_exhibits(options, catalog)),
        combinations_(combinations_of(exhibits_, catalog)) {
    report_.cap = options.runs.value_or(default_cap);
    report_.seeds = options.seeds;
    report_.first_seed = options.seed.value_or(1);
    for (const StrategyName& one : strategies()) report_.strategies.emplace_back(one.name);
  }

  StrategiesReport run();

 private:
  void search_all(const std::string& strategy, std::vector<Cell>& cells);
  void sum_up(const std::vector<std::vector<Cell>>& cells);

  const Options& options_;
  std::vector<Exhibit> exhibits_;
  std::vector<Combination> combinations_;
  StrategiesReport report_;
};

void Comparison::search_all(const std::string& strategy, std::vector<Cell>& cells) {
  for (std::uint64_t i = 0; i < report_.seeds && !interrupted(); ++i) {
    SearchOptions settings = search_options(options_, report_.first_seed + i);
    settings.strategy = strategy;
    settings.title = fmt::format("{}, seed {} of {}  ", strategy, i + 1, report_.seeds);
    settings.jobs = options_.jobs == 0 ? core_count() : options_.jobs;
    settings.minimise = false;
    settings.runs = report_.cap;
    const SearchResult result = search(combinations_, settings);
    if (result.interrupted) return;  // half a search says nothing
    for (std::size_t k = 0; k < cells.size(); ++k) {
      const Outcome& outcome = result.outcomes[k];
      const bool found = !outcome.findings.empty();
      const std::uint64_t runs = found ? outcome.findings.front().runs_to_find : report_.cap;
      cells[k].runs.push_back(static_cast<double>(runs));
      cells[k].found += found ? 1u : 0u;
      report_.troubles.insert(report_.troubles.end(), outcome.troubles.begin(),
                              outcome.troubles.end());
    }
  }
}

void Comparison::sum_up(const std::vector<std::vector<Cell>>& cells) {
  for (std::size_t k = 0; k < exhibits_.size(); ++k) {
    StrategiesReport::Row row{exhibits_[k].name, {}, {}};
    for (const std::vector<Cell>& of_strategy : cells) {
      row.runs.push_back(median(of_strategy[k].runs));
      row.found.push_back(of_strategy[k].found);
    }
    report_.rows.push_back(std::move(row));
  }
  for (const std::vector<Cell>& of_strategy : cells) {
    StrategiesReport::Sum sum;
    double logs = 0;
    for (const Cell& cell : of_strategy) {
      if (cell.found * 2 > cell.runs.size()) ++sum.found;
      logs += std::log(std::max(1.0, median(cell.runs)));
    }
    sum.geometric_mean = std::exp(logs / static_cast<double>(of_strategy.size()));
    report_.sums.push_back(sum);
  }
}

StrategiesReport Comparison::run() {
  const auto start = std::chrono::steady_clock::now();
  std::vector<std::vector<Cell>> cells;
  for (const std::string& strategy : report_.strategies) {
    cells.emplace_back(exhibits_.size());
    search_all(strategy, cells.back());
  }
  sum_up(cells);
  report_.interrupted = interrupted();
  report_.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return std::move(report_);
}

void say_table(const Options& options, const StrategiesReport& report) {
  std::size_t width = 20;
  for (const StrategiesReport::Row& row : report.rows) {
    width = std::max(width, row.exhibit.size());
  }
  const auto line = [&](const std::string& first, const auto& cell) {
    std::string text = fmt::format("{:<{}}", first, width);
    for (std::size_t i = 0; i < report.strategies.size(); ++i) {
      text +=
          fmt::format("  {:>{}}", cell(i), std::max<std::size_t>(8, report.strategies[i].size()));
    }
    say(options, "{}\n", text);
  };
  say(options,
      "runs to find: the median over {} root seeds from {} on; at most {} runs each, which stands "
      "for not found\n",
      report.seeds, report.first_seed, with_commas(report.cap));
  line("exhibit", [&](std::size_t i) { return report.strategies[i]; });
  for (const StrategiesReport::Row& row : report.rows) {
    line(row.exhibit, [&](std::size_t i) {
      const bool found = row.found[i] * 2 > report.seeds;
      return (found ? "" : ">") + fmt::format("{:.0f}", row.runs[i]);
    });
  }
  line("found", [&](std::size_t i) {
    return fmt::format("{}/{}", report.sums[i].found, report.rows.size());
  });
  line("geometric mean",
       [&](std::size_t i) { return fmt::format("{:.1f}", report.sums[i].geometric_mean); });
  if (report.interrupted) say(options, "interrupted: the figures are those of fewer seeds\n");
}

}  // namespace

int run_museum_strategies(const Options& options, Catalog& catalog) {
  const StrategiesReport report = Comparison(options, catalog).run();
  say_table(options, report);
  print_json(options, json(report));
  print_troubles(report.troubles);
  return report.troubles.empty() ? 0 : 2;
}

}  // namespace aiosim::cli
