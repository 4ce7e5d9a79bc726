#include <fmt/format.h>

#include <algorithm>

#include "cli/json_shared.h"
#include "cli/report.h"

namespace aiosim::cli {
namespace {

Json row_json(const ExploreReport& report, const ExploreRow& row) {
  Json json;
  json["property"] = row.property;
  json["backend"] = row.backend;
  json["faults"] = row.faults;
  json["strategy"] = report.strategy;
  json["memory"] = report.memory;
  json["world"] = report.world;
  json["seed"] = report.seed;
  json["runs"] = row.runs;
  json["points"] = row.points;
  json["seconds"] = row.seconds;
  add_verdict(json, row.verdict);
  if (row.runs == 0 && row.verdict.passed()) json["verdict"] = "not run";
  json["runs_to_find"] = row.verdict.passed() ? Json(nullptr) : Json(row.runs_to_find);
  json["seed_file"] = optional(row.seed_file);
  json["replay"] = optional(row.replay);
  json["distinct"] = row.distinct;
  json["chance_new"] = row.chance_new;
  if (!row.trouble.empty()) json["trouble"] = row.trouble;
  if (row.exhaustive) {
    json["searched"] = row.exhaustive->text;
    json["complete"] = row.exhaustive->complete;
    json["executions"] = row.exhaustive->executions;
    json["cut"] = row.exhaustive->cut;
  }
  return json;
}

void add_name(std::string& list, const std::string& name) {
  const std::string all = "," + list + ",";
  if (all.find("," + name + ",") == std::string::npos) list += (list.empty() ? "" : ",") + name;
}

/// All combinations as one row: the sums; names and verdict are those of the first finding, or the
/// names of all.
ExploreRow summary(const ExploreReport& report) {
  ExploreRow sum;
  sum.chance_new = 0;
  for (const ExploreRow& row : report.rows) {
    add_name(sum.property, row.property);
    add_name(sum.backend, row.backend);
    add_name(sum.faults, row.faults);
    sum.chance_new += row.chance_new * static_cast<double>(row.runs);
    sum.runs += row.runs;
    sum.points += row.points;
    sum.seconds += row.seconds;
    sum.distinct += row.distinct;
    if (sum.trouble.empty()) sum.trouble = row.trouble;
  }
  sum.chance_new = sum.runs == 0 ? 1 : sum.chance_new / static_cast<double>(sum.runs);
  const auto found = std::find_if(report.rows.begin(), report.rows.end(),
                                  [](const ExploreRow& row) { return !row.verdict.passed(); });
  if (report.rows.size() == 1) sum.exhaustive = report.rows.front().exhaustive;
  if (found == report.rows.end()) return sum;
  ExploreRow row = *found;
  row.runs = sum.runs;
  row.points = sum.points;
  row.seconds = sum.seconds;
  row.distinct = sum.distinct;
  row.chance_new = sum.chance_new;
  return row;
}

}  // namespace

std::string json(const ExploreReport& report) {
  Json out = row_json(report, summary(report));
  out["interrupted"] = report.interrupted;
  out["combinations"] = Json::array();
  for (const ExploreRow& row : report.rows) out["combinations"].push_back(row_json(report, row));
  return dump(out);
}

std::string json(const std::vector<ReplayRow>& rows) {
  Json out = Json::array();
  for (const ReplayRow& row : rows) {
    Json json;
    json["file"] = row.file;
    json["property"] = row.property;
    json["backend"] = row.backend;
    json["expected"] = name(row.expected.kind);
    json["expected_rule"] = optional(row.expected.rule);
    if (row.error.empty()) {
      add_verdict(json, row.got);
      json["trace_hash"] = hex(row.trace_hash);
      json["expected_trace_hash"] = hex(row.expected_hash);
      json["points"] = row.points;
      json["unmatched"] = row.unmatched;
    } else {
      json["verdict"] = json["rule"] = json["trace_hash"] = nullptr;
      json["error"] = row.error;
    }
    json["ok"] = row.ok;
    out.push_back(std::move(json));
  }
  return dump(out);
}

std::string json(const MinimiseReport& report) {
  Json out;
  out["file"] = report.file;
  out["property"] = report.property;
  out["backend"] = report.backend;
  add_verdict(out, report.verdict);
  out["seed_file"] = optional(report.seed_file);
  out["program_ops"] = report.ops_after;
  out["program_ops_before"] = report.ops_before;
  out["choices"] = report.choices_after;
  out["choices_before"] = report.choices_before;
  out["interrupted"] = report.interrupted;
  return dump(out);
}

std::string json(const std::vector<MuseumRow>& rows) {
  Json out = Json::array();
  for (const MuseumRow& row : rows) {
    Json json;
    json["exhibit"] = row.exhibit;
    json["bug"] = row.bug;
    json["backend"] = row.backend;
    json["found"] = row.found;
    json["verdict"] = name(row.verdict);
    json["rule"] = optional(row.rule);
    json["expected"] = name(row.expected);
    json["expected_rule"] = row.expected_rule;
    json["as_expected"] = row.as_expected;
    json["property"] = row.property;
    json["runs"] = row.runs;
    json["seconds"] = row.seconds;
    json["choices"] = row.choices;
    json["program_ops"] = row.program_ops;
    json["seed_file"] = optional(row.seed_file);
    json["sentence"] = row.sentence;
    if (!row.trouble.empty()) json["trouble"] = row.trouble;
    out.push_back(std::move(json));
  }
  return dump(out);
}

std::string json(const StrategiesReport& report) {
  Json out;
  out["cap"] = report.cap;
  out["seeds"] = report.seeds;
  out["first_seed"] = report.first_seed;
  out["seconds"] = report.seconds;
  out["interrupted"] = report.interrupted;
  out["strategies"] = Json::array();
  for (std::size_t i = 0; i < report.strategies.size(); ++i) {
    out["strategies"].push_back({{"strategy", report.strategies[i]},
                                 {"found", report.sums[i].found},
                                 {"geometric_mean", report.sums[i].geometric_mean}});
  }
  out["rows"] = Json::array();
  for (const StrategiesReport::Row& row : report.rows) {
    Json json;
    json["exhibit"] = row.exhibit;
    for (std::size_t i = 0; i < report.strategies.size(); ++i) {
      json["runs"][report.strategies[i]] = row.runs[i];
      json["found"][report.strategies[i]] = row.found[i];
    }
    out["rows"].push_back(std::move(json));
  }
  out["troubles"] = report.troubles;
  return dump(out);
}

std::string json(const ConformReport& report) {
  Json out;
  out["backends"] = report.backends;
  out["seed"] = report.seed;
  out["seconds"] = report.seconds;
  out["interrupted"] = report.interrupted;
  out["untested_rules"] = report.untested_rules;
  out["troubles"] = report.troubles;
  out["rows"] = Json::array();
  for (const ConformRow& row : report.rows) {
    out["rows"].push_back({{"rule", row.rule},
                           {"sentence", row.sentence},
                           {"property", row.property},
                           {"backend", row.backend},
                           {"result", row.result},
                           {"runs", row.runs},
                           {"seed_file", optional(row.seed_file)},
                           {"replay", optional(row.replay)},
                           {"text", optional(row.text)}});
  }
  return dump(out);
}

std::string json(const ListReport& report) {
  Json out = Json::object();
  for (const ListReport::Part& part : report.parts) {
    Json entries = Json::array();
    for (const ListEntry& entry : part.entries) {
      Json json;
      json["name"] = entry.name;
      json["sentence"] = entry.sentence;
      if (part.what == "properties") json["rules"] = entry.more;
      if (part.what == "backends") json["offers"] = entry.more;
      if (part.what == "faults") json["points"] = entry.more;
      entries.push_back(std::move(json));
    }
    out[part.what] = std::move(entries);
  }
  return dump(out);
}

}  // namespace aiosim::cli
