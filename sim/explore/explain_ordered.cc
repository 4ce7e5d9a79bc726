#include "explore/explain_ordered.h"

#include <algorithm>
#include <utility>

namespace aiosim {

OrderedChooser::OrderedChooser(const std::vector<ExplainedEvent>& events, std::vector<Choice> given,
                               Strategy& strategy)
    : events_(events), given_(std::move(given)), strategy_(strategy) {
  for (std::size_t i = 0; i < events.size(); ++i) {
    by_name_.emplace(
        std::pair(events[i].thread, OperationNames::Name{events[i].pc, events[i].number}), i);
  }
}

void OrderedChooser::set(const std::vector<Ordering>& orderings) { orderings_ = orderings; }

void OrderedChooser::begin() {
  strategy_.begin();
  given_.begin();
  names_.begin();
  states_.assign(events_.size(), State::ahead);
  stores_.assign(events_.size(), {});
  writes_.clear();
  current_ = no_event;
  violated_ = false;
  // Whether an unseen store waits for the load is drawn anew for each run.
  Random random(mix64(++salt_));
  may_read_older_.assign(orderings_.size(), false);
  for (std::size_t i = 0; i < orderings_.size(); ++i) {
    may_read_older_[i] = orderings_[i].unseen && random.below(2) == 0;
  }
}

std::size_t OrderedChooser::event_of(std::uint32_t thread) const {
  const auto found = by_name_.find({thread, names_.pending(thread)});
  return found == by_name_.end() ? no_event : found->second;
}

std::uint32_t OrderedChooser::choose(const Question& question) {
  switch (question.key.kind) {
    case Kind::sched:
      return schedule(question);
    case Kind::reads_from:
      return reads_from(question);
    default:
      return given_.choose(question);
  }
}

void OrderedChooser::finished(std::span<const Touch>, std::span<const std::uint32_t>,
                              std::span<const Touch>) {
  end_transition();
}

/// How many newer stores the load under way must and may leave unseen.
std::pair<std::uint32_t, std::uint32_t> OrderedChooser::bounds() const {
  std::uint32_t least = 0;
  std::uint32_t most = ~0u;
  if (current_ == no_event) return {least, most};
  for (const Ordering& ordering : orderings_) {
    const bool unseen = ordering.unseen && ordering.first == current_;
    const bool seen = !ordering.unseen && ordering.second == current_;
    if (!unseen && !seen) continue;
    const std::size_t other = unseen ? ordering.second : ordering.first;
    const Store& store = stores_[other];
    if (states_[other] == State::ahead || store.number == 0 || store.object != current_object_) {
      continue;
    }
    const std::uint32_t newer = writes_.at(store.object) - store.number;
    if (unseen) least = std::max(least, newer + 1);
    if (seen) most = std::min(most, newer);
  }
  return {least, most};
}

void OrderedChooser::end_transition() {
  if (current_ == no_event) return;
  // A load that had but the newest store to read, and should not have seen it.
  if (!asked_reads_from_ && bounds().first > 0) violated_ = true;
  states_[current_] = State::done;
  current_ = no_event;
}

void OrderedChooser::start(std::size_t event, const Touch& touch) {
  current_ = event;
  current_object_ = touch.object;
  asked_reads_from_ = false;
  std::uint32_t number = 0;
  if (touch.writes) number = ++writes_[touch.object];
  if (event == no_event) return;
  states_[event] = State::under_way;
  if (number != 0) stores_[event] = {touch.object, number};
}

bool OrderedChooser::held_back(std::uint32_t thread) {
  const std::size_t event = event_of(thread);
  if (event == no_event) return false;
  for (std::size_t i = 0; i < orderings_.size(); ++i) {
    const Ordering& ordering = orderings_[i];
    if (ordering.second != event || may_read_older_[i]) continue;
    if (states_[ordering.first] != State::done) return true;
  }
  return false;
}

/// Everybody is held back: a store that may stay unseen goes first after all.
bool OrderedChooser::let_one_go(const Question& question) {
  for (const std::uint32_t thread : question.threads) {
    const std::size_t event = event_of(thread);
    for (std::size_t i = 0; i < orderings_.size(); ++i) {
      if (orderings_[i].second != event || !orderings_[i].unseen || may_read_older_[i]) continue;
      may_read_older_[i] = true;
      if (!held_back(thread)) return true;
    }
  }
  return false;
}

std::uint32_t OrderedChooser::schedule(const Question& question) {
  end_transition();
  if (violated_) return cut;
  names_.asked(question);
  const auto collect = [&] {
    threads_.clear();
    pending_.clear();
    answers_.clear();
    for (std::uint32_t i = 0; i < question.answers; ++i) {
      if (held_back(question.threads[i])) continue;
      threads_.push_back(question.threads[i]);
      pending_.push_back(question.pending[i]);
      answers_.push_back(i);
    }
  };
  collect();
  while (answers_.empty() && let_one_go(question)) collect();
  if (answers_.empty()) {
    violated_ = true;
    return cut;
  }
  std::uint32_t picked = 0;
  if (answers_.size() > 1) {
    Question open = question;
    open.answers = static_cast<std::uint32_t>(answers_.size());
    open.threads = threads_;
    open.pending = pending_;
    open.current_enabled = threads_.front() == question.key.thread && question.current_enabled;
    picked = strategy_.choose(open);
    if (picked >= answers_.size()) picked = 0;
  }
  const std::uint32_t thread = threads_[picked];
  start(event_of(thread), pending_[picked]);
  names_.done(thread);
  return answers_[picked];
}

std::uint32_t OrderedChooser::reads_from(const Question& question) {
  asked_reads_from_ = true;
  const auto [least, most] = bounds();
  if (least > most || least >= question.answers) {
    violated_ = true;
    return 0;
  }
  const std::uint32_t greatest = std::min(most, question.answers - 1);
  if (least == greatest) return least;
  Question open = question;
  open.answers = greatest - least + 1;
  return least + strategy_.choose(open);
}

}  // namespace aiosim
