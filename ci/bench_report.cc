// What ci/bench prints: a line for each row and subject, and each bar with its limit.
//   bench_report [--json | --tsv] BARS BENCHMARK.json...      as --benchmark_out writes them
// A benchmark called ROW@SUBJECT is a row of that subject; without @, the program is the subject.
// Its figure is ns per item; or, if it has counters called row:NAME_UNIT, those are rows ROW/NAME
// (row:NAME_UNIT@SUBJECT: of that subject). Exits 1 if a bar is missed.
#include <fmt/format.h>
#include <string.h>

#include <algorithm>
#include <fstream>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

using Json = nlohmann::ordered_json;

/// As a person sorts: numbers in names by their value.
struct Naturally {
  bool operator()(const std::string& a, const std::string& b) const {
    return strverscmp(a.c_str(), b.c_str()) < 0;
  }
};

struct Row {
  std::string row;
  std::string subject;
  std::string unit;
  std::vector<double> values;  // one a repetition; sorted
  double median() const { return values[values.size() / 2]; }
};
using Rows = std::map<std::string, Row, Naturally>;  // by what a bar calls it

std::string subject_of(const std::string& file) {
  const auto from = file.find_last_of('/') + 1;
  return file.substr(from, file.find_last_of('.') - from);
}

/// Adds a repetition's `value` to the row that `name`, ROW or ROW@SUBJECT, stands for.
void add(Rows& rows, const std::string& name, const std::string& program, const std::string& unit,
         double value) {
  Row& row = rows[name];
  const auto at = name.find('@');
  row.row = name.substr(0, at);
  row.subject = at == name.npos ? program : name.substr(at + 1);
  row.unit = unit;
  row.values.push_back(value);
}

/// Adds the counter `key`, row:NAME_UNIT or row:NAME_UNIT@SUBJECT, of the benchmark `name`.
void add_counter(Rows& rows, const std::string& name, const std::string& key, double value) {
  const auto key_at = key.find('@');
  const auto name_at = name.find('@');
  const std::string counter = key.substr(4, key_at == key.npos ? key.npos : key_at - 4);
  const auto unit_from = counter.rfind('_');
  const std::string subject = key_at == key.npos ? name.substr(name_at) : key.substr(key_at);
  add(rows, name.substr(0, name_at) + "/" + counter.substr(0, unit_from) + subject, {},
      unit_from == counter.npos ? counter : counter.substr(unit_from + 1), value);
}

/// Google Benchmark's aggregates may be NaN, which is no JSON and of no use here.
Json parsed(const std::string& file) {
  std::ifstream in(file);
  std::string text(std::istreambuf_iterator<char>(in), {});
  for (std::size_t at = 0; (at = text.find(": NaN", at)) != text.npos;) {
    text.replace(at, 5, ": null");
  }
  return Json::parse(text);
}

void read_rows(const std::string& file, Rows& rows) {
  const Json document = parsed(file);
  for (const Json& run : document.at("benchmarks")) {
    auto name = run.at("run_name").get<std::string>();
    if (run.value("error_occurred", false)) {
      throw std::runtime_error(name + ": " + run.value("error_message", "failed"));
    }
    if (run.at("run_type") != "iteration") continue;
    name.erase(std::min(name.find("/iterations:"), name.size()));
    for (const auto& [key, value] : run.items()) {
      if (key.starts_with("row:")) add_counter(rows, name, key, value.get<double>());
      if (key == "items_per_second") {
        add(rows, name, subject_of(file), "ns", 1e9 / value.get<double>());
      }
    }
  }
  for (auto& [name, row] : rows) std::sort(row.values.begin(), row.values.end());
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

/// The median of row `name`, or the number that it is; nothing of another program's row.
std::optional<double> median_of(const Rows& rows, const std::string& name) {
  const auto row = rows.find(name);
  if (row != rows.end()) return row->second.median();
  if (name.empty() || name.find_first_not_of("0123456789.") != name.npos) return std::nullopt;
  return std::stod(name);
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
    const std::optional<double> above = median_of(rows, parts[1]);
    const std::optional<double> below = median_of(rows, parts[2]);
    if (!above || !below) continue;
    const double value = *above / *below;
    const double limit = std::stod(parts[3]);
    all.push_back({{"bar", parts[0]}, {"value", value}, {"limit", limit}, {"ok", value <= limit}});
  }
  return all;
}

void print_text(const Rows& rows, const Json& bars) {
  fmt::print("{:<60} {:<18} {:>12} {:>12} {:>12}\n", "row", "subject", "min", "median", "max");
  for (const auto& [name, row] : rows) {
    fmt::print("{:<60} {:<18} {:>12.1f} {:>12.1f} {:>12.1f}  {}\n", row.row, row.subject,
               row.values.front(), row.median(), row.values.back(), row.unit);
  }
  for (const Json& bar : bars) {
    fmt::print("{:<4} {:>8.3f}  limit {:>6g}  {}\n", bar["ok"].get<bool>() ? "ok" : "OVER",
               bar["value"].get<double>(), bar["limit"].get<double>(),
               bar["bar"].get<std::string>());
  }
}

void print_tsv(const Rows& rows) {
  for (const auto& [name, row] : rows) {
    fmt::print("{}\t{}\t{}\t{}\t{}\t{}\t{}\n", row.row, row.subject, row.values.size(), row.unit,
               row.values.front(), row.median(), row.values.back());
  }
}

void print_json(const Rows& rows, const Json& bars) {
  Json document{{"machine", machine()}, {"rows", Json::array()}, {"ratios", bars}};
  for (const auto& [name, row] : rows) {
    document["rows"].push_back({{"row", row.row},
                                {"subject", row.subject},
                                {"n", row.values.size()},
                                {"unit", row.unit},
                                {"min", row.values.front()},
                                {"median", row.median()},
                                {"max", row.values.back()}});
  }
  std::cout << document.dump(2) << '\n';
}

int report(const std::vector<std::string>& files, bool as_json, bool as_tsv) {
  Rows rows;
  for (std::size_t i = 1; i < files.size(); ++i) read_rows(files[i], rows);
  if (rows.empty()) throw std::runtime_error("nothing was measured");
  const Json bars = ratios(files.at(0), rows);
  if (as_json) {
    print_json(rows, bars);
  } else if (as_tsv) {
    print_tsv(rows);
  } else {
    print_text(rows, bars);
  }
  return std::all_of(bars.begin(), bars.end(), [](const Json& bar) { return bar["ok"]; }) ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::string> files(argv + 1, argv + argc);
  const bool as_json = std::erase(files, "--json") != 0;
  const bool as_tsv = std::erase(files, "--tsv") != 0;
  try {
    if (files.size() < 2) throw std::runtime_error("expected BARS BENCHMARK.json...");
    return report(files, as_json, as_tsv);
  } catch (const std::exception& error) {
    fmt::print(stderr, "bench_report: {}\n", error.what());
    return 2;
  }
}
