// Spurious failures of weak compare-exchanges in an exhaustive search: not twice in a row.
#pragma once

#include <array>
#include <cstdint>

#include "aiosim/choice.h"

namespace aiosim {

/// A loop around a weak compare-exchange could fail for ever. One spurious failure in a row at one
/// place takes such a loop back to where it was, so further ones show nothing new, unless the code
/// counts them. Result::text says so if it mattered.
class SpuriousFailures {
 public:
  void begin() { failed_at_.fill(nullptr); }

  /// How many of the answers to `question` are to be tried.
  std::uint32_t tried(const Question& question) {
    if (question.key.kind != Kind::cas_fail || failed_at(question) != question.pc ||
        question.pc == nullptr) {
      return question.answers;
    }
    limited_ = true;
    return 1;
  }
  void answered(const Question& question, std::uint32_t value) {
    if (question.key.kind != Kind::cas_fail) return;
    failed_at(question) = value != 0 ? question.pc : nullptr;
  }
  bool limited() const { return limited_; }

 private:
  const void*& failed_at(const Question& question) {
    return failed_at_[question.key.thread % failed_at_.size()];
  }

  std::array<const void*, 32> failed_at_{};  // by thread: the last one, if it failed
  bool limited_ = false;
};

}  // namespace aiosim
