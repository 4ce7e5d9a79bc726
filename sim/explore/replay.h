// Answers from a sparse list of choices, by key; everything else is answered 0.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "aiosim/choice.h"
#include "aiosim/run.h"

namespace aiosim {

class Replayer final : public Chooser {
 public:
  explicit Replayer(std::vector<Choice> choices);

  void begin() override;
  std::uint32_t choose(const Question& question) override;

  /// Raises SIGTRAP at the first question at or after `step` (0: never), where a debugger takes
  /// over on the stack of the code under test.
  void stop_at(std::uint64_t step) { stop_at_ = step; }
  bool is_to_stop() const { return stop_at_ != 0; }  // at a step that has not come yet

  /// Choices that found no question, or one with too few answers (they were answered 0).
  std::size_t unmatched() const;

  /// What does not fit `run`, which this chooser has just answered: the first choice whose question
  /// had another number of answers, was asked at another operation or object, or never came.
  /// Nothing if all fit.
  std::optional<std::string> misfit(const RunResult& run) const;

  std::uint64_t scheduling_questions() const { return scheduling_questions_; }

 private:
  struct Entry {
    ChoiceKey key;
    std::uint32_t answers;
    std::uint32_t value;
    std::size_t index;            // in choices_
    std::uint32_t found_answers;  // 0: not asked
    std::uint64_t step;
  };
  std::string describe(const Entry& entry) const;
  std::string compare(const Entry& entry, const Choice& recorded) const;

  std::vector<Choice> choices_;
  std::vector<Entry> entries_;  // by key
  std::uint64_t stop_at_ = 0;
  std::uint64_t last_step_ = 0;
  std::uint64_t scheduling_questions_ = 0;
};

}  // namespace aiosim
