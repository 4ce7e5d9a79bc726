// The explanation as one self-contained page: why, and what happened, a column for each thread.
#include <fmt/format.h>

#include "cli/report.h"
#include "cli/words.h"

namespace aiosim::cli {
namespace {

constexpr const char* style = R"(
body { font: 15px/1.4 system-ui, sans-serif; margin: 2em; color: #222; background: #fff }
h1 { font-size: 1.4em } h2 { font-size: 1.1em; margin-top: 2em } pre { background: #f6f6f6;
  padding: .6em; white-space: pre-wrap }
.why { border-left: 4px solid #b33; padding: .2em 1em; margin: 1em 0 }
.tried, small { color: #666 } small { font-size: 12px }
table { border-collapse: collapse } th, td { text-align: left; padding: .15em .6em;
  border-bottom: 1px solid #eee; vertical-align: top }
th { position: sticky; top: 0; background: #fff; border-bottom: 2px solid #999 }
td.n { color: #888; text-align: right; font-variant-numeric: tabular-nums }
td.op { border-left: 3px solid #7a9 } tr.choice td { background: #fff3d0 }
tr.blocks td.op { border-left-color: #b33 } tr:target td { background: #dbe9ff }
tr.decisive td { background: #fbdcdc } .mark { color: #a60; font-weight: 600 }
code { font-size: 13px }
)";

void add_answer(std::string& out, const Answer& answer) {
  out += fmt::format("<div class=\"why\"><b>{}</b>", escaped(answer.sentence));
  if (!answer.points.empty()) out += "<ul>";
  for (const std::string& point : answer.points) out += fmt::format("<li>{}", escaped(point));
  if (!answer.points.empty()) out += "</ul>";
  out += fmt::format("<p class=\"tried\">{}</p></div>\n", escaped(answer.tried));
}

/// The step after which it is always lost; 0 if there is none.
std::uint64_t decisive_step(const ExplainReport& report) {
  if (!report.explanation) return 0;
  const Explanation& why = *report.explanation;
  const auto how = why.no_return.how;
  using How = PointOfNoReturn::How;
  if (how != How::at_event && how != How::at_the_end) return 0;
  return why.events[why.no_return.event].step;
}

void add_link(std::string& out, const trace::Timeline& timeline, const char* words,
              std::size_t to) {
  if (to == trace::no_line) return;
  const trace::Line& line = timeline.lines[to];
  out += fmt::format("<br><small>{} <a href=\"#l{}\">step {}, {}</a></small>", words, to, line.step,
                     escaped(line.thread));
}

std::string cell(const trace::Timeline& timeline, const trace::Line& line) {
  std::string out = escaped(line.operation);
  if (!line.object.empty()) out += " <b>" + escaped(line.object) + "</b>";
  if (!line.detail.empty()) out += " <small>" + escaped(line.detail) + "</small>";
  if (!line.choice.empty()) {
    out += fmt::format("<br><span class=\"mark\">&#9670; {}</span>", escaped(line.choice));
  }
  const std::string at = trace::short_place(line.place);
  if (!at.empty() || !line.place.function.empty()) {
    out += fmt::format("<br><small><code>{}</code> {}</small>", escaped(line.place.function),
                       escaped(at));
  }
  // A thread that reads its own store is no news.
  if (line.reads_from != trace::no_line &&
      timeline.lines[line.reads_from].thread_number != line.thread_number) {
    add_link(out, timeline, "reads the store of", line.reads_from);
  }
  add_link(out, timeline, "woken after", line.woken_by);
  return out;
}

void add_timeline(std::string& out, const ExplainReport& report) {
  const trace::Timeline& timeline = report.timeline;
  const std::uint64_t decisive = decisive_step(report);
  out += "<table><tr><th>step<th>time";
  for (const trace::ThreadEnd& thread : timeline.threads) {
    out += fmt::format("<th>{}", escaped(thread.name));
  }
  out += "</tr>\n";
  for (std::size_t i = 0; i < timeline.lines.size(); ++i) {
    const trace::Line& line = timeline.lines[i];
    const char* kind = line.operation == "blocks" ? "blocks" : line.choice.empty() ? "" : "choice";
    if (decisive != 0 && line.step == decisive && line.place.line != 0) kind = "decisive";
    out += fmt::format("<tr id=\"l{}\" class=\"{}\"><td class=\"n\">{}<td class=\"n\">{:.3f} us", i,
                       kind, line.step, static_cast<double>(line.time_ns) / 1000);
    for (std::size_t column = 0; column < timeline.threads.size(); ++column) {
      const bool here = column == line.thread_number;
      out += here ? "<td class=\"op\">" + cell(timeline, line) : "<td>";
    }
    out += "</tr>\n";
  }
  out += "<tr><td><td>at the end";
  for (const trace::ThreadEnd& thread : timeline.threads) {
    out += "<td>" + (thread.waiting_for.empty() ? std::string("is not blocked")
                                                : "waits in " + escaped(thread.waiting_for));
  }
  out += "</tr></table>\n";
}

void add_objects(std::string& out, const trace::Timeline& timeline) {
  out += "<h2>Objects, and the line that touched each first</h2>\n<table>\n";
  for (const trace::NamedObject& object : timeline.objects) {
    out += fmt::format("<tr><td><b>{}</b><td>{}<td><code>{}</code></tr>\n", escaped(object.object),
                       escaped(trace::short_place(object.place)), escaped(object.source));
  }
  out += "</table>\n";
}

}  // namespace

std::string html(const ExplainReport& report) {
  std::string out = fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\"><meta charset=\"utf-8\">\n<title>{}</title>\n"
      "<style>{}</style>\n<h1>{}</h1>\n<p>{} on {}: {}</p>\n<p><b>{}</b></p>\n<pre>{}</pre>\n",
      escaped(report.happens), style, escaped(report.happens), escaped(report.property),
      escaped(report.backend), escaped(report.sentence), escaped(report.verdict_words),
      escaped(report.verdict.text));
  if (report.explanation) {
    out += "<h2>Why</h2>\n";
    for (const Answer* answer : {&report.no_return, &report.orderings, &report.guilt}) {
      add_answer(out, *answer);
    }
  }
  out += fmt::format("<h2>Program</h2>\n<pre>{}</pre>\n<h2>What happened</h2>\n",
                     escaped(report.program));
  add_timeline(out, report);
  add_objects(out, report.timeline);
  return out + "</html>\n";
}

}  // namespace aiosim::cli
