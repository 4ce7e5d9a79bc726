#include "cli/museum_file.h"

#include <fmt/format.h>

#include <fstream>
#include <iterator>

#include "seed/toml.h"

namespace aiosim::cli {
namespace {

std::string where(const std::string& path, const toml::node& node) {
  return fmt::format("{}:{}", path, node.source().begin.line);
}

std::string text(const std::string& path, const toml::table& entry, const char* key) {
  const toml::node* node = entry.get(key);
  if (node == nullptr) {
    throw BadInput(fmt::format("{}: expected {} = \"...\" in the exhibit, found none",
                               where(path, entry), key));
  }
  const auto value = node->value<std::string>();
  if (!node->is_string() || !value) {
    throw BadInput(fmt::format("{}: expected a text for {}", where(path, *node), key));
  }
  return *value;
}

Exhibit read_exhibit(const std::string& path, const toml::table& entry) {
  Exhibit exhibit;
  exhibit.name = text(path, entry, "name");
  exhibit.bug = text(path, entry, "bug");
  exhibit.rule = text(path, entry, "rule");
  exhibit.property = text(path, entry, "property");
  exhibit.backend = text(path, entry, "backend");
  exhibit.faults = text(path, entry, "faults");
  exhibit.seed_file = text(path, entry, "seed_file");
  exhibit.sentence = text(path, entry, "sentence");
  const std::string verdict = text(path, entry, "verdict");
  if (!parse_verdict(verdict, exhibit.verdict)) {
    throw BadInput(fmt::format("{}: expected a verdict such as \"deadlock\", found \"{}\"",
                               where(path, *entry.get("verdict")), verdict));
  }
  return exhibit;
}

toml::table parse(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw BadInput(path + ": cannot be read; the build makes it of fault/museum");
  const std::string content{std::istreambuf_iterator<char>(file), {}};
  try {
    toml::parse_result parsed = toml::parse(content, std::string_view(path));
    if (parsed) return std::move(parsed).table();
    const toml::parse_error& error = parsed.error();
    throw BadInput(fmt::format("{}:{}: {}", path, error.source().begin.line, error.description()));
  } catch (const ParserGaveUp&) {
    throw BadInput(path + ": expected TOML, found an error in it");
  }
}

}  // namespace

std::vector<Exhibit> read_museum(const std::string& path) {
  const toml::table document = parse(path);
  std::vector<Exhibit> exhibits;
  const toml::node* entries = document.get("exhibit");
  if (entries == nullptr) return exhibits;
  if (!entries->is_array_of_tables()) {
    throw BadInput(fmt::format("{}: expected [[exhibit]] entries", where(path, *entries)));
  }
  for (const toml::node& entry : *entries->as_array()) {
    exhibits.push_back(read_exhibit(path, *entry.as_table()));
  }
  return exhibits;
}

}  // namespace aiosim::cli
