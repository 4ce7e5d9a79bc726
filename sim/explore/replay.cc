#include "explore/replay.h"

#include <algorithm>
#include <utility>

namespace aiosim {
namespace {

void trap() {
#if defined(__x86_64__) || defined(__i386__)
  asm volatile("int3");  // raise() would go to the thread that lent its control block
#else
  __builtin_trap();
#endif
}

}  // namespace

Replayer::Replayer(std::vector<Choice> choices) : choices_(std::move(choices)) {
  entries_.reserve(choices_.size());
  for (std::size_t i = 0; i < choices_.size(); ++i) {
    const Choice& choice = choices_[i];
    entries_.push_back({choice.key, choice.answers, choice.value, i, 0, 0});
  }
  std::sort(entries_.begin(), entries_.end(),
            [](const Entry& a, const Entry& b) { return a.key < b.key; });
}

void Replayer::begin() {
  for (Entry& entry : entries_) entry.found_answers = 0;
  last_step_ = 0;
  scheduling_questions_ = 0;
}

std::uint32_t Replayer::choose(const Question& question) {
  last_step_ = question.step;
  if (question.key.kind == Kind::sched) ++scheduling_questions_;
  if (stop_at_ != 0 && question.step >= stop_at_) {
    stop_at_ = 0;
    trap();
  }
  const auto entry =
      std::lower_bound(entries_.begin(), entries_.end(), question.key,
                       [](const Entry& a, const ChoiceKey& key) { return a.key < key; });
  if (entry == entries_.end() || entry->key != question.key) return 0;
  entry->found_answers = question.answers;
  entry->step = question.step;
  return entry->value < question.answers ? entry->value : 0;
}

std::size_t Replayer::unmatched() const {
  return static_cast<std::size_t>(
      std::count_if(entries_.begin(), entries_.end(),
                    [](const Entry& entry) { return entry.found_answers <= entry.value; }));
}

std::string Replayer::describe(const Entry& entry) const {
  const Choice& choice = choices_[entry.index];
  std::string text = "choice " + std::to_string(entry.index + 1) + " (T" +
                     std::to_string(entry.key.thread) + ' ' + std::string(name(entry.key.kind)) +
                     ' ' + std::to_string(entry.key.number);
  if (!choice.operation.empty()) text += ", " + choice.operation;
  if (!choice.object.empty()) text += " of " + choice.object;
  return text + ")";
}

// Names that a person has left empty are not compared.
std::string Replayer::compare(const Entry& entry, const Choice& recorded) const {
  const Choice& choice = choices_[entry.index];
  const std::string at = describe(entry) + " does not fit at step " + std::to_string(entry.step);
  if (!choice.operation.empty() && choice.operation != recorded.operation) {
    return at + ": expected " + choice.operation + ", found " + recorded.operation;
  }
  if (!choice.object.empty() && choice.object != recorded.object) {
    return at + ": expected " + choice.object + ", found " +
           (recorded.object.empty() ? "no object" : recorded.object);
  }
  return "";
}

std::optional<std::string> Replayer::misfit(const RunResult& run) const {
  const Entry* first = nullptr;
  for (const Entry& entry : entries_) {
    const bool fits = entry.found_answers == entry.answers;
    if (!fits && (first == nullptr || entry.index < first->index)) first = &entry;
  }
  if (first == nullptr) {
    for (const Choice& recorded : run.choices) {
      const auto entry = std::find_if(entries_.begin(), entries_.end(),
                                      [&](const Entry& one) { return one.key == recorded.key; });
      if (entry == entries_.end()) continue;
      std::string difference = compare(*entry, recorded);
      if (!difference.empty()) return difference;
    }
    return std::nullopt;
  }
  if (first->found_answers == 0) {
    return describe(*first) + " does not fit: expected such a question, found the run's end at " +
           "step " + std::to_string(run.points);
  }
  return describe(*first) + " does not fit at step " + std::to_string(first->step) + ": expected " +
         std::to_string(first->answers) + " answers, found " + std::to_string(first->found_answers);
}

}  // namespace aiosim
