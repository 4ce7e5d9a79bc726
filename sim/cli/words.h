// Words of the command line: numbers, durations, near misses, lists. All errors are BadInput.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace aiosim::cli {

/// A whole number, decimal or 0x hexadecimal, of at least `least`; `what` names it in the error.
std::uint64_t parse_number(std::string_view what, std::string_view text, std::uint64_t least);

/// True if `text` is a whole number that parse_number takes.
bool is_number(std::string_view text);

/// "30s", "5m", "2h", "500ms" or a bare number of seconds, above 0; in seconds.
double parse_duration(std::string_view what, std::string_view text);

/// The word of `known` closest to `word` if it is close enough to be meant; else "".
std::string closest(std::string_view word, std::span<const std::string> known);

/// "no backend 'x'; did you mean 'y'? there are: ..." as BadInput.
[[noreturn]] void unknown_word(std::string_view what, std::string_view word,
                               std::span<const std::string> known);

std::string join(std::span<const std::string> words, std::string_view between);

/// Lower-case letters, digits and underscores, at most `longest` characters, cut between words.
std::string slug(std::string_view text, std::size_t longest);

/// The text up to its first line feed, control characters shown as '?': safe as one line.
std::string one_line(std::string_view text);

/// For XML and HTML, text and attributes; control characters that XML forbids become '?'.
std::string escaped(std::string_view text);

/// 1234567 as "1,234,567".
std::string with_commas(std::uint64_t number);

}  // namespace aiosim::cli
