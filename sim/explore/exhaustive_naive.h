// Every execution, one after the other: depth-first over the stream of choices.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "aiosim/choice.h"
#include "aiosim/exhaustive.h"
#include "explore/exhaustive_spurious.h"

namespace aiosim {

/// Each run follows the path that next() left and answers 0 from its end on. Answers that a bound
/// forbids are not tried.
class NaiveChooser final : public Chooser {
 public:
  explicit NaiveChooser(const ExhaustiveOptions& options) : options_(options) {}

  void begin() override;
  std::uint32_t choose(const Question& question) override;

  /// Prepares the next run; false if every execution was had.
  bool next(const RunResult& last);
  /// The last run asked other questions than the one before it under the same choices.
  bool went_astray() const { return astray_; }
  bool limited() const { return spurious_.limited(); }

 private:
  struct Step {
    ChoiceKey key;
    std::uint32_t answers = 0;
    std::uint32_t tried = 1;  // answers that are allowed: the first ones
    std::uint32_t value = 0;
  };
  /// What of each bound is left at this question of this run; nothing: no bound.
  std::optional<unsigned>* bound_of(const Question& question);
  static void spend(std::optional<unsigned>* bound, std::uint32_t value) {
    if (value != 0 && bound != nullptr && *bound) --**bound;
  }

  const ExhaustiveOptions& options_;
  std::vector<Step> path_;
  std::size_t at_ = 0;
  bool astray_ = false;
  SpuriousFailures spurious_;
  std::optional<unsigned> preemptions_;
  std::optional<unsigned> stale_reads_;
  std::optional<unsigned> faults_;
};

}  // namespace aiosim
