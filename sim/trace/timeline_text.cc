// The timeline as text.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "trace/timeline.h"

namespace aiosim::trace {
namespace {

constexpr std::size_t longest_stretch = 8;  // of one thread, shown whole
constexpr std::size_t shown_head = 2;
constexpr std::size_t shown_tail = 3;

struct Widths {
  std::size_t thread = 6;
  std::size_t what = 10;
};

std::string what(const Line& line) {
  return line.object.empty() ? line.operation : line.operation + " " + line.object;
}

/// A line that may be folded: an operation of the code under test, not a note, without a choice.
bool is_dull(const Line& line) {
  return line.choice.empty() && line.operation != "blocks" && line.place.line != 0 &&
         !line.object.starts_with("fd ") && !line.operation.starts_with("thread ");
}

std::string details(const Line& line) {
  std::string out = line.detail;
  const auto add = [&](const std::string& more) { out += (out.empty() ? "" : ", ") + more; };
  if (line.place.line == 0 && line.object.empty()) {  // a note: its figures are all there is
    if (line.a != 0 || line.b != 0) add(std::to_string(line.a));
    if (line.b != 0) add(std::to_string(line.b));
  } else if (!line.object.empty() && !line.object.starts_with("atomic") && line.a != 0) {
    add(fmt::format("= {}", line.a));
  }
  if (!line.choice.empty()) add("* " + line.choice);
  return out;
}

std::string place(const Line& line) {
  const std::string at = short_place(line.place);
  if (line.place.function.empty()) return at;
  return line.place.function + (at.empty() ? "" : "  " + at);
}

void add_line(std::string& out, const Line& line, const Widths& widths) {
  std::string text = fmt::format(
      "{} {:>6}  {:>11}  {:<{}}  {:<{}}  {:<40}  {}", line.choice.empty() ? ' ' : '*', line.step,
      fmt::format("{:.3f} us", static_cast<double>(line.time_ns) / 1000), line.thread,
      widths.thread, what(line), widths.what, details(line), place(line));
  text.erase(text.find_last_not_of(' ') + 1);
  out += text + "\n";
}

/// "    ... home: 12 more: 7 atomic load, 5 atomic store"
void add_fold(std::string& out, const std::vector<Line>& lines, std::size_t from, std::size_t to) {
  std::map<std::string, std::size_t> counts;
  for (std::size_t i = from; i < to; ++i) ++counts[lines[i].operation];
  std::string list;
  for (const auto& [operation, count] : counts) {
    list += fmt::format("{}{} {}", list.empty() ? "" : ", ", count, operation);
  }
  out += fmt::format("            ... {} goes on alone, {} more: {}\n", lines[from].thread,
                     to - from, list);
}

std::size_t end_of_stretch(const std::vector<Line>& lines, std::size_t from) {
  std::size_t end = from;
  while (end < lines.size() && is_dull(lines[end]) && lines[end].thread == lines[from].thread) {
    ++end;
  }
  return end;
}

}  // namespace

std::string text(const Timeline& timeline, bool all) {
  Widths widths;
  for (const Line& line : timeline.lines) {
    widths.thread = std::max(widths.thread, line.thread.size());
    widths.what = std::min<std::size_t>(36, std::max(widths.what, what(line).size()));
  }
  std::string out = fmt::format("{:>8}  {:>11}  {:<{}}  {:<{}}  {:<40}  where\n", "step", "time",
                                "thread", widths.thread, "operation", widths.what, "details");
  const std::vector<Line>& lines = timeline.lines;
  for (std::size_t i = 0; i < lines.size();) {
    const std::size_t end = std::max(i + 1, end_of_stretch(lines, i));
    const bool fold = !all && end - i > longest_stretch;
    const std::size_t hidden_from = fold ? i + shown_head : end;
    const std::size_t hidden_to = fold ? end - shown_tail : end;
    for (; i < hidden_from; ++i) add_line(out, lines[i], widths);
    if (fold) add_fold(out, lines, hidden_from, hidden_to);
    for (i = hidden_to; i < end; ++i) add_line(out, lines[i], widths);
  }

  if (!timeline.objects.empty()) out += "\nobjects, and the line that touched each first:\n";
  for (const NamedObject& object : timeline.objects) {
    out += fmt::format("  {:<12} {:<24} {}\n", object.object, short_place(object.place),
                       object.source);
  }
  out += "\nat the end:\n";
  for (const ThreadEnd& thread : timeline.threads) {
    out += fmt::format("  {:<{}}  {}\n", thread.name, widths.thread,
                       thread.waiting_for.empty() ? "is not blocked"
                                                  : "waits in " + thread.waiting_for);
  }
  return out;
}

}  // namespace aiosim::trace
