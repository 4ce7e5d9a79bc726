// Which operation a thread is about to do, in any schedule of one program.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "aiosim/choice.h"
#include "explore/explain.h"
#include "explore/replay.h"

namespace aiosim {

/// Follows the scheduling questions of a run (Watch::transitions) and names operations.
class OperationNames {
 public:
  struct Name {
    const void* pc = nullptr;  // null: no operation; the thread starts, wakes or ends
    std::uint32_t number = 0;
    auto operator<=>(const Name&) const = default;
  };

  void begin();
  /// A sched question: the asking thread has come to its next operation.
  void asked(const Question& question);
  /// The operation that `thread` does when it runs next.
  Name pending(std::uint32_t thread) const { return threads_[thread % max_threads].pending; }
  /// The thread does it.
  void done(std::uint32_t thread) { threads_[thread % max_threads].pending = {}; }

  static constexpr std::size_t max_threads = 32;

 private:
  struct Thread {
    Name pending;
    std::map<const void*, std::uint32_t> visits;  // looked up, never walked
  };
  std::array<Thread, max_threads> threads_;
  std::uint64_t last_step_ = 0;
};

/// What one thread did between two scheduling questions.
struct Transition {
  std::uint32_t thread = 0;
  OperationNames::Name operation;
  std::vector<Touch> touched;
  std::uint32_t older = 0;  // answer of the last reads_from question
};

/// Replays choices and notes the run's transitions.
class TransitionRecorder final : public Chooser {
 public:
  explicit TransitionRecorder(const std::vector<Choice>& choices) : replayer_(choices) {}

  void begin() override;
  std::uint32_t choose(const Question& question) override;
  Watch watches() const override { return Watch::transitions; }
  void finished(std::span<const Touch> touched, std::span<const std::uint32_t> waiting,
                std::span<const Touch> pending) override;

  const std::vector<Transition>& transitions() const { return transitions_; }

 private:
  Replayer replayer_;
  OperationNames names_;
  std::vector<Transition> transitions_;
};

/// The operations of `run` in the order in which they were done, with the texts of its trace;
/// `of_transition[i]` is the event of transition i, or no_event.
inline constexpr std::size_t no_event = ~std::size_t{0};
std::vector<ExplainedEvent> events_of(const RunResult& run,
                                      const std::vector<Transition>& transitions,
                                      std::vector<std::size_t>& of_transition);

}  // namespace aiosim
