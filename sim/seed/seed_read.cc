// Reads seed files. toml++ checks the TOML; everything after that is checked here, with the line.
#include <algorithm>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "aiosim/seed.h"
#include "seed/limits.h"
#include "seed/toml.h"

namespace aiosim {
namespace {

static_assert(TOML_MAX_NESTED_VALUES == seed_limits::nested_values);

/// Text of the file inside a message: short, and on one line whatever it holds.
std::string printable(std::string_view text) {
  constexpr std::size_t longest = 120;
  std::string out;
  for (const char c : text.substr(0, longest)) {
    const auto code = static_cast<unsigned char>(c);
    out += code < 0x20 || code >= 0x7f ? '?' : c;
  }
  if (text.size() > longest) out += "...";
  return out;
}

std::string describe(const toml::node& node) {
  if (const auto* text = node.as_string()) return '"' + printable(text->get()) + '"';
  if (const auto* number = node.as_integer()) return "integer " + std::to_string(number->get());
  if (node.is_boolean()) return "a boolean";
  if (node.is_floating_point()) return "a float";
  if (node.is_array()) return "an array";
  if (node.is_table()) return "a table";
  return "a date or time";
}

std::string quoted(std::string_view key) { return '\'' + std::string(key) + '\''; }

/// Where messages point to.
class Place {
 public:
  explicit Place(const std::string& where) : where_(where) {}

  [[noreturn]] void fail(std::size_t line, const std::string& expected,
                         const std::string& found) const {
    throw BadInput(where_ + ':' + std::to_string(std::max<std::size_t>(line, 1)) + ": expected " +
                   expected + ", found " + found);
  }
  [[noreturn]] void fail(const toml::node& node, const std::string& expected) const {
    fail(node.source().begin.line, expected, describe(node));
  }

 private:
  const std::string& where_;
};

/// One table of the file with the keys that it may have.
class Fields {
 public:
  Fields(const Place& place, const toml::table& table, std::initializer_list<const char*> keys)
      : place_(place), table_(table) {
    std::string expected = "one of the keys";
    for (const char* key : keys) expected += ' ' + std::string(key);
    const toml::key* first = nullptr;  // in the file, so that messages do not depend on sorting
    for (auto&& [key, node] : table) {
      const auto known = [&name = key](const char* one) { return name.str() == one; };
      if (std::any_of(keys.begin(), keys.end(), known)) continue;
      if (first == nullptr || key.source().begin < first->source().begin) first = &key;
    }
    if (first != nullptr) {
      place.fail(first->source().begin.line, expected,
                 "the key '" + printable(first->str()) + '\'');
    }
  }

  std::size_t line() const { return table_.source().begin.line; }
  const toml::node* find(std::string_view key) const { return table_.get(key); }

  const toml::node& need(std::string_view key) const {
    const toml::node* node = find(key);
    if (node == nullptr) place_.fail(line(), "the key " + quoted(key), "none");
    return *node;
  }

  std::string text(std::string_view key) const {
    const toml::node& node = need(key);
    if (!node.is_string()) place_.fail(node, "a string for " + quoted(key));
    return node.as_string()->get();
  }

  std::uint64_t number(std::string_view key, std::uint64_t low, std::uint64_t high) const {
    const toml::node& node = need(key);
    const auto* number = node.as_integer();
    const bool fits = number != nullptr && number->get() >= 0 &&
                      static_cast<std::uint64_t>(number->get()) >= low &&
                      static_cast<std::uint64_t>(number->get()) <= high;
    if (!fits) {
      place_.fail(node, "an integer from " + std::to_string(low) + " to " + std::to_string(high) +
                            " for " + quoted(key));
    }
    return static_cast<std::uint64_t>(number->get());
  }
  std::uint32_t number32(std::string_view key, std::uint32_t low, std::uint32_t high) const {
    return static_cast<std::uint32_t>(number(key, low, high));
  }

  /// A hex string, or (where `or_integer`) an integer from 0.
  std::uint64_t word(std::string_view key, bool or_integer) const {
    const toml::node& node = need(key);
    if (or_integer && node.is_integer()) return number(key, 0, INT64_MAX);
    std::uint64_t value = 0;
    if (!node.is_string() || !parse_hex(node.as_string()->get(), value)) {
      place_.fail(node, std::string(or_integer ? "an integer from 0, or " : "") +
                            "\"0x\" and 1 to 16 hex digits for " + quoted(key));
    }
    return value;
  }

