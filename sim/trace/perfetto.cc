#include <algorithm>
#include <nlohmann/json.hpp>

#include "trace/timeline.h"

namespace aiosim::trace {
namespace {

using Json = nlohmann::ordered_json;

double microseconds(std::int64_t ns) { return static_cast<double>(ns) / 1000; }

class Tracks {
 public:
  explicit Tracks(const Timeline& timeline) : timeline_(timeline) {}

  std::string text();

 private:
  /// Fields that all events have.
  static Json event(const char* phase, const Line& line, const std::string& name) {
    return {{"ph", phase},
            {"pid", 1},
            {"tid", line.thread_number},
            {"ts", microseconds(line.time_ns)},
            {"name", name}};
  }
  void add_names();
  void add_slice(std::size_t i);
  void add_choice(const Line& line);
  void add_arrow(const char* name, std::size_t from, std::size_t to);
  std::int64_t duration_ns(std::size_t i) const;

  const Timeline& timeline_;
  Json events_ = Json::array();
  std::uint64_t next_arrow_ = 1;
};

void Tracks::add_names() {
  Json process{{"ph", "M"}, {"pid", 1}, {"name", "process_name"}};
  process["args"]["name"] = "aiosim";
  events_.push_back(std::move(process));
  for (std::size_t i = 0; i < timeline_.threads.size(); ++i) {
    Json thread{{"ph", "M"}, {"pid", 1}, {"tid", i}, {"name", "thread_name"}};
    thread["args"]["name"] = timeline_.threads[i].name;
    events_.push_back(std::move(thread));
  }
}

std::int64_t Tracks::duration_ns(std::size_t i) const {
  const Line& line = timeline_.lines[i];
  if (line.operation != "blocks") return 1;
  for (std::size_t k = i + 1; k < timeline_.lines.size(); ++k) {
    const Line& later = timeline_.lines[k];
    if (later.thread_number == line.thread_number) {
      return std::max<std::int64_t>(1, later.time_ns - line.time_ns);
    }
  }
  return std::max<std::int64_t>(1, timeline_.lines.back().time_ns - line.time_ns + 1);
}

void Tracks::add_slice(std::size_t i) {
  const Line& line = timeline_.lines[i];
  std::string name = line.operation == "blocks" ? "blocked in " + line.detail : line.operation;
  if (!line.object.empty()) name += " " + line.object;
  Json slice = event("X", line, name);
  slice["dur"] = microseconds(duration_ns(i));
  Json& args = slice["args"];
  args["step"] = line.step;
  if (!line.detail.empty()) args["detail"] = line.detail;
  if (!line.place.function.empty()) args["function"] = line.place.function;
  const std::string at = short_place(line.place);
  if (!at.empty()) args["at"] = at;
  events_.push_back(std::move(slice));
}

void Tracks::add_choice(const Line& line) {
  Json mark = event("i", line, line.choice);
  mark["s"] = "t";
  mark["cat"] = "choice";
  events_.push_back(std::move(mark));
}

void Tracks::add_arrow(const char* name, std::size_t from, std::size_t to) {
  if (from == no_line) return;
  Json start = event("s", timeline_.lines[from], name);
  Json finish = event("f", timeline_.lines[to], name);
  finish["bp"] = "e";
  for (Json* end : {&start, &finish}) {
    (*end)["cat"] = name;
    (*end)["id"] = next_arrow_;
    events_.push_back(std::move(*end));
  }
  ++next_arrow_;
}

std::string Tracks::text() {
  add_names();
  for (std::size_t i = 0; i < timeline_.lines.size(); ++i) {
    const Line& line = timeline_.lines[i];
    if (!line.choice.empty()) add_choice(line);
    if (line.operation.starts_with("before ")) continue;  // a switch, not an operation
    add_slice(i);
    add_arrow("reads from", line.reads_from, i);
    add_arrow("wakes", line.woken_by, i);
  }
  Json out;
  out["displayTimeUnit"] = "ns";
  out["traceEvents"] = std::move(events_);
  return out.dump(1, ' ', false, nlohmann::detail::error_handler_t::replace) + "\n";
}

}  // namespace

std::string perfetto(const Timeline& timeline) { return Tracks(timeline).text(); }

}  // namespace aiosim::trace
