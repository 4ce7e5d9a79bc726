#include "cli/catalog.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "cli/words.h"
#include "explore/strategy.h"

namespace aiosim::cli {
namespace {

namespace fs = std::filesystem;

std::string find_prefix() {
  std::error_code error;
  const fs::path self = fs::read_symlink("/proc/self/exe", error);
  if (error) throw BadInput("/proc/self/exe: cannot be read: " + error.message());
  return self.parent_path().parent_path().string();
}

std::vector<std::string> modules_in(const fs::path& folder) {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    if (it->path().extension() == ".so") names.push_back(it->path().stem().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

constexpr std::string_view exhibit_prefix = "exhibit-";

}  // namespace

Catalog::Catalog(const Suite& suite)
    : suite_(suite),
      prefix_(find_prefix()),
      backends_(modules_in(fs::path(prefix_) / "lib/aiosim")),
      exhibit_modules_(modules_in(fs::path(prefix_) / "lib/aiosim/exhibits")) {}

std::vector<std::string> Catalog::property_names() const {
  std::vector<std::string> names;
  for (const auto& property : suite_.properties) names.emplace_back(property->name());
  return names;
}

std::vector<std::string> Catalog::rule_names() const {
  std::vector<std::string> names;
  for (const Rule& rule : suite_.rules) names.push_back(rule.name);
  return names;
}

std::vector<std::string> Catalog::plan_names() const {
  std::vector<std::string> names;
  for (const fault::Plan& plan : fault::built_in_plans()) names.push_back(plan.name);
  return names;
}

const Property& Catalog::property(const std::string& name) const {
  for (const auto& property : suite_.properties) {
    if (property->name() == name) return *property;
  }
  unknown_word("property", name, property_names());
}

std::vector<const Property*> Catalog::properties(const std::vector<std::string>& names) const {
  std::vector<const Property*> found;
  const bool all = names.empty() || contains(names, "all");
  for (const auto& property : suite_.properties) {
    if (all) found.push_back(property.get());
  }
  for (const std::string& name : names) {
    if (name == "all") continue;
    const Property* one = &property(name);
    if (std::find(found.begin(), found.end(), one) == found.end()) found.push_back(one);
  }
  return found;
}

const Backend& Catalog::load(const std::string& name, const std::string& file, bool exhibit) {
  const auto known = loaded_.find(file);
  if (known != loaded_.end()) return known->second;
  Backend backend;
  backend.module = std::make_shared<Module>(file, suite_.entry_symbol);
  suite_.describe(backend);
  if (backend.name.empty()) backend.name = name;
  if (exhibit) {
    backend.base = backend.name;
    for (const Exhibit& one : exhibits()) {
      if (one.name == name) backend.base = one.backend;
    }
    backend.name = name;
  }
  return loaded_.emplace(file, std::move(backend)).first->second;
}

const Backend& Catalog::backend(const std::string& name_or_file) {
  const fs::path folder = fs::path(prefix_) / "lib/aiosim";
  if (name_or_file.find('/') != std::string::npos || name_or_file.ends_with(".so")) {
    const fs::path file(name_or_file);
    const bool exhibit = file.parent_path().filename() == "exhibits";
    return load(file.stem().string(), fs::absolute(file).lexically_normal().string(), exhibit);
  }
  if (contains(backends_, name_or_file)) {
    return load(name_or_file, (folder / (name_or_file + ".so")).string(), false);
  }
  std::string exhibit = name_or_file;
  if (exhibit.starts_with(exhibit_prefix)) exhibit.erase(0, exhibit_prefix.size());
  if (contains(exhibit_modules_, exhibit)) {
    return load(exhibit, (folder / "exhibits" / (exhibit + ".so")).string(), true);
  }
  std::vector<std::string> known = backends_;
  known.insert(known.end(), exhibit_modules_.begin(), exhibit_modules_.end());
  const std::string near = closest(name_or_file, known);
  throw BadInput(fmt::format(
      "no backend '{}'; {}there are: {}; and exhibits (aiosim list exhibits), and your own by "
      "--backend FILE.so",
      one_line(name_or_file), near.empty() ? "" : fmt::format("did you mean '{}'? ", near),
      backends_.empty() ? "none built in" : join(backends_, ", ")));
}

std::vector<const Backend*> Catalog::backends(const std::vector<std::string>& names) {
  std::vector<const Backend*> found;
  for (const std::string& name : names.empty() ? backends_ : names) {
    const Backend* one = &backend(name);
    if (std::find(found.begin(), found.end(), one) == found.end()) found.push_back(one);
  }
  if (found.empty()) {
    throw BadInput(fmt::format("no backends: expected modules in {}/lib/aiosim", prefix_));
  }
  return found;
}

std::vector<fault::Plan> Catalog::plans(const std::string& text) const {
  if (text != "each") return {fault::parse_plan(text.empty() ? "none" : text)};
  std::vector<fault::Plan> plans = {fault::Plan{}};
  for (fault::Plan& plan : fault::built_in_plans()) {
    if (!plan.empty()) plans.push_back(std::move(plan));
  }
  return plans;
}

void Catalog::check_strategy(const std::string& name) const {
  std::vector<std::string> known;
  for (const StrategyName& strategy : strategies()) known.emplace_back(strategy.name);
  if (!contains(known, name)) unknown_word("strategy", name, known);
}

std::vector<Exhibit> Catalog::exhibits() const {
  return read_museum((fs::path(prefix_) / "share/aiosim/museum.toml").string());
}

}  // namespace aiosim::cli
