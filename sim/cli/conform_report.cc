// The matrix of conform as JUnit XML for CI, and as one self-contained HTML page.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "cli/report.h"
#include "cli/words.h"

namespace aiosim::cli {
namespace {

std::size_t count(const ConformReport& report, std::string_view result,
                  const std::string& backend = {}) {
  return static_cast<std::size_t>(
      std::count_if(report.rows.begin(), report.rows.end(), [&](const ConformRow& row) {
        return row.result == result && (backend.empty() || row.backend == backend);
      }));
}

constexpr const char* style = R"(
body { font: 15px/1.4 system-ui, sans-serif; margin: 2em auto; max-width: 70em; padding: 0 1em;
       color: #222; background: #fff }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; padding: .3em .6em; border-bottom: 1px solid #ddd; vertical-align: top }
th { position: sticky; top: 0; background: #fff }
td.pass { background: #e6f4e6 } td.fail { background: #fbdcdc; font-weight: 600 }
td.not-offered, td.not-run { color: #888 }
code { font-size: 13px; overflow-wrap: anywhere } small { color: #666; font-weight: 400 }
)";

std::string cell(const ConformRow* row) {
  if (row == nullptr) return "<td></td>";
  std::string out = fmt::format("<td class=\"{}\" title=\"{}\">{}", row->result,
                                escaped(row->text), row->result);
  if (row->runs > 0) out += fmt::format(" <small>{} runs</small>", row->runs);
  if (!row->seed_file.empty()) {
    const std::string file = row->seed_file.substr(row->seed_file.rfind('/') + 1);
    out += fmt::format("<br><small>{}<br><a href=\"{}\">{}</a></small>", escaped(row->text),
                       escaped(file), escaped(file));
  }
  return out + "</td>";
}

}  // namespace

std::string junit(const ConformReport& report) {
  std::string out = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
  out += fmt::format("<testsuites name=\"aiosim conform\" tests=\"{}\" failures=\"{}\">\n",
                     report.rows.size(), count(report, "fail"));
  for (const std::string& backend : report.backends) {
    const std::size_t skipped =
        count(report, "not-offered", backend) + count(report, "not-run", backend);
    out += fmt::format(
        "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" skipped=\"{}\">\n", escaped(backend),
        count(report, "pass", backend) + count(report, "fail", backend) + skipped,
        count(report, "fail", backend), skipped);
    for (const ConformRow& row : report.rows) {
      if (row.backend != backend) continue;
      out += fmt::format("    <testcase classname=\"{}.{}\" name=\"{}\"", escaped(backend),
                         escaped(row.property), escaped(row.rule));
      if (row.result == "pass") {
        out += "/>\n";
      } else if (row.result == "fail") {
        out += fmt::format(">\n      <failure message=\"{}\">seed file: {}</failure>\n"
                           "    </testcase>\n",
                           escaped(row.text), escaped(row.seed_file));
      } else {
        out += fmt::format(">\n      <skipped message=\"{}\"/>\n    </testcase>\n", row.result);
      }
    }
    out += "  </testsuite>\n";
  }
  return out + "</testsuites>\n";
}

std::string html(const ConformReport& report) {
  using Key = std::pair<std::string, std::string>;
  std::vector<Key> order;
  std::map<Key, std::map<std::string, const ConformRow*>> lines;
  for (const ConformRow& row : report.rows) {
    const Key key(row.rule, row.property);
    if (!lines.contains(key)) order.push_back(key);
    lines[key][row.backend] = &row;
  }
  std::string out = fmt::format(
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
      "<title>aiosim conform</title><style>{}</style></head><body>\n<h1>aiosim conform</h1>\n"
      "<p>{} pass, {} fail, {} not offered, {} not run. Seed {}. A pass says that no run of those "
      "made broke the rule.{}</p>\n<table><tr><th>rule</th><th>property</th>",
      style, count(report, "pass"), count(report, "fail"), count(report, "not-offered"),
      count(report, "not-run"), report.seed, report.interrupted ? " Interrupted." : "");
  for (const std::string& backend : report.backends) {
    out += fmt::format("<th>{}</th>", escaped(backend));
  }
  out += "</tr>\n";
  for (const Key& key : order) {
    const std::string& sentence = lines[key].begin()->second->sentence;
    out += fmt::format("<tr><td><b>{}</b><br><small>{}</small></td><td><code>{}</code></td>",
                       escaped(key.first), escaped(sentence), escaped(key.second));
    for (const std::string& backend : report.backends) {
      const auto it = lines[key].find(backend);
      out += cell(it == lines[key].end() ? nullptr : it->second);
    }
    out += "</tr>\n";
  }
  out += "</table>\n";
  if (!report.untested_rules.empty()) {
    out += fmt::format("<p>Rules without a property ({}): {}.</p>\n", report.untested_rules.size(),
                       escaped(fmt::format("{}", fmt::join(report.untested_rules, ", "))));
  }
  return out + "</body></html>\n";
}

}  // namespace aiosim::cli
