#include "explore/explain_events.h"

#include <string_view>

namespace aiosim {

void OperationNames::begin() {
  for (Thread& thread : threads_) {
    thread.pending = {};
    thread.visits.clear();
  }
  last_step_ = 0;
}

// Each operation has a step of its own; a thread that asks again at the same step blocks or ends.
void OperationNames::asked(const Question& question) {
  Thread& thread = threads_[question.key.thread % max_threads];
  thread.pending = {};
  if (question.step == last_step_) return;
  last_step_ = question.step;
  if (question.pc != nullptr) thread.pending = {question.pc, ++thread.visits[question.pc]};
}

void TransitionRecorder::begin() {
  replayer_.begin();
  names_.begin();
  transitions_.clear();
}

std::uint32_t TransitionRecorder::choose(const Question& question) {
  const std::uint32_t answer = question.answers > 1 ? replayer_.choose(question) : 0;
  if (question.key.kind == Kind::reads_from && !transitions_.empty()) {
    transitions_.back().older = answer;
  }
  if (question.key.kind != Kind::sched) return answer;
  finished(question.touched, {}, {});
  names_.asked(question);
  const std::uint32_t thread = question.threads[answer];
  transitions_.push_back({thread, names_.pending(thread), {}, 0});
  names_.done(thread);
  return answer;
}

void TransitionRecorder::finished(std::span<const Touch> touched, std::span<const std::uint32_t>,
                                  std::span<const Touch>) {
  if (!transitions_.empty()) transitions_.back().touched.assign(touched.begin(), touched.end());
}

namespace {

using Key = std::pair<std::uint32_t, OperationNames::Name>;

/// The events of the trace by thread, place and number. Where a thread blocked for ever there is no
/// other.
std::map<Key, const TraceEvent*> texts_of(const RunResult& run) {
  std::map<Key, const TraceEvent*> texts;
  std::map<std::pair<std::uint32_t, const void*>, std::uint32_t> visits;
  for (const TraceEvent& event : run.trace) {
    const std::string_view operation = event.operation;
    if (event.pc == nullptr || operation == "choice" || operation == "blocks") continue;
    const std::uint32_t number = ++visits[{event.thread, event.pc}];
    texts.emplace(Key{event.thread, {event.pc, number}}, &event);
  }
  for (const TraceEvent& event : run.trace) {
    if (std::string_view(event.operation) != "blocks") continue;
    const std::uint32_t number = visits[{event.thread, event.pc}] + 1;
    texts.emplace(Key{event.thread, {event.pc, number}}, &event);
  }
  return texts;
}

}  // namespace

std::vector<ExplainedEvent> events_of(const RunResult& run,
                                      const std::vector<Transition>& transitions,
                                      std::vector<std::size_t>& of_transition) {
  std::vector<ExplainedEvent> events;
  const auto texts = texts_of(run);
  of_transition.assign(transitions.size(), no_event);
  for (std::size_t i = 0; i < transitions.size(); ++i) {
    const Transition& transition = transitions[i];
    const auto text = texts.find({transition.thread, transition.operation});
    if (transition.operation.pc == nullptr || text == texts.end()) continue;
    const TraceEvent& traced = *text->second;
    const bool blocks = std::string_view(traced.operation) == "blocks";
    ExplainedEvent event;
    event.thread = transition.thread;
    event.pc = transition.operation.pc;
    event.number = transition.operation.number;
    event.step = traced.step;
    if (event.thread < run.threads.size()) event.thread_name = run.threads[event.thread].name;
    event.operation = blocks ? traced.detail : traced.operation;
    event.object = traced.object;
    event.detail = blocks ? "blocks" : traced.detail;
    event.older = transition.older;
    of_transition[i] = events.size();
    events.push_back(std::move(event));
  }
  return events;
}

}  // namespace aiosim