  std::vector<std::string> strings(std::string_view key) const {
    const toml::node& node = need(key);
    if (!node.is_array()) place_.fail(node, "an array of strings for " + quoted(key));
    std::vector<std::string> out;
    for (const toml::node& one : *node.as_array()) {
      if (!one.is_string()) place_.fail(one, "a string in " + quoted(key));
      out.push_back(one.as_string()->get());
    }
    return out;
  }

 private:
  static bool parse_hex(std::string_view text, std::uint64_t& value) {
    if (text.size() < 3 || text.size() > 18 || text.substr(0, 2) != "0x") return false;
    for (const char c : text.substr(2)) {
      const bool digit = c >= '0' && c <= '9';
      if (!digit && (c < 'a' || c > 'f')) return false;
      value = value * 16 + static_cast<std::uint64_t>(digit ? c - '0' : c - 'a' + 10);
    }
    return true;
  }

  const Place& place_;
  const toml::table& table_;
};

/// A decimal number without sign, leading zeros or anything after it; false if it is none.
bool parse_number(std::string_view text, std::uint32_t& value) {
  if (text.empty() || text.size() > 10 || (text.size() > 1 && text[0] == '0')) return false;
  std::uint64_t wide = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return false;
    wide = wide * 10 + static_cast<std::uint64_t>(c - '0');
  }
  value = static_cast<std::uint32_t>(wide);
  return wide <= UINT32_MAX;
}

/// "T2 sched 14".
bool parse_key(std::string_view text, ChoiceKey& key) {
  const std::size_t first = text.find(' ');
  const std::size_t second = text.rfind(' ');
  if (first == std::string_view::npos || second <= first || text[0] != 'T') return false;
  return parse_number(text.substr(1, first - 1), key.thread) &&
         parse_kind(text.substr(first + 1, second - first - 1), key.kind) &&
         parse_number(text.substr(second + 1), key.number) && key.number >= 1;
}

Choice read_choice(const Place& place, const toml::node& node) {
  if (!node.is_table()) place.fail(node, "a table { at, pick, of, operation, object }");
  const Fields fields(place, *node.as_table(), {"at", "pick", "of", "operation", "object"});
  Choice choice;
  if (!parse_key(fields.text("at"), choice.key)) {
    place.fail(fields.need("at"), "\"T<thread> <kind> <number from 1>\" for 'at'");
  }
  choice.answers = fields.number32("of", 2, UINT32_MAX);
  choice.value = fields.number32("pick", 1, choice.answers - 1);
  choice.operation = fields.text("operation");
  choice.object = fields.text("object");
  return choice;
}

void read_schedule(const Place& place, const toml::node& node, SeedFile& seed) {
  if (!node.is_table()) place.fail(node, "a table [schedule]");
  const Fields fields(place, *node.as_table(), {"choices", "trace_hash"});
  const toml::node& choices = fields.need("choices");
  if (!choices.is_array()) place.fail(choices, "an array of choices");
  std::set<ChoiceKey> seen;
  for (const toml::node& one : *choices.as_array()) {
    seed.choices.push_back(read_choice(place, one));
    if (!seen.insert(seed.choices.back().key).second) {
      place.fail(one.source().begin.line, "each choice once", "a second one with the same 'at'");
    }
  }
  seed.trace_hash = fields.word("trace_hash", false);
}

void read_program(const Place& place, const toml::node& node, SeedFile& seed) {
  if (!node.is_array()) place.fail(node, "tables [[program]]");
  for (const toml::node& one : *node.as_array()) {
    if (!one.is_table()) place.fail(one, "a table [[program]]");
    const Fields fields(place, *one.as_table(), {"part", "ops"});
    seed.program.parts.push_back({fields.text("part"), fields.strings("ops")});
  }
}

void read_faults(const Place& place, const toml::node& node, SeedFile& seed) {
  if (!node.is_table()) place.fail(node, "a table [faults]");
  const Fields fields(place, *node.as_table(), {"points", "limit"});
  seed.faults = fields.strings("points");
  seed.fault_limit = fields.number32("limit", 0, UINT32_MAX);
}

void read_found(const Place& place, const toml::node& node, SeedFile& seed) {
  if (!node.is_table()) place.fail(node, "a table [found]");
  const Fields fields(place, *node.as_table(), {"root_seed", "run", "by"});
  seed.root_seed = fields.word("root_seed", true);
  seed.run_number = fields.word("run", true);
  seed.found_by = fields.text("by");
}

void read_verdict(const Place& place, const Fields& fields, Verdict& verdict) {
  if (!parse_verdict(fields.text("verdict"), verdict.kind)) {
    std::string expected = "a verdict (";
    for (std::size_t i = 0; i < static_cast<std::size_t>(VerdictKind::count_); ++i) {
      expected += (i == 0 ? "" : ", ") + std::string(name(static_cast<VerdictKind>(i)));
    }
    place.fail(fields.need("verdict"), expected + ")");
  }
  verdict.rule = fields.text("rule");
  const std::vector<std::string> lines = fields.strings("text");
  for (std::size_t i = 0; i < lines.size(); ++i) verdict.text += (i == 0 ? "" : "\n") + lines[i];
}

SeedFile read_root(const Place& place, const toml::table& table) {
  const auto* version = table.get("version");
  if (version != nullptr && version->is_integer() &&
      version->as_integer()->get() > SeedFile::current_version) {
    place.fail(*version, "a seed file of version " + std::to_string(SeedFile::current_version) +
                             " (a newer aiosim wrote this one)");
  }
  const Fields fields(place, table,
                      {"version", "happens", "property", "rule", "backend", "verdict", "text",
                       "memory", "max_points", "searched", "program", "faults", "schedule",
                       "found"});
  SeedFile seed;
  seed.version = static_cast<int>(fields.number("version", 1, SeedFile::current_version));
  seed.happens = fields.text("happens");
  seed.property = fields.text("property");
  seed.backend = fields.text("backend");
  read_verdict(place, fields, seed.verdict);
  const std::string memory = fields.text("memory");
  if (memory != "weak" && memory != "sc") place.fail(fields.need("memory"), "\"weak\" or \"sc\"");
  seed.memory = memory == "weak" ? MemoryMode::weak : MemoryMode::sc;
  seed.max_points = fields.number("max_points", 1, INT64_MAX);
  if (const auto* searched = fields.find("searched")) {
    if (!searched->is_boolean()) place.fail(*searched, "true or false for 'searched'");
    seed.searched = searched->as_boolean()->get();
  }
  if (const auto* program = fields.find("program")) read_program(place, *program, seed);
  if (const auto* faults = fields.find("faults")) read_faults(place, *faults, seed);
  read_schedule(place, fields.need("schedule"), seed);
  read_found(place, fields.need("found"), seed);
  return seed;
}

/// toml++ is given only what it can hold without exhausting stack or memory.
void check_bounds(const Place& place, std::string_view text) {
  if (text.size() > seed_limits::file_bytes) {
    place.fail(1, "a seed file of at most 4 MiB", std::to_string(text.size()) + " bytes");
  }
  std::size_t line = 1;
  std::size_t dots = 0;
  for (const char c : text) {
    if (c == '\n') {
      ++line;
      dots = 0;
    } else if (c == '.' && ++dots > seed_limits::dots_per_line) {
      place.fail(line, "at most " + std::to_string(seed_limits::dots_per_line) + " dots on a line",
                 "more");
    }
  }
}

bool gives_up(std::string_view text) {
  try {
    static_cast<void>(toml::parse(text, std::string_view()).succeeded());
    return false;
  } catch (const ParserGaveUp&) {
    return true;
  }
}

/// The line where the parser gave up: it reads from the start, so the shortest run of lines that
/// makes it do so ends there.
std::size_t line_of_giving_up(std::string_view text) {
  std::vector<std::size_t> ends;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\n') ends.push_back(i + 1);
  }
  ends.push_back(text.size());
  const auto fits = [&](std::size_t end) { return !gives_up(text.substr(0, end)); };
  const auto line = std::partition_point(ends.begin(), ends.end(), fits);
  return static_cast<std::size_t>(line - ends.begin()) + 1;
}

toml::table parse_toml(const Place& place, std::string_view text) {
  try {
    toml::parse_result parsed = toml::parse(text, std::string_view());
    if (parsed) return std::move(parsed).table();
    const toml::parse_error& error = parsed.error();
    place.fail(error.source().begin.line, "TOML",
               "an error in it: " + printable(error.description()));
  } catch (const ParserGaveUp&) {
    place.fail(line_of_giving_up(text), "TOML", "an error in it");
  }
}

}  // namespace

SeedFile parse_seed(const std::string& text, const std::string& where) {
  const Place place(where);
  check_bounds(place, text);
  return read_root(place, parse_toml(place, text));
}

}  // namespace aiosim
