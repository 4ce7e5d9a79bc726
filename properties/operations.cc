// What each operation of a program does.
#include <pthread.h>

#include <limits>

#include "observed.h"
#include "under_test.h"

namespace properties {

using aiosim::UnderTestScope;

void Interpreter::run_op(int thread, const Op& op) {
  if (op.verb != Verb::poll && op.verb != Verb::poll_blocking) share_own(thread, op.verb);
  switch (op.verb) {
    case Verb::poll:
      return poll(false);
    case Verb::poll_blocking:
      return poll(true);
    case Verb::notify:
      aiosim::note("notify()");
      if (thread == 0) home_notified_ = true;
      return observed(thread, {.verb = op.verb}, [this] { loop_->notify(); });
    case Verb::schedule:
    case Verb::schedule_idle:
      return schedule(thread, op);
    case Verb::oneshot:
      return oneshot(thread, op);
    case Verb::cancel: {
      BhState& bh = bhs_[static_cast<std::size_t>(op.index)];
      if (bh.deleted) return;
      aiosim::note("cancel bh", op.index);
      for (std::size_t i = 0; bh.single && i < max_threads; ++i) bh.seen[i] = bh.last[i].load();
      return observed(thread, {.verb = op.verb, .index = op.index},
                      [&] { loop_->cancel(bh.handle); });
    }
    case Verb::delete_bh:
      return delete_bh(thread, op);
    case Verb::arm:
      return arm(thread, op);
    case Verb::disarm: {
      TimerState& timer = timers_[static_cast<std::size_t>(op.index)];
      aiosim::note("disarm timer", op.index);
      timer.armed = false;
      return observed(thread, {.verb = op.verb, .index = op.index},
                      [&] { loop_->disarm_timer(timer.handle); });
    }
    case Verb::hold_timers:
    case Verb::release_timers:
      return hold_timers(thread, op);
    case Verb::set_poll_max:
      aiosim::note("set_poll_max", op.amount);
      if (thread == 0) home_notified_ = true;
      return observed(thread, {.verb = op.verb, .a = op.amount},
                      [&] { loop_->set_poll_max(op.amount); });
    case Verb::poll_max_of_wait:
      return run_op(thread, {Verb::set_poll_max, 0, last_wait_ns_ * op.amount});
    case Verb::advance:
      return pass_time(op.amount);
    case Verb::set_flag:
      aiosim::note("set flag and kick", op.index);
      flags_begun_[static_cast<std::size_t>(op.index)] = true;
      return observed(thread, {.verb = op.verb, .index = op.index}, [&] {
        module_.payload_store(&flags_[static_cast<std::size_t>(op.index)], 1);
        loop_->kick();
      });
    case Verb::wait_flag:
      return wait_flag(op);
    case Verb::meet:
      aiosim::note("meet");
      return observed(thread, {.verb = op.verb}, [this] {
        pthread_mutex_lock(&meeting_);
        pthread_mutex_unlock(&meeting_);
      });
    default:
      return run_fd_op(thread, op);
  }
}

void Interpreter::schedule(int thread, const Op& op) {
  BhState& bh = bhs_[static_cast<std::size_t>(op.index)];
  if (bh.deleted) return;
  const auto slot = static_cast<std::size_t>(thread);
  const std::uint64_t number = bh.last[slot] + 1;
  bh.last[slot] = number;
  if (thread == 0) home_notified_ = true;
  aiosim::note(op.verb == Verb::schedule ? "schedule bh" : "schedule_idle bh", op.index);
  const Observation seen{
      .verb = op.verb, .index = op.index, .a = static_cast<std::int64_t>(number)};
  observed(thread, seen, [&] {
    module_.payload_store(&bh.payload[slot], number);
    if (op.verb == Verb::schedule) {
      loop_->schedule(bh.handle);
    } else {
      loop_->schedule_idle(bh.handle);
    }
  });
}

void Interpreter::oneshot(int thread, const Op& op) {
  const int number = next_instance_++;
  if (number >= max_instances) return;
  Instance& instance = instances_[static_cast<std::size_t>(number)];
  instance.number = op.index;
  instance.outstanding = true;
  if (thread == 0) home_notified_ = true;
  aiosim::note("oneshot", op.index);
  observed(thread, {.verb = op.verb, .index = op.index, .a = number}, [&] {
    module_.payload_store(&instance.payload, 1);
    loop_->schedule_oneshot(on_oneshot, &instance);
  });
}

/// Deleting is final, so whoever else uses the bottom half must have finished: anything else would
/// be the program's own use after free.
bool Interpreter::others_finished(int thread, int bh) const {
  const auto& touches = touches_[static_cast<std::size_t>(bh)];
  share_others(thread);
  for (std::size_t other = 0; other < max_threads; ++other) {
    if (static_cast<int>(other) == thread || !touches[other]) continue;
    if (other == 0 || !finished_[other]) return false;
  }
  return true;
}

void Interpreter::delete_bh(int thread, const Op& op) {
  BhState& bh = bhs_[static_cast<std::size_t>(op.index)];
  if (bh.deleted || !others_finished(thread, op.index)) return;
  bh.deleted = true;
  if (thread == 0) home_notified_ = true;
  aiosim::note("delete bh", op.index);
  observed(thread, {.verb = op.verb, .index = op.index}, [&] { loop_->delete_bh(bh.handle); });
}

// ---- timers, time, flags ----

void Interpreter::arm(int thread, const Op& op) {
  TimerState& timer = timers_[static_cast<std::size_t>(op.index)];
  constexpr std::int64_t most_ns = std::numeric_limits<std::int64_t>::max();
  const std::int64_t now_ns = aiosim::now_ns();
  const std::int64_t wanted_ns = op.amount > most_ns - now_ns ? most_ns : now_ns + op.amount;
  const std::int64_t deadline_ns = wanted_ns - wanted_ns % 1'000;  // so that some are equal
  timer.armed = op.amount <= (in_world_ ? longest_in_world_ns : longest_ns);
  aiosim::note("arm timer", op.index, deadline_ns);
  observed(thread, {.verb = op.verb, .index = op.index, .a = deadline_ns},
           [&] { loop_->arm_timer(timer.handle, deadline_ns); });
}

/// One at a time: who comes meanwhile, does nothing.
void Interpreter::hold_timers(int thread, const Op& op) {
  if (holding_.exchange(true)) return;
  const bool hold = op.verb == Verb::hold_timers;
  aiosim::note(hold ? "hold timers" : "release timers");
  held_ = hold;
  if (thread == 0 && !hold) home_notified_ = true;
  observed(thread, {.verb = op.verb}, [&] { loop_->hold_timers(hold); });
  holding_ = false;
}

void Interpreter::wait_flag(const Op& op) {
  const auto flag = static_cast<std::size_t>(op.index);
  if (!waitable_[flag] || depth_ >= max_depth) return;
  ++depth_;
  ++waits_;
  aiosim::note("wait_while flag unset", op.index);
  FlagRef condition{this, flag};
  observed(0, {.verb = op.verb, .index = op.index},
           [&] { loop_->wait_while(flag_unset, &condition); });
  --depth_;
  --waits_;
  home_notified_ = false;  // its polls accepted
  Observation seen{.what = What::waited, .index = op.index};
  seen.b = flags_begun_[flag] ? 1 : 0;
  recorder_.add(0, seen);
}

}  // namespace properties
