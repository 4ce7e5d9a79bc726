#include "explore/choice_shrink.h"

#include <algorithm>
#include <utility>

#include "explore/replay.h"

namespace aiosim {
namespace {

// What a reader would rather not think about goes first.
constexpr Kind order[] = {Kind::fault, Kind::io_length,  Kind::time,     Kind::poll_order,
                          Kind::wake,  Kind::reads_from, Kind::cas_fail, Kind::sched};

std::uint64_t weight(const std::vector<Choice>& choices) {
  std::uint64_t sum = static_cast<std::uint64_t>(choices.size()) << 40;
  for (const Choice& choice : choices) sum += choice.value;
  return sum;
}

}  // namespace

// A replayed list may leave some choices unasked: what the run recorded is the new list, which is
// never longer and by construction fits strictly.
bool ChoiceShrink::accept(const std::vector<Choice>& candidate) {
  if (budget_.spent()) return false;
  Replayer replayer(candidate);
  RunResult run = trial_.run(replayer);
  budget_.spend(run);
  if (!wanted_.same_failure(run.verdict) || weight(run.choices) >= weight(choices_)) return false;
  choices_ = std::move(run.choices);
  return true;
}

// Chunks of all of them, of half, ... of one; the cursor stays where a chunk went, so that a pass
// is linear (LIBRARIES.md, "ddmin + cursor").
bool ChoiceShrink::remove(const std::function<bool(const Choice&)>& of_interest) {
  bool any = false;
  const auto left = [&] {
    return static_cast<std::size_t>(std::count_if(choices_.begin(), choices_.end(), of_interest));
  };
  for (std::size_t size = left(); size > 0; size /= 2) {
    for (std::size_t at = 0; at < left() && !budget_.spent();) {
      std::vector<Choice> candidate;
      std::size_t number = 0;
      for (const Choice& choice : choices_) {
        const bool counts = of_interest(choice);
        if (!counts || number < at || number >= at + size) candidate.push_back(choice);
        number += counts ? 1 : 0;
      }
      const bool gone = accept(candidate);
      any = any || gone;
      if (!gone) at += size;
    }
  }
  return any;
}

bool ChoiceShrink::lower() {
  bool any = false;
  for (std::size_t i = 0; i < choices_.size(); ++i) {
    for (std::uint32_t step = choices_[i].value - 1; step > 0; step /= 2) {
      std::vector<Choice> candidate = choices_;
      while (i < choices_.size() && candidate[i].value > step && !budget_.spent()) {
        candidate[i].value -= step;
        if (!accept(candidate)) break;
        any = true;
        candidate = choices_;
        if (i >= candidate.size()) return true;
      }
    }
  }
  return any;
}

const std::vector<Choice>& ChoiceShrink::shrink() {
  bool changed = true;
  while (changed && !budget_.spent()) {
    changed = remove([](const Choice&) { return true; });
    for (const Kind kind : order) {
      changed = remove([kind](const Choice& choice) { return choice.key.kind == kind; }) || changed;
    }
    changed = lower() || changed;
  }
  return choices_;
}

}  // namespace aiosim
