#include "cli/words.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>

#include "aiosim/verdict.h"

namespace aiosim::cli {
namespace {

bool read_number(std::string_view text, std::uint64_t& out) {
  const bool hex = text.starts_with("0x") || text.starts_with("0X");
  const std::string_view digits = hex ? text.substr(2) : text;
  const char* end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, out, hex ? 16 : 10);
  return error == std::errc() && stop == end && !digits.empty();
}

/// Levenshtein distance: words are short.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t substituted = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, substituted});
    }
  }
  return row[b.size()];
}

bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/// As many as a line of a terminal or two holds; `aiosim list` has them all.
std::string there_are(std::span<const std::string> known) {
  constexpr std::size_t most = 24;
  std::string out = "there are: " + join(known.first(std::min(most, known.size())), ", ");
  if (known.size() > most) {
    out += fmt::format(" and {} more (aiosim list)", known.size() - most);
  }
  return out;
}

}  // namespace

std::uint64_t parse_number(std::string_view what, std::string_view text, std::uint64_t least) {
  std::uint64_t number = 0;
  if (!read_number(text, number) || number < least) {
    throw BadInput(fmt::format("{}: expected a whole number from {} up, found '{}'", what, least,
                               one_line(text)));
  }
  return number;
}

bool is_number(std::string_view text) {
  std::uint64_t number = 0;
  return read_number(text, number);
}

double parse_duration(std::string_view what, std::string_view text) {
  double number = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number, std::chars_format::fixed);
  const std::string_view unit(stop, static_cast<std::size_t>(end - stop));
  double scale = 0;
  if (unit.empty() || unit == "s") scale = 1;
  if (unit == "ms") scale = 1e-3;
  if (unit == "m" || unit == "min") scale = 60;
  if (unit == "h") scale = 3600;
  const double seconds = number * scale;
  if (error != std::errc() || !std::isfinite(seconds) || seconds <= 0 || seconds > 1e9) {
    throw BadInput(fmt::format("{}: expected a duration such as 30s, 5m or 2h, found '{}'", what,
                               one_line(text)));
  }
  return seconds;
}

std::string closest(std::string_view word, std::span<const std::string> known) {
  std::string best;
  std::size_t best_distance = std::max<std::size_t>(1, word.size() / 3) + 1;
  for (const std::string& candidate : known) {
    const std::size_t d = distance(word, candidate);
    if (d < best_distance) {
      best_distance = d;
      best = candidate;
    }
  }
  return best;
}

void unknown_word(std::string_view what, std::string_view word,
                  std::span<const std::string> known) {
  const std::string near = closest(word, known);
  throw BadInput(fmt::format("no {} '{}'; {}{}", what, one_line(word),
                             near.empty() ? "" : fmt::format("did you mean '{}'? ", near),
                             known.empty() ? "there are none" : there_are(known)));
}

std::string join(std::span<const std::string> words, std::string_view between) {
  return fmt::format("{}", fmt::join(words.begin(), words.end(), between));
}

std::string slug(std::string_view text, std::size_t longest) {
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    std::size_t end = i;
    while (end < text.size() && is_word(text[end])) ++end;
    if (end > i) {
      const std::size_t separator = out.empty() ? 0 : 1;
      if (out.size() + separator + (end - i) > longest) break;
      if (separator != 0) out += '_';
      for (std::size_t j = i; j < end; ++j) {
        const char c = text[j];
        out += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
      }
    }
    i = end + 1;
  }
  return out;
}

std::string one_line(std::string_view text) {
  std::string out(text.substr(0, text.find('\n')));
  for (char& c : out) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) c = '?';
  }
  return out;
}

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      default: out += byte < 0x20 && c != '\n' && c != '\t' ? '?' : c;
    }
  }
  return out;
}

std::string with_commas(std::uint64_t number) {
  std::string digits = std::to_string(number);
  for (std::size_t at = digits.size(); at > 3;) {
    at -= 3;
    digits.insert(at, ",");
  }
  return digits;
}

}  // namespace aiosim::cli
