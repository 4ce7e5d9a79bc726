// What each operation of a program does.
#include <unistd.h>

#include "interpreter.h"
#include "under_test.h"

namespace properties {

using aiosim::UnderTestScope;

/// Makes `call` under test, observed from before to after.
template <typename Call>
void Interpreter::observed(int thread, Observation seen, const Call& call) {
  seen.what = What::op_begin;
  const std::string_view sleeps_in = thread == 0 ? "" : aiosim::blocked_in(0);
  const bool kernel = sleeps_in.find("poll") != sleeps_in.npos || sleeps_in.starts_with("io_uring");
  seen.d = kernel ? 1 : 0;
  recorder_.add(thread, seen);
  {
    const UnderTestScope scope;
    call();
  }
  share_own(thread, seen.verb);
  seen.what = What::op_end;
  recorder_.add(thread, seen);
}

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
    case Verb::signal:
      return signal(thread, op);
    case Verb::hang_up:
      return hang_up(thread, op);
    case Verb::add_fd:
    case Verb::modify_fd:
    case Verb::remove_fd:
      return change_handler(thread, op);
    case Verb::arm:
      return arm(thread, op);
    case Verb::disarm: {
      TimerState& timer = timers_[static_cast<std::size_t>(op.index)];
      aiosim::note("disarm timer", op.index);
      timer.armed = false;
      return observed(thread, {.verb = op.verb, .index = op.index},
                      [&] { loop_->disarm_timer(timer.handle); });
    }
    case Verb::set_poll_max:
      aiosim::note("set_poll_max", op.amount);
      home_notified_ = true;
      return observed(thread, {.verb = op.verb, .a = op.amount},
                      [&] { loop_->set_poll_max(op.amount); });
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
    default:
      return;  // keep: on_read and on_ready; options: read once
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

// ---- fds ----

void Interpreter::signal(int thread, const Op& op) {
  FdState& fd = fds_[static_cast<std::size_t>(op.index)];
  ++fd.signalling;
  if (fd.hung_up) {
    --fd.signalling;
    return;
  }
  aiosim::note("signal fd", op.index);
  observed(thread, {.verb = op.verb, .index = op.index}, [&] {
    ++fd.data;
    // A source that is being polled keeps its kicks to itself (R67, R96).
    const Registration* current = fd.current;
    if (current == nullptr || !current->polling) write_fd(fd.write_fd);
  });
  --fd.signalling;
}

/// Nobody may be writing: the number could be another fd's by then.
void Interpreter::hang_up(int thread, const Op& op) {
  FdState& fd = fds_[static_cast<std::size_t>(op.index)];
  if (!fd.pipe) return;
  if (fd.signalling.fetch_add(1) == 0 && !fd.hung_up.exchange(true)) {
    aiosim::note("hang up fd", op.index);
    observed(thread, {.verb = op.verb, .index = op.index}, [&] { close(fd.write_fd); });
  }
  --fd.signalling;
}

/// Kicks may have been kept back for the handler before this one (R96).
void Interpreter::kick_if_data(FdState& fd) {
  if (fd.data == 0) return;
  ++fd.signalling;
  if (!fd.hung_up) {
    const UnderTestScope scope;
    write_fd(fd.write_fd);
  }
  --fd.signalling;
}

void Interpreter::change_handler(int thread, const Op& op) {
  FdState& fd = fds_[static_cast<std::size_t>(op.index)];
  if (fd.busy.exchange(true)) {  // one change at a time
    make_way();                  // home may come again and again until the other is done
    return;
  }
  const bool present = fd.registered;
  const bool wanted = op.verb == Verb::add_fd ? !present : present;
  const int number = op.verb == Verb::remove_fd || !wanted ? 0 : next_registration_++;
  if (wanted && number < max_registrations) {
    if (thread == 0) home_notified_ = true;
    if (op.verb == Verb::remove_fd) {
      Registration* old = fd.current.exchange(nullptr);
      fd.registered = false;
      aiosim::note("remove fd", op.index);
      observed(thread, {.verb = op.verb, .index = op.index, .a = registration_number(*old)},
               [&] { loop_->remove_fd_handler(fd.read_fd); });
    } else {
      Registration& handler = registrations_[static_cast<std::size_t>(number)];
      handler.fd = op.index;
      handler.pollable = op.pollable;
      handler.write = op.write && !fd.pipe;
      const Registration* old = fd.current.exchange(&handler);
      FdCallbacks callbacks;
      callbacks.read = on_read;
      if (handler.write) callbacks.write = on_write;
      if (handler.pollable) {
        callbacks.poll = on_poll;
        callbacks.poll_ready = on_ready;
        callbacks.begin = on_begin;
        callbacks.end = on_end;
      }
      aiosim::note(present ? "modify fd" : "add fd", op.index);
      Observation seen{.verb = op.verb, .index = op.index, .a = number};
      seen.b = (handler.pollable ? 1 : 0) | (handler.write ? 2 : 0);
      seen.c = old != nullptr ? registration_number(*old) : -1;
      observed(thread, seen, [&] { loop_->set_fd_handler(fd.read_fd, callbacks, &handler); });
      fd.registered = true;
      kick_if_data(fd);
    }
  }
  fd.busy = false;
}

// ---- timers, time, flags ----

void Interpreter::arm(int thread, const Op& op) {
  TimerState& timer = timers_[static_cast<std::size_t>(op.index)];
  const std::int64_t wanted_ns = aiosim::now_ns() + op.amount;
  const std::int64_t deadline_ns = wanted_ns - wanted_ns % 1'000;  // so that some are equal
  timer.armed = true;
  aiosim::note("arm timer", op.index, deadline_ns);
  observed(thread, {.verb = op.verb, .index = op.index, .a = deadline_ns},
           [&] { loop_->arm_timer(timer.handle, deadline_ns); });
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
