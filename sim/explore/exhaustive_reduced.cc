#include "explore/exhaustive_reduced.h"

#include <algorithm>

#include "runtime/object.h"

namespace aiosim {

// --- footprints -------------------------------------------------------------------------------

void ReducedChooser::Footprint::add(const Touch& touch) {
  empty = false;
  marks |= mark(touch.object);
  for (Touch& seen : touches) {
    if (seen.object != touch.object) continue;
    seen.writes |= touch.writes;
    seen.reads_older |= touch.reads_older;
    return;
  }
  touches.push_back(touch);
}

bool ReducedChooser::Footprint::stores(ObjectId object) const {
  for (const Touch& touch : touches) {
    if (touch.object == object) return touch.writes;
  }
  return false;
}

void ReducedChooser::Footprint::add(const Footprint& other) {
  if (other.empty) return;
  loads = empty || loads == other.loads ? other.loads : 0;
  empty = false;
  for (const Touch& touch : other.touches) add(touch);
  everything |= other.everything;
}

bool ReducedChooser::Footprint::depends_on(const Footprint& other, ObjectId apart) const {
  if (!may_depend_on(other)) return false;
  if (everything || other.everything) return true;
  for (const Touch& a : touches) {
    for (const Touch& b : other.touches) {
      if (a.object == b.object && a.object != apart && (a.writes || b.writes)) return true;
    }
  }
  return false;
}

bool ReducedChooser::Footprint::awaits(const Footprint& first) const {
  for (const Touch& a : first.touches) {
    if (a.object >> 32 != static_cast<ObjectId>(runtime::ObjectType::thread)) continue;
    for (const Touch& b : touches) {
      if (a.object == b.object && a.writes && !b.writes) return true;
    }
  }
  return false;
}

// --- a run ------------------------------------------------------------------------------------

ReducedChooser::Node& ReducedChooser::push() {
  if (nodes_.size() == depth_) nodes_.emplace_back();
  Node& node = nodes_[depth_++];
  node.candidates.clear();
  node.enabled = node.backtrack = node.asleep = 0;
  node.sleeper_count = 0;
  node.branches.clear();
  node.branch = 0;
  node.branches_touched.clear();
  return node;
}

// The first node has no question: what the first thread does up to its first one.
void ReducedChooser::begin() {
  at_ = 1;
  cut_ = astray_ = false;
  spurious_.begin();
  if (depth_ == 0) {
    Node& root = push();
    root.candidates.push_back(0);
    root.enabled = root.backtrack = bit(0);
    root.thread = 0;
  }
  nodes_[0].branch = 0;
}

std::uint32_t ReducedChooser::choose(const Question& question) {
  if (question.key.kind != Kind::sched) return choose_branch(question);
  complete(question.touched, question.time_jumped);
  return enter_node(question);
}

std::uint32_t ReducedChooser::choose_branch(const Question& question) {
  Node& node = nodes_[at_ - 1];
  std::uint32_t tried = spurious_.tried(question);
  if (question.key.kind == Kind::reads_from && node.news != 0) tried = std::min(tried, node.news);
  if (node.branch == node.branches.size()) {
    node.branches.push_back({question.key, question.answers, tried, 0});
  }
  const Branch& branch = node.branches[node.branch++];
  astray_ |= branch.key != question.key || branch.answers != question.answers;
  spurious_.answered(question, branch.value);
  return branch.value;
}

std::uint32_t ReducedChooser::enter_node(const Question& question) {
  const bool known = at_ < depth_;
  if (!known) {
    Node& node = push();
    node.asker = question.key.thread;
    node.candidates.assign(question.threads.begin(), question.threads.end());
    for (const std::uint32_t thread : node.candidates) node.enabled |= bit(thread);
    if (fall_asleep(node)) {
      --depth_;
      cut_ = true;
      return Chooser::cut;
    }
  }
  Node& node = nodes_[at_++];
  node.branch = 0;
  astray_ |= node.asker != question.key.thread ||
             !std::equal(node.candidates.begin(), node.candidates.end(), question.threads.begin(),
                         question.threads.end());
  const auto chosen = std::find(question.threads.begin(), question.threads.end(), node.thread);
  astray_ |= chosen == question.threads.end();
  return static_cast<std::uint32_t>(chosen - question.threads.begin());
}

// Who slept before the last event and does not depend on it sleeps on; the first of the others
// runs. True if there is none.
bool ReducedChooser::fall_asleep(Node& node) {
  const Node& last = nodes_[depth_ - 2];
  for (std::size_t i = 0; i < last.sleeper_count; ++i) {
    if (node.sleepers.size() == node.sleeper_count) node.sleepers.emplace_back();
    Sleeper& mine = node.sleepers[node.sleeper_count];
    const Sleeper& sleeper = last.sleepers[i];
    mine.thread = sleeper.thread;
    mine.news = sleeper.news;
    if (!sleeps_on(mine, sleeper.branches, last)) continue;
    mine.branches.clear();
    mine.branches.add(sleeper.branches);
    ++node.sleeper_count;
    if (mine.news == 0) node.asleep |= bit(mine.thread);
  }
  for (const std::uint32_t thread : node.candidates) {
    if ((node.asleep & bit(thread)) != 0) continue;
    run_here(node, thread);
    node.backtrack = bit(thread);
    return false;
  }
  return true;
}

// A load that sleeps, and that another stored to, has that store alone to read.
bool ReducedChooser::sleeps_on(Sleeper& sleeper, const Footprint& branches, const Node& last) {
  if (sleeper.thread == last.thread || sleeper.thread == nobody || last.barrier) return false;
  const Footprint& touched = last.touched;
  if (!branches.depends_on(touched)) return true;
  if (touched.loads != 0 && !branches.depends_on(touched, touched.loads)) return true;
  if (branches.loads == 0 || branches.depends_on(touched, branches.loads)) return false;
  ++sleeper.news;
  return true;
}

void ReducedChooser::run_here(Node& node, std::uint32_t thread) {
  node.thread = thread;
  node.news = 0;
  node.branches_touched.clear();
  for (std::size_t i = 0; i < node.sleeper_count; ++i) {
    Sleeper& sleeper = node.sleepers[i];
    if (sleeper.thread != thread) continue;
    node.news = sleeper.news;
    node.branches_touched.add(sleeper.branches);
    sleeper.thread = nobody;
  }
}

// What a thread waits for in vain might have come before what made it wait.
void ReducedChooser::finished(std::span<const Touch> touched,
                              std::span<const std::uint32_t> waiting,
                              std::span<const Touch> pending) {
  if (cut_) return;
  complete(touched, false);
  for (std::size_t i = 0; i < waiting.size(); ++i) {
    Node& never = push();
    never.thread = waiting[i];
    never.touched.clear();
    never.touched.add(pending[i]);
    never.barrier = false;
    order(static_cast<std::uint32_t>(depth_ - 1));
    --depth_;
  }
}

// --- happens-before and races -----------------------------------------------------------------

void ReducedChooser::complete(std::span<const Touch> touched, bool barrier) {
  Node& node = nodes_[at_ - 1];
  if (at_ - 1 < fresh_) {
    astray_ |= !std::equal(touched.begin(), touched.end(), node.touched.touches.begin(),
                           node.touched.touches.end());
    return;
  }
  node.touched.clear();
  read_touches(node, touched);
  node.barrier = barrier;
  order(static_cast<std::uint32_t>(at_ - 1));
  node.branches_touched.add(node.touched);
}

void ReducedChooser::read_touches(Node& node, std::span<const Touch> touched) {
  std::uint32_t loads = 0;
  for (const Touch& touch : touched) {
    node.touched.add(touch);
    if (!touch.reads_older || touch.writes) continue;
    ++loads;
    node.touched.loads = touch.object;
  }
  node.touched.empty = false;
  if (loads != 1) node.touched.loads = 0;
  node.age = 0;
  node.readable = 1;
  for (const Branch& branch : node.branches) {
    if (branch.key.kind != Kind::reads_from) continue;
    node.age = branch.value;
    node.readable = branch.answers;
  }
}

// Whether `second` happens after `first`, for it depends on it, and whether the other order is to
// be had as well (`races`). `newer`: the stores between them to what `second` loads.
//   Store, then load: the other order shows nothing new, unless the load could not have read what
//   was there before. The load happens after the store that it read, and after older ones.
//   Load, then store: the load after the store may read the store.
// Not for seq_cst loads, which the order of seq_cst operations binds: Touch::reads_older.
bool ReducedChooser::orders(const Node& first, const Node& second, std::uint32_t& newer,
                            bool& races) {
  const Footprint& a = first.touched;
  const Footprint& b = second.touched;
  if (b.loads != 0 && a.stores(b.loads)) {
    const std::uint32_t index = newer++;
    const bool others = a.depends_on(b, b.loads);
    races = others || second.readable <= index + 1;
    return others || index >= second.age;
  }
  races = first.thread != second.thread && a.depends_on(b);
  if (races && a.loads != 0 && b.stores(a.loads)) return a.depends_on(b, a.loads);
  return races;
}

// What happens before `event`: what its thread did before, and what that depends on. Another event
// that it depends on, and that nothing else orders before it, might as well come after it. All
// such races are looked at, not the last one only: what that one's reversal would show may lie
// behind the end of a run that fails.
void ReducedChooser::order(std::uint32_t event) {
  Node& node = nodes_[event];
  Clock before{};
  for (std::uint32_t i = event; i-- > 0;) {
    if (nodes_[i].thread != node.thread) continue;
    before = nodes_[i].clock;
    break;
  }
  Clock clock = before;
  const auto join = [](Clock& into, const Clock& from) {
    for (std::size_t t = 0; t < max_threads; ++t) into[t] = std::max(into[t], from[t]);
  };
  bool past_barrier = false;
  std::uint32_t newer = 0;
  for (std::uint32_t i = event; i-- > 0;) {
    const Node& earlier = nodes_[i];
    if (earlier.barrier || node.barrier) {
      join(clock, earlier.clock);
    } else if (!earlier.touched.may_depend_on(node.touched)) {
      continue;
    }
    if (earlier.thread != node.thread && node.touched.awaits(earlier.touched)) {
      join(before, earlier.clock);  // nor can what it needed be otherwise
    }
    bool races = false;
    const bool after = orders(earlier, node, newer, races);
    if (earlier.thread == node.thread) continue;
    past_barrier |= earlier.barrier;
    if (after) join(clock, earlier.clock);
    if (races && !past_barrier && before[earlier.thread] <= i) reverse(i, event);
  }
  clock[node.thread] = event + 1;
  node.clock = clock;
}

// `second` comes before `first` too, if it can. What does not happen after `first` stays before
// `second`, so one of the threads that can start with that, or `second`, is to run where `first`
// did.
void ReducedChooser::reverse(std::uint32_t first, std::uint32_t second) {
  Node& node = nodes_[first];
  const Node& last = nodes_[second];
  const auto after_first = [&](const Node& event) { return event.clock[node.thread] > first; };
  const auto starts = [&](const Clock& clock, std::uint32_t own) {
    for (std::uint32_t t = 0; t < max_threads; ++t) {
      if (t != own && clock[t] > first + 1) return false;
    }
    return true;
  };
  Threads initials = 0;
  Threads seen = 0;
  std::uint32_t from = first;  // where the thread of `second` stands before it
  bool last_starts = true;
  bool fed = false;  // something between may enable `second`
  for (std::uint32_t i = first + 1; i < second; ++i) {
    const Node& between = nodes_[i];
    if (after_first(between)) continue;
    if ((seen & bit(between.thread)) == 0) {
      seen |= bit(between.thread);
      if (starts(between.clock, between.thread)) initials |= bit(between.thread);
    }
    if (between.thread == last.thread) {
      from = i + 1;
      fed = false;
    } else if (between.touched.depends_on(last.touched)) {
      fed = true;
      last_starts = false;
    }
  }
  if ((seen & bit(last.thread)) == 0 && last_starts) initials |= bit(last.thread);
  // What the thread could do where it stood is known before `first` only: after it, `first` may be
  // what holds it back, or what let it go.
  const bool stood = from == first;
  const bool ready = stood && (node.enabled & bit(last.thread)) != 0;
  if (stood && !ready && !fed) return;  // `first`, or what follows from it, enabled it
  want(node, initials, last.thread);
}

void ReducedChooser::want(Node& node, Threads initials, std::uint32_t preferred) {
  if ((initials & (node.backtrack | node.asleep)) != 0) return;
  const Threads possible = initials & node.enabled;
  if ((possible & bit(preferred)) != 0) {
    node.backtrack |= bit(preferred);
  } else if (possible != 0) {
    node.backtrack |= possible & (~possible + 1);
  } else {
    node.backtrack |= node.enabled;
  }
}

// --- from run to run --------------------------------------------------------------------------

// Whatever others would have done after the end of the run is lost: they are to do it before, too.
void ReducedChooser::end_of_run() {
  Node& node = nodes_[depth_ - 1];
  node.backtrack |= node.enabled;
  node.touched.everything = true;
  order(static_cast<std::uint32_t>(depth_ - 1));
  node.branches_touched.everything = true;
}

// Where a thread was given up, or all are blocked, nobody has anything left to do.
bool ReducedChooser::next(const RunResult& last) {
  astray_ |= at_ < depth_;
  if (!cut_ && !last.cut && !last.cut && last.verdict.kind != VerdictKind::deadlock) end_of_run();
  while (depth_ > 0) {
    Node& node = nodes_[depth_ - 1];
    fresh_ = depth_ - 1;
    while (!node.branches.empty() && node.branches.back().value + 1 == node.branches.back().tried)
      node.branches.pop_back();
    if (!node.branches.empty()) {
      ++node.branches.back().value;
      return true;
    }
    put_to_sleep(node);
    for (const std::uint32_t thread : node.candidates) {
      if ((node.backtrack & ~node.asleep & bit(thread)) == 0) continue;
      run_here(node, thread);
      return true;
    }
    --depth_;
  }
  return false;
}

void ReducedChooser::put_to_sleep(Node& node) {
  if (node.sleepers.size() == node.sleeper_count) node.sleepers.emplace_back();
  Sleeper& sleeper = node.sleepers[node.sleeper_count++];
  sleeper.thread = node.thread;
  sleeper.news = 0;
  std::swap(sleeper.branches, node.branches_touched);
  node.asleep |= bit(node.thread);
}

}  // namespace aiosim
