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

[[gnu::always_inline]] inline void World::switch_to(Thread& next) {
  Thread* const me = g_current;
  if (&next == me) return;
  ++g_switches;
  // Known exactly if this very operation noted it; else the runtime's own frames count as alive.
  const bool noted = g_entry.pc != nullptr && (g_entry.pc == site_.pc || g_entry.pc == me->live_pc);
  me->live_from = noted ? g_entry.stack_pointer : __builtin_frame_address(0);
  me->live_pc = noted ? g_entry.pc : nullptr;
  g_current = &next;
  counts = next.counts;
  set_fs(next.tcb->fs);
  const auto from = boost::context::detail::jump_fcontext(next.context, me);
  static_cast<Thread*>(from.data)->context = from.fctx;
  g_entry = {me->live_pc, me->live_from};
}

[[gnu::always_inline]] inline std::uint32_t World::ask_who_runs(Thread& me) {
  const std::uint32_t answers = candidate_count_;
  Question& question = who_runs_;
  question.key.thread = me.id;
  question.key.number = me.counts[static_cast<std::size_t>(Kind::sched)];
  question.answers = answers;
  question.threads = {candidates_.data(), answers};
  question.current_enabled = candidates_[0] == me.id;
  question.yielded = me.yielded;
  question.step = step_;
  question.pc = site_.pc;
  if (watch_ != Watch::nothing) [[unlikely]]
    tell_pending(question);
  ++me.harness;
  const std::uint32_t value = chooser_->choose(question);
  --me.harness;
  if (watch_ != Watch::nothing) [[unlikely]]
    touched_.clear();
  time_jumped_ = false;
  if (value != 0) [[unlikely]]
    return given(question, value, nullptr);
  mix_answer(question, 0);
  return 0;
}

[[gnu::always_inline]] inline void World::schedule() {
  Thread& me = *g_current;
  ++me.counts[static_cast<std::size_t>(Kind::sched)];
  if (runnable_version_ != state_version_ || now_ns_ >= runnable_until_ns_) [[unlikely]]
    find_runnable();
  const std::uint64_t of = runnable_ | static_cast<std::uint64_t>(me.id) << 32 |
                           static_cast<std::uint64_t>(me.yielded) << 40;
  if (candidates_of_ != of) {
    candidates_of_ = of;
    list_candidates();
  }
  const bool asks = candidate_count_ > 1 || watch_ == Watch::transitions;
  const std::uint32_t pick = asks ? ask_who_runs(me) : 0;
  switch_to(*threads_[candidates_[pick]]);
}

[[gnu::always_inline]] inline void World::point_of_atomic(const Word& operation, Object object,
                                                          const void* pc, Touch next) {
  Thread& me = *g_current;
  now_ns_ += point_ns_;
  g_plain_left = max_plain_accesses;
  me.live_pc = nullptr;
  site_ = {operation.text, object, pc};
  me.next = next;
  if (++step_ > options_.max_points) [[unlikely]]
    too_many_points();
  if (me.spin.idle >= spin_limit_) [[unlikely]] {
    spin(me);
  } else {
    schedule();
  }
  if (me.signal_ready) [[unlikely]]
    deliver_due_signals(next);
  site_ = {operation.text, object, pc};  // others ran: what is asked next is asked here
  touch(next);
}

}  // namespace aiosim::runtime
