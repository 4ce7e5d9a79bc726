// Plans: the built-in ones, lists of points, and TOML files.
#include <toml++/toml.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "aiosim/verdict.h"
#include "fault/points.h"

namespace aiosim::fault {
namespace {

constexpr std::int64_t max_limit = 1'000'000;

bool ends_with(std::string_view text, std::string_view end) {
  return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

template <typename Selects>
Plan plan_of(const char* name, Selects selects) {
  Plan plan;
  plan.name = name;
  for (const Point& point : catalogue()) {
    if (selects(std::string_view(point.name), point)) plan.points.push_back(point.id);
  }
  return plan;
}

void add(Plan& plan, PointId id) {
  if (std::find(plan.points.begin(), plan.points.end(), id) == plan.points.end()) {
    plan.points.push_back(id);
  }
}

std::string built_in_names() {
  std::string names;
  for (const Plan& plan : built_in_plans()) names += (names.empty() ? "" : ", ") + plan.name;
  return names;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

Plan plan_from_list(const std::string& text) {
  Plan plan;
  plan.name = text;
  const std::vector<Plan> built_in = built_in_plans();
  std::istringstream in(text + ",");
  for (std::string part; std::getline(in, part, ',');) {
    const std::string_view word = trimmed(part);
    const auto same = [&](const Plan& known) { return known.name == word; };
    const auto known = std::find_if(built_in.begin(), built_in.end(), same);
    if (known != built_in.end()) {
      for (const PointId id : known->points) add(plan, id);
    } else if (const Point* point = find(word)) {
      add(plan, point->id);
    } else {
      throw BadInput("plan '" + text + "': '" + std::string(word) +
                     "' is no fault point (see aiosim list), no plan (" + built_in_names() +
                     ") and no .toml file");
    }
  }
  return plan;
}

[[noreturn]] void bad(const std::string& path, const toml::source_region& where,
                      const std::string& what) {
  throw BadInput("plan '" + path + "':" + std::to_string(where.begin.line) + ": " + what);
}

std::string contents(const std::string& path) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) {
    throw BadInput("plan '" + path + "': is a directory, expected a TOML file");
  }
  errno = 0;
  std::ifstream in(path, std::ios::binary);
  std::ostringstream out;
  if (in) out << in.rdbuf();
  if (!in) {
    const int why = errno != 0 ? errno : EIO;
    throw BadInput("plan '" + path + "': cannot be read: " + std::strerror(why));
  }
  return out.str();
}

void read_points(Plan& plan, const std::string& path, const toml::node& node) {
  const toml::array* names = node.as_array();
  if (names == nullptr) bad(path, node.source(), "'points' must be an array of fault point names");
  for (const toml::node& element : *names) {
    const auto* name = element.as_string();
    if (name == nullptr) bad(path, element.source(), "'points' may hold strings only");
    const Point* point = find(name->get());
    if (point == nullptr) {
      bad(path, element.source(), "'" + name->get() + "' names no fault point (see aiosim list)");
    }
    add(plan, point->id);
  }
}

Plan plan_from_file(const std::string& path) {
  const std::string text = contents(path);
  toml::table table;
  try {
    table = toml::parse(text, path);
  } catch (const toml::parse_error& error) {
    bad(path, error.source(), "not TOML: " + std::string(error.description()));
  }
  Plan plan;
  plan.name = std::filesystem::path(path).stem().string();
  bool has_points = false;
  for (auto&& [key, node] : table) {
    if (key == "name") {
      if (!node.is_string()) bad(path, node.source(), "'name' must be a string");
      plan.name = node.as_string()->get();
    } else if (key == "limit") {
      const auto limit = node.is_integer() ? node.as_integer()->get() : -1;
      if (limit < 1 || limit > max_limit) {
        bad(path, node.source(), "'limit' must be a whole number from 1 to 1000000");
      }
      plan.limit = static_cast<std::uint32_t>(limit);
    } else if (key == "points") {
      has_points = true;
      read_points(plan, path, node);
    } else {
      bad(path, node.source(),
          "unknown key '" + std::string(key.str()) + "', expected name, points or limit");
    }
  }
  if (!has_points) throw BadInput("plan '" + path + "': has no 'points = [...]'");
  return plan;
}

}  // namespace

std::vector<Plan> built_in_plans() {
  using Name = std::string_view;
  return {
      plan_of("none", [](Name, const Point&) { return false; }),
      plan_of("eintr", [](Name name, const Point&) { return ends_with(name, "/eintr"); }),
      plan_of("spurious", [](Name name, const Point&) { return ends_with(name, "/spurious"); }),
      plan_of("clock", [](Name name, const Point&) { return name.substr(0, 6) == "clock/"; }),
      plan_of("setup", [](Name, const Point& point) { return point.duty == Duty::report; }),
      plan_of("all", [](Name, const Point& point) { return point.duty != Duty::end; }),
  };
}

Plan parse_plan(const std::string& text) {
  return ends_with(text, ".toml") ? plan_from_file(text) : plan_from_list(text);
}

}  // namespace aiosim::fault
