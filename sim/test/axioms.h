// The memory model once more, as C++20 puts it: relations over the events of an execution, and
// rules that they must obey. No clocks, no histories: what memory/ computes is compared with it.
//
// Ours is C++20 with an order E in which an execution ran, that sequenced-before, reads-from,
// modification order and S agree with. So: all interleavings, all choices of the store that each
// load reads, and of those the consistent ones.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "litmus.h"

namespace aiosim::memory::litmus {

/// Rules that can be left out, to see that a comparison notices.
enum class Rule { none, write_read, read_read, fences, sequences, p4_1, p4_2, p4_3, p4_4 };

/// Outcomes as Litmus::outcomes({x, y}) writes them, of a program of loads, stores, adds and
/// fences.
class Axioms {
 public:
  explicit Axioms(Program program, Rule without = Rule::none)
      : program_(std::move(program)), without_(without) {}

  std::set<std::string> outcomes() {
    at_.assign(program_.size(), 0);
    interleave();
    return std::move(outcomes_);
  }

 private:
  static constexpr int initial = -1;

  struct Event {  // its index is its place in E
    const Op* op;
    std::size_t thread;
    int from;  // of a read: the store, or `initial`
    unsigned read;
    unsigned written;

    bool reads() const { return op->type == Op::load || op->type == Op::add; }
    bool writes() const { return op->type == Op::store || op->type == Op::add; }
    bool is_fence() const { return op->type == Op::fence; }
    bool is_sc() const { return op->order == sc; }
    bool acquires() const { return op->order == acq || op->order == ar || op->order == sc; }
    bool releases() const { return op->order == rel || op->order == ar || op->order == sc; }
  };

  void interleave() {
    bool ended = true;
    for (std::size_t t = 0; t < program_.size(); ++t) {
      if (at_[t] == program_[t].size()) continue;
      ended = false;
      events_.push_back({&program_[t][at_[t]++], t, initial, 0, 0});
      choose_store();
      events_.pop_back();
      --at_[t];
    }
    if (ended && is_consistent()) add_outcome();
  }

  void choose_store() {
    const std::size_t me = events_.size() - 1;
    const Op& op = *events_[me].op;
    if (!events_[me].reads()) {
      events_[me].written = op.value;
      return interleave();
    }
    for (int i = static_cast<int>(me) - 1; i >= initial; --i) {
      if (i != initial && !(event(i).writes() && event(i).op->place == op.place)) continue;
      events_[me].from = i;
      events_[me].read = i == initial ? 0 : event(i).written;
      events_[me].written = events_[me].read + op.value;
      interleave();
      if (op.type == Op::add) return;  // the last store before its own
    }
  }

  const Event& event(int i) const { return events_[static_cast<std::size_t>(i)]; }
  bool hb(std::size_t a, std::size_t b) const { return (before_[b] >> a & 1) != 0; }

  // E orders every edge, so one pass closes the relation.
  void find_happens_before() {
    const std::size_t n = events_.size();
    std::vector<std::uint32_t> edges(n, 0);
    for (std::size_t b = 0; b < n; ++b) {
      for (std::size_t a = 0; a < b; ++a) {
        if (events_[a].thread == events_[b].thread) edges[b] |= 1U << a;
      }
      if (events_[b].reads()) add_synchronisation(b, edges);
    }
    before_.assign(n, 0);
    for (std::size_t b = 0; b < n; ++b) {
      for (std::size_t a = 0; a < b; ++a) {
        if ((edges[b] >> a & 1) != 0) before_[b] |= before_[a] | 1U << a;
      }
    }
  }

  // The store that was read, and what it continues: each may have been a head.
  void add_synchronisation(std::size_t read, std::vector<std::uint32_t>& edges) const {
    for (int head = events_[read].from; head != initial; head = event(head).from) {
      std::uint32_t releasing = 0;
      if (event(head).releases()) releasing |= 1U << head;
      for (int f = 0; f < head && without_ != Rule::fences; ++f) {
        const Event& fence = event(f);
        if (fence.is_fence() && fence.releases() && fence.thread == event(head).thread) {
          releasing |= 1U << f;
        }
      }
      if (events_[read].acquires()) edges[read] |= releasing;
      for (std::size_t f = read + 1; f < events_.size() && without_ != Rule::fences; ++f) {
        const Event& fence = events_[f];
        if (fence.is_fence() && fence.acquires() && fence.thread == events_[read].thread) {
          edges[f] |= releasing;
        }
      }
      if (event(head).op->type != Op::add || without_ == Rule::sequences) return;
    }
  }

  /// Where an event stands in the modification order of its place: by what it wrote or read.
  bool coherence_ordered(std::size_t a, std::size_t b) const {
    const Event& first = events_[a];
    const Event& second = events_[b];
    if (a == b || first.is_fence() || second.is_fence()) return false;
    if (first.op->place != second.op->place) return false;
    const int a_read = first.from, b_read = second.from;
    const int a_wrote = static_cast<int>(a), b_wrote = static_cast<int>(b);
    return (first.writes() && second.writes() && a_wrote < b_wrote) ||
           (first.writes() && second.reads() && a_wrote <= b_read) ||
           (first.reads() && second.writes() && a_read < b_wrote) ||
           (first.reads() && second.reads() && a_read < b_read);
  }

  bool is_consistent() {
    find_happens_before();
    const std::size_t n = events_.size();
    for (std::size_t a = 0; a < n; ++a) {
      for (std::size_t b = 0; b < n; ++b) {
        if (!coherence_ordered(a, b)) continue;
        const Rule rule = events_[b].writes() ? Rule::write_read : Rule::read_read;
        if (hb(b, a) && rule != without_) return false;
        if (!s_agrees(a, b)) return false;
      }
    }
    return true;
  }

  // [atomics.order] p4 for A coherence-ordered before B; S is E.
  bool s_agrees(std::size_t a, std::size_t b) const {
    const bool a_sc = events_[a].is_sc(), b_sc = events_[b].is_sc();
    if (a_sc && b_sc && a > b && without_ != Rule::p4_1) return false;
    for (std::size_t x = 0; x < events_.size(); ++x) {
      if (!events_[x].is_fence() || !events_[x].is_sc()) continue;
      if (a_sc && hb(b, x) && a > x && without_ != Rule::p4_2) return false;
      if (hb(x, a) && b_sc && x > b && without_ != Rule::p4_3) return false;
      for (std::size_t y = 0; y < x && without_ != Rule::p4_4; ++y) {
        const bool fence = events_[y].is_fence() && events_[y].is_sc();
        if (fence && hb(x, a) && hb(b, y)) return false;
      }
    }
    return true;
  }

  void add_outcome() {
    std::vector<std::string> reads(program_.size());
    unsigned last[place_count] = {};
    for (const Event& e : events_) {
      if (e.reads()) reads[e.thread] += std::to_string(e.read);
      if (e.writes()) last[e.op->place] = e.written;
    }
    std::string text;
    for (const std::string& thread : reads) text += thread;
    outcomes_.insert(text + std::to_string(last[x]) + std::to_string(last[y]));
  }

  Program program_;
  Rule without_;
  std::vector<std::size_t> at_;
  std::vector<Event> events_;
  std::vector<std::uint32_t> before_;
  std::set<std::string> outcomes_;
};

}  // namespace aiosim::memory::litmus
