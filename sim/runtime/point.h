// The way of a scheduling point, for inlining into the hooks of atomics. Nothing here allocates,
// searches a table, or costs by the number of threads while nobody's state changes.
#pragma once

#include <boost/context/detail/fcontext.hpp>

#include "runtime/live_frames.h"
#include "runtime/tcb.h"
#include "runtime/world.h"

namespace aiosim::runtime {

/// Of threads, so far.
extern __attribute__((visibility("hidden"))) std::uint64_t g_switches;

[[gnu::always_inline]] inline void World::switch_to(Thread& me, Thread& next) {
  ++g_switches;
  // Known exactly if this very operation noted it; else the runtime's own frames count as alive.
  const bool noted = g_entry.pc != nullptr && (g_entry.pc == site_.pc || g_entry.pc == me.live_pc);
  me.live_from = noted ? g_entry.stack_pointer : __builtin_frame_address(0);
  me.live_pc = noted ? g_entry.pc : nullptr;
  g_live_from[me.id] =
      me.state == Thread::State::finished ? static_cast<void*>(me.stack->top) : me.live_from;
  g_live_from[next.id] = nullptr;
  g_current = &next;
  counts = next.counts;
  set_fs(next.tcb->fs);
  const auto from = boost::context::detail::jump_fcontext(next.context, &me);
  static_cast<Thread*>(from.data)->context = from.fctx;
  g_entry = {me.live_pc, me.live_from};
}

[[gnu::always_inline]] inline std::uint32_t World::ask_who_runs(Thread& me) {
  Question& question = me.who_runs;  // the rest is as find_candidates() left it
  question.key.number = me.counts[static_cast<std::size_t>(Kind::sched)];
  question.step = step_;
  question.pc = site_.pc;
  const std::uint32_t value =
      watch_ == Watch::nothing ? chooser_->choose(question) : ask_who_watches(me);
  if (value != 0) [[unlikely]]
    return given(question, value, nullptr);
  hash_ += me.dull_who_runs;
  return 0;
}

/// `me` is harness, and its list right.
[[gnu::always_inline]] inline bool World::schedule_as_listed(Thread& me) {
  const std::uint32_t pick = me.asks ? ask_who_runs(me) : 0;
  if (pick == 0 && me.who_runs.current_enabled) return false;
  Thread& next = *threads_[me.candidates[pick]];
  if (&next == &me) return false;
  switch_to(me, next);
  return true;
}

[[gnu::always_inline]] inline bool World::schedule(Thread& me) {
  ++me.counts[static_cast<std::size_t>(Kind::sched)];
  if (now_ns_ >= runnable_until_ns_ || me.listed_version != runnable_version_ || me.yielded)
      [[unlikely]] {
    find_candidates(me);
  }
  ++me.harness;
  const bool others_ran = schedule_as_listed(me);
  --me.harness;
  return others_ran;
}

template <bool special>
[[gnu::always_inline]] inline bool World::point_of_atomic(Thread& me, const Word& operation,
                                                          Object object, const void* pc,
                                                          Touch next) {
  now_ns_ += point_ns_;
  g_plain_left = max_plain_accesses;
  me.live_pc = nullptr;
  site_ = {operation.text, object, pc};
  me.next = next;
  if (++step_ > options_.max_points) [[unlikely]]
    too_many_points();
  bool others_ran = true;
  if (me.spin.idle >= spin_limit_) [[unlikely]] {
    spin(me);
  } else {
    ++me.counts[static_cast<std::size_t>(Kind::sched)];
    // A thread that gave way has no right list.
    if (now_ns_ >= runnable_until_ns_ || me.listed_version != runnable_version_) [[unlikely]]
      find_candidates(me);
    others_ran = schedule_as_listed(me);
  }
  if (me.signal_ready) [[unlikely]] {
    deliver_due_signals(next);
    others_ran = true;
  }
  if (others_ran) site_ = {operation.text, object, pc};  // what is asked next is asked here
  if (special) touch(next);
  return others_ran;
}

}  // namespace aiosim::runtime
