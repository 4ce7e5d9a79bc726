// What ci/bench prints: rows in ns per item, and each bar with its limit (ci/bench.bars).
//   bench_report [--json] BARS BENCHMARK.json...      as Google Benchmark's --benchmark_out writes
// Exits 1 if a bar is missed.
#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

using Json = nlohmann::ordered_json;

struct Row {
  std::string subject;
  std::vector<double> ns;  // per item, one a repetition; sorted
  double median() const { return ns[ns.size() / 2]; }
};
using Rows = std::map<std::string, Row>;

std::string subject_of(const std::string& file) {
  const auto from = file.find_last_of('/') + 1;
  return file.substr(from, file.find_last_of('.') - from);
}

void read_rows(const std::string& file, Rows& rows) {
  std::ifstream in(file);
  const Json document = Json::parse(in);
  for (const Json& run : document.at("benchmarks")) {
    const auto name = run.at("run_name").get<std::string>();
    if (run.value("error_occurred", false)) {
      throw std::runtime_error(name + ": " + run.value("error_message", "failed"));
    }
    if (run.at("run_type") != "iteration") continue;
    Row& row = rows[name];
    row.subject = subject_of(file);
    row.ns.push_back(1e9 / run.at("items_per_second").get<double>());
  }
  for (auto& [name, row] : rows) std::sort(row.ns.begin(), row.ns.end());
}

std::string machine() {
  std::ifstream in("/proc/cpuinfo");
  std::string line;
  while (std::getline(in, line)) {
    if (line.starts_with("model name")) return line.substr(line.find(':') + 2);
  }
  return "unknown";
}

std::string trimmed(const std::string& text) {
  const auto from = text.find_first_not_of(' ');
  if (from == text.npos) return {};
  return text.substr(from, text.find_last_not_of(' ') - from + 1);
}

Json ratios(const std::string& file, const Rows& rows) {
  std::ifstream in(file);
  if (!in) throw std::runtime_error(file + ": cannot be read");
  Json all = Json::array();
  std::string line;
  for (int number = 1; std::getline(in, line); ++number) {
    if (line.empty() || line.starts_with('#')) continue;
    std::vector<std::string> parts;
    std::istringstream fields(line);
    for (std::string field; std::getline(fields, field, '|');) parts.push_back(trimmed(field));
    if (parts.size() != 4) {
      throw std::runtime_error(
          fmt::format("{}:{}: expected BAR | ROW | ROW | LIMIT", file, number));
    }
    const auto above = rows.find(parts[1]);
    const auto below = rows.find(parts[2]);
    if (above == rows.end() || below == rows.end()) continue;  // another program's
    const double value = above->second.median() / below->second.median();
    const double limit = std::stod(parts[3]);
    all.push_back({{"bar", parts[0]}, {"value", value}, {"limit", limit}, {"ok", value <= limit}});
  }
  return all;
}

void print_text(const Rows& rows, const Json& bars) {
  fmt::print("{:<52} {:>10} {:>10} {:>10}  ns per item\n", "", "min", "median", "max");
  for (const auto& [name, row] : rows) {
    fmt::print("{:<52} {:>10.1f} {:>10.1f} {:>10.1f}\n", name, row.ns.front(), row.median(),
               row.ns.back());
  }
  for (const Json& bar : bars) {
    fmt::print("{:<4} {:>7.2f}  limit {:>6g}  {}\n", bar["ok"].get<bool>() ? "ok" : "OVER",
               bar["value"].get<double>(), bar["limit"].get<double>(),
               bar["bar"].get<std::string>());
  }
}

int report(const std::vector<std::string>& files, bool as_json) {
  Rows rows;
  for (std::size_t i = 1; i < files.size(); ++i) read_rows(files[i], rows);
  if (rows.empty()) throw std::runtime_error("nothing was measured");
  const Json bars = ratios(files.at(0), rows);
  if (as_json) {
    Json document{{"machine", machine()}, {"rows", Json::array()}, {"ratios", bars}};
    for (const auto& [name, row] : rows) {
      document["rows"].push_back({{"row", name},
                                  {"subject", row.subject},
                                  {"n", row.ns.size()},
                                  {"unit", "ns"},
                                  {"min", row.ns.front()},
                                  {"median", row.median()},
                                  {"max", row.ns.back()}});
    }
    std::cout << document.dump(2) << '\n';
  } else {
    print_text(rows, bars);
  }
  return std::all_of(bars.begin(), bars.end(), [](const Json& bar) { return bar["ok"]; }) ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::string> files(argv + 1, argv + argc);
  const bool as_json = std::erase(files, "--json") != 0;
  try {
    if (files.size() < 2) throw std::runtime_error("expected BARS BENCHMARK.json...");
    return report(files, as_json);
  } catch (const std::exception& error) {
    fmt::print(stderr, "bench_report: {}\n", error.what());
    return 2;
  }
}
