// What the subcommands found, as plain data, and as the JSON documents of DESIGN.md section 6.
// nlohmann's header is seen by the files that include json_shared.h alone.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "aiosim/verdict.h"
#include "explore/explain.h"
#include "trace/timeline.h"

namespace aiosim::cli {

/// How an exhaustive search ended.
struct SearchedToTheEnd {
  bool complete = false;
  std::uint64_t executions = 0, cut = 0;
  std::string text;  // "searched to the end: 18,204 executions"
};
struct ExploreRow {
  std::string property, backend, faults;
  std::optional<SearchedToTheEnd> exhaustive;
  std::uint64_t runs = 0, points = 0, distinct = 0, runs_to_find = 0;
  double seconds = 0, chance_new = 1;
  Verdict verdict;
  std::string seed_file, replay, trouble;
};
struct ExploreReport {
  std::string strategy, memory, world;
  std::uint64_t seed = 0;
  bool interrupted = false;
  std::vector<ExploreRow> rows;
};

struct ReplayRow {
  std::string file, property, backend;
  Verdict expected, got;
  std::uint64_t expected_hash = 0, trace_hash = 0, points = 0;
  std::size_t unmatched = 0;
  bool ok = false;
  std::string error;  // bad input of this file
};

struct MinimiseReport {
  std::string file, seed_file, property, backend;
  Verdict verdict;
  std::size_t ops_before = 0, ops_after = 0, choices_before = 0, choices_after = 0;
  bool interrupted = false;
};

/// One of the three answers to "why?", in words; `tried` says by which experiments.
struct Answer {
  std::string sentence;
  std::vector<std::string> points;
  std::string tried;
};
struct ExplainReport {
  std::string file, property, backend, happens, sentence, program;
  Verdict verdict;
  std::string verdict_words;
  std::uint64_t trace_hash = 0;
  trace::Timeline timeline;
  std::optional<Explanation> explanation;  // nothing with --timeline
  Answer no_return, orderings, guilt;      // in words
  std::vector<trace::Place> remedy_places;  // of Guilt::remedies
};

struct MuseumRow {
  std::string exhibit, bug, backend, property, sentence;
  std::string expected_rule, rule;
  VerdictKind expected = VerdictKind::pass, verdict = VerdictKind::pass;
  bool found = false;
  bool as_expected = false;  // verdict and rule are museum.toml's
  std::uint64_t runs = 0;
  double seconds = 0;
  std::size_t choices = 0, program_ops = 0;
  std::string seed_file, trouble;
};

/// Runs to find an exhibit under each strategy: medians over several root seeds.
struct StrategiesReport {
  struct Row {
    std::string exhibit;
    std::vector<double> runs;  // by strategy; the cap where most seeds did not find it
    std::vector<std::size_t> found;  // seeds that did
  };
  struct Sum {
    std::size_t found = 0;     // exhibits, by most of the seeds
    double geometric_mean = 0;  // of the medians
  };
  std::vector<std::string> strategies;
  std::vector<Row> rows;
  std::vector<Sum> sums;  // by strategy
  std::uint64_t cap = 0, seeds = 0, first_seed = 0;
  double seconds = 0;
  bool interrupted = false;
  std::vector<std::string> troubles;
};

struct ConformRow {
  std::string rule, sentence, property, backend, result;  // pass, fail, not-offered
  std::uint64_t runs = 0;
  std::string seed_file, replay, text;
};
struct ConformReport {
  std::vector<std::string> backends;
  std::vector<ConformRow> rows;
  std::vector<std::string> untested_rules;  // no property speaks of them
  std::vector<std::string> troubles;
  double seconds = 0;
  std::uint64_t seed = 0;
  bool interrupted = false;
};

struct ListEntry {
  std::string name, sentence;
  std::vector<std::string> more;  // rules of a property, offers of a backend
};
struct ListReport {
  struct Part {
    std::string what;
    std::vector<ListEntry> entries;
  };
  std::vector<Part> parts;
};

std::string json(const ExploreReport& report);
std::string json(const std::vector<ReplayRow>& rows);
std::string json(const MinimiseReport& report);
std::string json(const ExplainReport& report);
std::string json(const std::vector<MuseumRow>& rows);
std::string json(const StrategiesReport& report);
std::string json(const ConformReport& report);
std::string json(const ListReport& report);

/// The matrix for CI and for browsers.
std::string junit(const ConformReport& report);
std::string html(const ConformReport& report);

/// The explanation as one page that needs nothing else.
std::string html(const ExplainReport& report);

}  // namespace aiosim::cli
