// Writes seed files: a fixed order of keys, one operation and one choice a line.
#include <string>
#include <string_view>

#include "aiosim/seed.h"
#include "seed/limits.h"

namespace aiosim {
namespace {

constexpr std::string_view hex_digits = "0123456789abcdef";

void append_hex(std::string& out, std::uint64_t value, int digits) {
  for (int shift = (digits - 1) * 4; shift >= 0; shift -= 4) {
    out += hex_digits[(value >> shift) & 0xf];
  }
}

void append_escape(std::string& out, unsigned code) {
  out += "\\u";
  append_hex(out, code, 4);
}

/// Length in bytes of the UTF-8 sequence at `text`'s start, 0 if it is none.
std::size_t utf8_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const auto follows = [&](std::size_t n) {
    if (text.size() <= n) return false;
    for (std::size_t i = 1; i <= n; ++i) {
      if ((byte(i) & 0xc0) != 0x80) return false;
    }
    return true;
  };
  const unsigned char first = byte(0);
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first <= 0xdf) return follows(1) ? 2 : 0;
  if (first >= 0xe0 && first <= 0xef) {
    if (!follows(2)) return 0;
    if (first == 0xe0 && byte(1) < 0xa0) return 0;   // longer than needed
    if (first == 0xed && byte(1) >= 0xa0) return 0;  // a surrogate
    return 3;
  }
  if (first >= 0xf0 && first <= 0xf4) {
    if (!follows(3)) return 0;
    if (first == 0xf0 && byte(1) < 0x90) return 0;
    if (first == 0xf4 && byte(1) >= 0x90) return 0;  // beyond U+10FFFF
    return 4;
  }
  return 0;
}

void append_ascii(std::string& out, char c, std::size_t& dots) {
  switch (c) {
    case '"':
      out += "\\\"";
      return;
    case '\\':
      out += "\\\\";
      return;
    case '\n':
      out += "\\n";
      return;
    case '\t':
      out += "\\t";
      return;
    case '\r':
      out += "\\r";
      return;
    case '.':
      // read_seed refuses lines with very many dots (limits.h): keep below that.
      if (++dots > seed_limits::dots_per_string) return append_escape(out, '.');
      out += c;
      return;
    default:
      break;
  }
  const auto code = static_cast<unsigned char>(c);
  if (code < 0x20 || code == 0x7f) return append_escape(out, code);
  out += c;
}

/// A TOML basic string. Bytes that are no UTF-8 become U+FFFD: a TOML file cannot hold them.
void append_quoted(std::string& out, std::string_view text) {
  std::size_t dots = 0;
  out += '"';
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    if (length == 0) append_escape(out, 0xfffd);
    if (length == 1) append_ascii(out, text.front(), dots);
    if (length > 1) out += text.substr(0, length);
    text.remove_prefix(length == 0 ? 1 : length);
  }
  out += '"';
}

void append_key(std::string& out, std::string_view key) {
  out += key;
  out += " = ";
}

void append_text(std::string& out, std::string_view key, std::string_view value) {
  append_key(out, key);
  append_quoted(out, value);
  out += '\n';
}

/// A TOML integer where it fits one (int64), a hex string beyond.
void append_number(std::string& out, std::string_view key, std::uint64_t value) {
  append_key(out, key);
  if (value <= static_cast<std::uint64_t>(INT64_MAX)) {
    out += std::to_string(value);
  } else {
    out += "\"0x";
    append_hex(out, value, 16);
    out += '"';
  }
  out += '\n';
}

template <typename Strings>
void append_list(std::string& out, std::string_view key, const Strings& strings) {
  append_key(out, key);
  out += '[';
  for (const auto& one : strings) {
    out += "\n  ";
    append_quoted(out, one);
    out += ',';
  }
  out += strings.empty() ? "]\n" : "\n]\n";
}

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  if (text.empty()) return lines;
  for (;;) {
    const std::size_t end = text.find('\n');
    lines.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return lines;
    text.remove_prefix(end + 1);
  }
}

void append_choice(std::string& out, const Choice& choice) {
  out += "  { at = \"T" + std::to_string(choice.key.thread) + ' ';
  out += name(choice.key.kind);
  out += ' ' + std::to_string(choice.key.number) + "\", pick = " + std::to_string(choice.value);
  out += ", of = " + std::to_string(choice.answers) + ", operation = ";
  append_quoted(out, choice.operation);
  out += ", object = ";
  append_quoted(out, choice.object);
  out += " },\n";
}

void append_head(std::string& out, const SeedFile& seed) {
  out += "# `aiosim replay FILE` runs this again. The format: sim/seed/README.md\n";
  append_number(out, "version", static_cast<std::uint64_t>(seed.version));
  append_text(out, "happens", seed.happens);
  append_text(out, "property", seed.property);
  append_text(out, "rule", seed.verdict.rule);
  append_text(out, "backend", seed.backend);
  append_text(out, "verdict", name(seed.verdict.kind));
  append_list(out, "text", lines_of(seed.verdict.text));
  append_text(out, "memory", seed.memory == MemoryMode::weak ? "weak" : "sc");
  append_number(out, "max_points", seed.max_points);
  if (seed.searched) out += "searched = true\n";
}

}  // namespace

std::string seed_text(const SeedFile& seed) {
  std::string out;
  append_head(out, seed);
  for (const Program::Part& part : seed.program.parts) {
    out += "\n[[program]]\n";
    append_text(out, "part", part.name);
    append_list(out, "ops", part.ops);
  }
  if (!seed.faults.empty() || seed.fault_limit != 0) {
    out += "\n[faults]\n";
    append_list(out, "points", seed.faults);
    append_number(out, "limit", seed.fault_limit);
  }
  out += "\n[schedule]\nchoices = [\n";
  for (const Choice& choice : seed.choices) append_choice(out, choice);
  out += "]\ntrace_hash = \"0x";
  append_hex(out, seed.trace_hash, 16);
  // A string must come last: so every shorter file is either incomplete or equal.
  out += "\"\n\n[found]\n";
  append_number(out, "root_seed", seed.root_seed);
  append_number(out, "run", seed.run_number);
  append_text(out, "by", seed.found_by);
  return out;
}

}  // namespace aiosim
