#include "explore/exhaustive_naive.h"

namespace aiosim {

void NaiveChooser::begin() {
  at_ = 0;
  astray_ = false;
  spurious_.begin();
  preemptions_ = options_.preemptions;
  stale_reads_ = options_.stale_reads;
  faults_ = options_.faults;
}

// A switch away from a thread that blocked, ended or gave way is no preemption.
std::optional<unsigned>* NaiveChooser::bound_of(const Question& question) {
  switch (question.key.kind) {
    case Kind::sched:
      return question.current_enabled ? &preemptions_ : nullptr;
    case Kind::reads_from:
      return &stale_reads_;
    case Kind::fault:
      return &faults_;
    default:
      return nullptr;
  }
}

std::uint32_t NaiveChooser::choose(const Question& question) {
  std::optional<unsigned>* bound = bound_of(question);
  const std::uint32_t sensible = spurious_.tried(question);
  if (at_ == path_.size()) {
    const bool spent = bound != nullptr && *bound && **bound == 0;
    path_.push_back({question.key, question.answers, spent ? 1 : sensible, 0});
  }
  const Step& step = path_[at_++];
  astray_ |= step.key != question.key || step.answers != question.answers;
  spend(bound, step.value);
  spurious_.answered(question, step.value);
  return step.value;
}

bool NaiveChooser::next(const RunResult&) {
  astray_ |= at_ < path_.size();
  while (!path_.empty() && path_.back().value + 1 == path_.back().tried) path_.pop_back();
  if (path_.empty()) return false;
  ++path_.back().value;
  return true;
}

}  // namespace aiosim
