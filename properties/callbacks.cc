// What the loop calls. Each callback comes back as harness and says so first.
#include <utility>

#include "interpreter.h"
#include "under_test.h"

namespace properties {

using aiosim::HarnessScope;
using aiosim::UnderTestScope;

namespace {
constexpr int most_writes = 3;  // calls of a write callback before it takes itself away
constexpr std::int64_t quiet_ns = 7'000'000'000;  // R63
}  // namespace

/// What home notified before may have been accepted by a poll inside wait_while, which is not seen.
void Interpreter::begin_call() {
  ++home_calls_;
  if (waits_ > 0) home_notified_ = false;
}

/// R23: the guard of the bottom halves is engaged while one of them runs, and only then. Whether
/// one-shots share it is the loop's business.
bool Interpreter::guard_is_wrong() const {
  if ((module_.offers & offers_reentrancy_guard) == 0) return false;
  const UnderTestScope scope;
  const bool engaged = loop_->in_bottom_half();
  return bhs_running_ > 0 ? !engaged : engaged && oneshots_running_ == 0;
}

void Interpreter::on_bh(void* opaque) {
  const HarnessScope harness;
  auto& bh = *static_cast<BhState*>(opaque);
  Interpreter& self = *bh.self;
  self.begin_call();
  std::uint64_t packed = 0;
  for (std::size_t thread = 0; thread < max_threads; ++thread) {
    if (!self.touches_[static_cast<std::size_t>(bh.number)][thread]) continue;
    std::uint64_t seen = 0;
    {
      const UnderTestScope scope;
      seen = self.module_.payload_load(&bh.payload[thread]);
    }
    if (seen > bh.seen[thread]) bh.seen[thread] = seen;
    packed |= (seen & 0xffff) << (16 * thread);
  }
  Observation seen{.what = What::call_begin, .source = Source::bh, .index = bh.number};
  seen.a = static_cast<std::int64_t>(packed);
  ++self.bhs_running_;
  seen.d = self.guard_is_wrong() ? 1 : 0;
  self.recorder_.add(0, seen);
  aiosim::note("bh begins", bh.number);
  self.run_calls(Role::bh, bh.number);
  seen.what = What::call_end;
  seen.d = self.guard_is_wrong() ? 1 : 0;
  --self.bhs_running_;
  self.recorder_.add(0, seen);
  aiosim::note("bh ends", bh.number);
}

void Interpreter::on_oneshot(void* opaque) {
  const HarnessScope harness;
  auto& instance = *static_cast<Instance*>(opaque);
  Interpreter& self = *instance.self;
  self.begin_call();
  share_own(0, Verb::signal);
  instance.outstanding = false;
  Observation seen{.what = What::call_begin, .source = Source::oneshot, .index = instance.number};
  seen.a = &instance - self.instances_.data();
  {
    const UnderTestScope scope;
    seen.b = static_cast<std::int64_t>(self.module_.payload_load(&instance.payload));
  }
  self.recorder_.add(0, seen);
  aiosim::note("oneshot begins", instance.number);
  ++self.oneshots_running_;
  self.run_calls(Role::oneshot, instance.number);
  --self.oneshots_running_;
  seen.what = What::call_end;
  self.recorder_.add(0, seen);
  aiosim::note("oneshot ends", instance.number);
}

void Interpreter::on_timer(void* opaque) {
  const HarnessScope harness;
  auto& timer = *static_cast<TimerState*>(opaque);
  Interpreter& self = *timer.self;
  self.begin_call();
  share_own(0, Verb::signal);
  timer.armed = false;
  Observation seen{.what = What::call_begin, .source = Source::timer, .index = timer.number};
  self.recorder_.add(0, seen);
  aiosim::note("timer begins", timer.number);
  self.run_calls(Role::timer, timer.number);
  seen.what = What::call_end;
  self.recorder_.add(0, seen);
  aiosim::note("timer ends", timer.number);
}

/// The request is freed from inside, at the latest when its callback ends.
void Interpreter::on_own(void* opaque, int result) {
  const HarnessScope harness;
  auto& own = *static_cast<Own*>(opaque);
  Interpreter& self = *own.self;
  self.begin_call();
  share_own(0, Verb::signal);
  own.pending = own.outstanding = false;
  Observation seen{.what = What::call_begin, .source = Source::own, .index = own.number};
  seen.a = &own - self.own_.data();
  seen.b = result;
  self.recorder_.add(0, seen);
  aiosim::note("own request completes", own.number, result);
  Own* outer = std::exchange(self.completed_, &own);
  self.run_calls(Role::own, own.number);
  if (self.completed_ == &own) self.free_own(own);
  self.completed_ = outer;
  seen.what = What::call_end;
  self.recorder_.add(0, seen);
  aiosim::note("own request's callback ends", own.number);
}

// ---- fd handlers ----

/// Takes what was signalled, unless the program keeps it for this call. `read`: the fd as well; a
/// source that is polled leaves its fd as it is, as a virtqueue does. Returns the bytes read, -1 if
/// it was not tried or the writer had hung up.
std::int64_t Interpreter::take_data(Registration& handler, bool read) {
  FdState& fd = fds_[static_cast<std::size_t>(handler.fd)];
  const int calls =
      calls_[static_cast<std::size_t>(Role::fd)][static_cast<std::size_t>(handler.fd)];
  if (const Part* part = program_.find(Role::fd, handler.fd); part && calls < callback_calls_) {
    for (const Op& op : part->ops) {
      if (op.verb == Verb::keep) return -1;
    }
  }
  std::int64_t bytes = fd.full && !fd.hung_up ? 0 : -1;
  if (read && !fd.full) {
    ++fd.signalling;
    if (!fd.closed) {
      const UnderTestScope scope;
      bytes = read_fd(fd.read_fd);
    }
    --fd.signalling;
    if (handler.stale) bytes = -1;  // it may be called for what another file had
  }
  share_own(0, Verb::signal);
  fd.data = 0;  // after the read: data > 0 means that a write came or comes after it
  if (!fd.hung_up) return bytes;
  // It stays readable for ever: nothing is left to do but to take the handler away.
  if (fd.current == &handler) run_op(0, {Verb::remove_fd, handler.fd});
  return -1;
}

void Interpreter::fd_call(Registration& handler, Source source) {
  begin_call();
  handler.quiet_since_ns = -1;
  handler.quiet = false;
  share_own(0, Verb::signal);
  Observation seen{.what = What::call_begin, .source = source, .index = handler.fd};
  seen.a = registration_number(handler);
  recorder_.add(0, seen);
  if (source == Source::fd_write) {
    aiosim::note("fd write begins", handler.fd);
    const FdState& fd = fds_[static_cast<std::size_t>(handler.fd)];
    if (++handler.writes >= most_writes && fd.current == &handler) {
      run_op(0, {Verb::modify_fd, handler.fd, 0, handler.pollable, false});
    }
  } else {
    aiosim::note(source == Source::fd_read ? "fd read begins" : "fd ready begins", handler.fd);
    seen.b = take_data(handler, source == Source::fd_read);
  }
  run_calls(Role::fd, handler.fd);
  handler.quiet_since_ns = -1;
  fds_[static_cast<std::size_t>(handler.fd)].called = registration_number(handler);
  seen.what = What::call_end;
  recorder_.add(0, seen);
  aiosim::note("fd callback ends", handler.fd);
}

void Interpreter::on_read(void* opaque) {
  const HarnessScope harness;
  auto& handler = *static_cast<Registration*>(opaque);
  handler.self->fd_call(handler, Source::fd_read);
}

void Interpreter::on_write(void* opaque) {
  const HarnessScope harness;
  auto& handler = *static_cast<Registration*>(opaque);
  handler.self->fd_call(handler, Source::fd_write);
}

void Interpreter::on_ready(void* opaque) {
  const HarnessScope harness;
  auto& handler = *static_cast<Registration*>(opaque);
  FdState& fd = handler.self->fds_[static_cast<std::size_t>(handler.fd)];
  ++fd.ready_depth;
  handler.self->fd_call(handler, Source::fd_ready);
  --fd.ready_depth;
}

void Interpreter::touch(const Registration& handler, Source source, bool result, int hooks,
                        bool too_quiet) {
  Observation seen{.what = What::touch, .source = source, .index = handler.fd};
  seen.a = registration_number(handler);
  seen.b = result ? 1 : 0;
  seen.c = hooks;
  seen.d = too_quiet ? 1 : 0;
  recorder_.add(0, seen);
}

/// A test takes the longer the longer the loop has polled busily: a window of ms is over after
/// hundreds of rounds, whatever points a round of the loop has (a mutex for each handler, perhaps).
void Interpreter::shorten_window() const {
  constexpr std::int64_t exact_ns = 20'000;
  const std::int64_t elapsed_ns = aiosim::now_ns() - window_begin_ns_;
  if (window_open_ && elapsed_ns > exact_ns) aiosim::pass_time(elapsed_ns / 64);
}

/// Of a handler that could not process what it finds.
bool Interpreter::on_poll_alone(void*) {
  const HarnessScope harness;
  aiosim::stop_run({aiosim::VerdictKind::rule_broken, "R54",
                    "a poll function was asked whose handler has none to process what it finds"});
}

/// Polls are many: only those that say yes, or that a rule may forbid, are kept.
bool Interpreter::on_poll(void* opaque) {
  const HarnessScope harness;
  auto& handler = *static_cast<Registration*>(opaque);
  Interpreter& self = *handler.self;
  const FdState& fd = self.fds_[static_cast<std::size_t>(handler.fd)];
  const bool ready = fd.data > 0 || fd.hung_up;
  if (!ready) self.shorten_window();
  const std::int64_t now_ns = aiosim::now_ns();
  if (self.first_test_ns_ < 0) self.first_test_ns_ = now_ns;
  self.last_look_ns_ = handler.window == self.window_ ? handler.tested_ns : self.window_begin_ns_;
  handler.window = self.window_;
  handler.tested_ns = now_ns;
  handler.last_poll_due = false;
  if (ready && self.window_open_) self.found_in_ = self.window_;
  const bool found = self.window_open_ && self.found_in_ == self.window_;
  if (ready) handler.quiet_since_ns = -1;
  const bool too_quiet = handler.quiet && self.window_open_;
  const bool told =
      self.window_open_ && self.told_.load(std::memory_order_relaxed) != self.told_before_;
  if (ready || found || too_quiet || told || fd.current != &handler || fd.ready_depth > 0) {
    self.touch(handler, Source::poll_function, ready, 0, too_quiet);
  }
  return ready;
}

template <int hooks>
void Interpreter::on_begin(void* opaque) {
  const HarnessScope harness;
  auto& handler = *static_cast<Registration*>(opaque);
  handler.polling |= 1u << hooks;
  aiosim::note("io_poll_begin of fd", handler.fd);
  handler.self->touch(handler, Source::poll_began, true, hooks);
}

template <int hooks>
void Interpreter::on_end(void* opaque) {
  const HarnessScope harness;
  auto& handler = *static_cast<Registration*>(opaque);
  make_way();  // for what comes while the source is still silent: the last poll has to find it
  handler.polling &= ~(1u << hooks);
  handler.last_poll_due = true;
  aiosim::note("io_poll_end of fd", handler.fd);
  handler.self->touch(handler, Source::poll_ended, true, hooks);
}

Callback Interpreter::begin_of(int hooks) {
  constexpr Callback all[max_hooks] = {on_begin<0>, on_begin<1>, on_begin<2>, on_begin<3>};
  return all[hooks];
}

Callback Interpreter::end_of(int hooks) {
  constexpr Callback all[max_hooks] = {on_end<0>, on_end<1>, on_end<2>, on_end<3>};
  return all[hooks];
}

/// Which handler a time is of: the one whose callback has just returned.
void Interpreter::on_poll_time(const PollingEvent& event) {
  Observation seen{.what = What::poll_time};
  seen.a = -1;
  for (std::size_t i = 1; i <= max_fds; ++i) {
    if (!fds_[i].used || fds_[i].read_fd != event.fd) continue;
    seen.index = static_cast<int>(i);
    seen.a = fds_[i].called;
  }
  seen.b = event.was_ns;
  seen.c = event.ns;
  seen.d = event.block_ns;
  last_wait_ns_ = event.block_ns;
  recorder_.add(0, seen);
}

void Interpreter::on_polling(void* opaque, const PollingEvent& event) {
  const HarnessScope harness;
  auto& self = *static_cast<Interpreter*>(opaque);
  if (event.kind == PollingEvent::Kind::time) return self.on_poll_time(event);
  const std::int64_t now_ns = aiosim::now_ns();
  if (event.kind == PollingEvent::Kind::begin) {
    ++self.window_;
    self.window_open_ = true;
    self.window_begin_ns_ = now_ns;
    self.told_before_ = self.told_.load(std::memory_order_relaxed);
    self.first_test_ns_ = -1;
    Observation seen{.what = What::window_begin};
    seen.a = event.ns;
    seen.b = event.timeout_ns;
    self.recorder_.add(0, seen);
    return;
  }
  Observation seen{.what = What::window_end};
  seen.a = now_ns - self.window_begin_ns_;
  seen.b = self.first_test_ns_ < 0
               ? -1
               : (self.first_test_ns_ - self.window_begin_ns_) + (now_ns - self.last_look_ns_);
  for (std::size_t fd = 1; fd <= max_fds; ++fd) {
    const Registration* const handler = self.fds_[fd].current;
    if (handler != nullptr && handler->window == self.window_) seen.c |= std::int64_t{1} << fd;
  }
  self.recorder_.add(0, seen);
  self.window_open_ = false;
  self.see_who_is_quiet(now_ns);
}

/// A window has ended, and the loop has looked at its clock within it. (R63)
void Interpreter::see_who_is_quiet(std::int64_t now_ns) {
  for (const FdState& fd : fds_) {
    Registration* const handler = fd.current;
    if (handler == nullptr || !handler->pollable || handler->window != window_) continue;
    if (fd.data > 0 || fd.hung_up) continue;
    if (handler->quiet_since_ns < 0) {
      handler->quiet_since_ns = now_ns;
    } else if (window_begin_ns_ - handler->quiet_since_ns >= quiet_ns) {
      handler->quiet = true;
    }
  }
}

/// Called under test: its word belongs to the memory model.
bool Interpreter::flag_unset(void* opaque) {
  const auto& condition = *static_cast<FlagRef*>(opaque);
  return condition.self->module_.payload_load(&condition.self->flags_[condition.flag]) == 0;
}

}  // namespace properties
