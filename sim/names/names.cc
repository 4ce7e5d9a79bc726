// The words of seed files and reports for kinds and verdicts.
#include <array>

#include "aiosim/choice.h"
#include "aiosim/verdict.h"

namespace aiosim {
namespace {

constexpr std::array<std::string_view, kind_count> kind_names = {
    "sched", "reads_from", "cas_fail", "wake", "time", "poll_order", "io_length", "fault"};

constexpr std::array<std::string_view, static_cast<std::size_t>(VerdictKind::count_)>
    verdict_names = {"pass",           "rule broken", "deadlock", "progress only by timeout",
                     "livelock",       "data race",   "use after free", "double free",
                     "crash",          "escaped exception", "not deterministic", "leak",
                     "invalid free",   "out of bounds", "use after return"};

template <typename Names, typename Enum>
bool parse(const Names& names, std::string_view word, Enum& out) {
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names[i] == word) {
      out = static_cast<Enum>(i);
      return true;
    }
  }
  return false;
}

}  // namespace

std::string_view name(Kind kind) { return kind_names[static_cast<std::size_t>(kind)]; }
bool parse_kind(std::string_view word, Kind& kind) { return parse(kind_names, word, kind); }

std::string_view name(VerdictKind kind) { return verdict_names[static_cast<std::size_t>(kind)]; }
bool parse_verdict(std::string_view phrase, VerdictKind& kind) {
  return parse(verdict_names, phrase, kind);
}

}  // namespace aiosim
