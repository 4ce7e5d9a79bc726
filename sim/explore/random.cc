#include "explore/random.h"

namespace aiosim {

void RandomWalk::draw(Random& random, std::uint64_t) {
  probability_ = probabilities_[random.below(static_cast<std::uint32_t>(probabilities_.size()))];
  constexpr std::uint32_t starts[] = {0, 500'000, 1'000'000};
  start_ = starts[random.below(3)];
}

std::uint32_t pick_uniform(const Question& question, Random& stream) {
  const std::uint32_t asker = question.yielded ? answer_of_asker(question) : question.answers;
  if (asker == question.answers) return stream.below(question.answers);
  const std::uint32_t other = stream.below(question.answers - 1);
  return other < asker ? other : other + 1;
}

std::uint32_t RandomWalk::pick(const Question& question) {
  // Canonical order: the youngest comes last.
  if (!question.yielded && question.threads.back() > newest_) {
    newest_ = question.threads.back();
    if (start_ != 0 && stream_.chance(start_)) return question.answers - 1;
  }
  const bool may_stay = question.current_enabled && !question.yielded;
  if (may_stay && !stream_.chance(probability_)) return 0;
  return pick_uniform(question, stream_);
}

std::string RandomWalk::describe() const { 
  return "random p=" + describe_rate(probability_) + " start=" + describe_rate(start_);
}

}  // namespace aiosim
