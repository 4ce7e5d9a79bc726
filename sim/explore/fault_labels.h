// Fault strikes by point and count instead of by key: the numbers of a thread's fault questions
// depend on which points are armed, so a schedule can only move to a smaller plan by label.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "explore/replay.h"

namespace aiosim {

/// A thread strikes at its n-th question of a point.
struct Strike {
  std::uint32_t thread = 0;
  std::string point;
  std::uint32_t number = 0;
  auto operator<=>(const Strike&) const = default;
};

/// Replays choices by key, fault strikes by label.
class LabelReplayer final : public Chooser {
 public:
  LabelReplayer(std::vector<Choice> choices, std::set<Strike> strikes)
      : keyed_(std::move(choices)), strikes_(std::move(strikes)) {}

  void begin() override {
    keyed_.begin();
    asked_.clear();
    struck_.clear();
  }

  std::uint32_t choose(const Question& question) override {
    const std::uint32_t by_key = keyed_.choose(question);
    if (question.key.kind != Kind::fault) return by_key;
    Strike strike{question.key.thread, std::string(question.label), 0};
    strike.number = ++asked_[{strike.thread, strike.point}];
    const bool strikes = by_key != 0 || strikes_.contains(strike);
    if (strikes) struck_.insert(std::move(strike));
    return strikes ? 1 : 0;
  }

  /// Of the last run.
  const std::set<Strike>& struck() const { return struck_; }

 private:
  Replayer keyed_;
  std::set<Strike> strikes_;
  std::map<std::pair<std::uint32_t, std::string>, std::uint32_t> asked_;
  std::set<Strike> struck_;
};

}  // namespace aiosim
