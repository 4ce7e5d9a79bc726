#include "outcomes.h"

#include <algorithm>
#include <cctype>
#include <iterator>
#include <sstream>
#include <stdexcept>

namespace litmus {

namespace {

bool is_outcome(const std::string& word) {
  return word == "race" || std::all_of(word.begin(), word.end(), [](char c) {
           return c == '?' || std::isdigit(static_cast<unsigned char>(c)) != 0;
         });
}

/// Each ? stands for 0 and for 1.
void expand(std::string word, Outcomes& into) {
  const std::size_t at = word.find('?');
  if (at == std::string::npos) {
    into.insert(std::move(word));
    return;
  }
  for (const char digit : {'0', '1'}) {
    word[at] = digit;
    expand(word, into);
  }
}

}  // namespace

Outcomes without(const Outcomes& from, const Outcomes& taken) {
  Outcomes left;
  std::set_difference(from.begin(), from.end(), taken.begin(), taken.end(),
                      std::inserter(left, left.end()));
  return left;
}

Outcomes parse_outcomes(std::string_view text) {
  std::istringstream words{std::string(text)};
  Outcomes allowed, taken;
  bool but = false;
  for (std::string word; words >> word;) {
    if (word == "but" && !but) {
      but = true;
    } else if (is_outcome(word)) {
      expand(word, but ? taken : allowed);
    } else {
      throw std::invalid_argument("outcomes '" + std::string(text) + "': '" + word +
                                  "': expected digits, ?, race or one 'but'");
    }
  }
  if (!std::includes(allowed.begin(), allowed.end(), taken.begin(), taken.end())) {
    throw std::invalid_argument("outcomes '" + std::string(text) +
                                "': what comes after 'but' is not in what comes before");
  }
  return without(allowed, taken);
}

std::string outcome_of(const Registers& registers, const aiosim::Verdict& verdict) {
  if (verdict.kind == aiosim::VerdictKind::data_race) return "race";
  if (!verdict.passed()) return std::string(aiosim::name(verdict.kind)) + ": " + verdict.text;
  std::string text;
  for (std::size_t i = 0; i < registers.count(); ++i) text += std::to_string(registers[i]);
  return text;
}

std::string join(const Outcomes& outcomes) {
  std::string text;
  for (const std::string& outcome : outcomes) text += (text.empty() ? "" : " ") + outcome;
  return text;
}

std::string difference(const Outcomes& allowed, const Outcomes& found) {
  std::string text;
  if (const Outcomes more = without(found, allowed); !more.empty()) {
    text += "found and not allowed: " + join(more);
  }
  if (const Outcomes less = without(allowed, found); !less.empty()) {
    text += (text.empty() ? "" : "; ") + std::string("allowed and not found: ") + join(less);
  }
  return text;
}

}  // namespace litmus
