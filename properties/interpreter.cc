#include "interpreter.h"

#include <filesystem>
#include <iterator>
#include <string>
#include <system_error>
#include <utility>

#include "under_test.h"

namespace properties {

using aiosim::UnderTestScope;

namespace {

/// Of this process; 0 if it cannot be told.
std::ptrdiff_t host_threads() {
  std::error_code none;
  const std::filesystem::directory_iterator tasks("/proc/self/task", none);
  return std::distance(begin(tasks), end(tasks));
}

}  // namespace

Interpreter::Interpreter(const Case& program, const BackendModule& module)
    : program_(offered(program, module.offers)),
      module_(module),
      poll_max_ns_(program.option(Verb::poll_max_ns, 0)),
      callback_calls_(program.option(Verb::callback_calls, 2)),
      first_fd_(static_cast<int>(program.option(Verb::first_fd, 0))),
      producers_(program.producers()) {
  analyse();
  introduce();
}

void Interpreter::run() {
  reset();
  in_world_ = aiosim::in_world();
  const std::size_t open_before = aiosim::open_fds();
  const std::ptrdiff_t threads_before = in_world_ ? 0 : host_threads();
  set_up();
  if (!in_world_) loop_has_threads_ = host_threads() > threads_before;
  install_probes();
  start_producers();
  run_part(0, program_.find(Role::home));
  drain();
  clear_up();
  if (aiosim::open_fds() > open_before) find_lost_fds();
  if (std::string twice = aiosim::closed_twice(); !twice.empty()) {
    aiosim::stop_run({aiosim::VerdictKind::double_free, "", std::move(twice)});
  }
}

void Interpreter::run_part(int thread, const Part* part) {
  if (part == nullptr) return;
  for (const Op& op : part->ops) run_op(thread, op);
}

/// A callback's operations, while its calls are within budget.
void Interpreter::run_calls(Role role, int number) {
  int& calls = calls_[static_cast<std::size_t>(role)][static_cast<std::size_t>(number)];
  if (++calls <= callback_calls_) run_part(0, program_.find(role, number));
}

// ---- threads ----

void Interpreter::start_producers() {
  for (int thread = 1; thread <= producers_; ++thread) {
    start_thread(place_of(thread), [this, thread] { produce(thread); });
  }
}

/// Whether home sleeps, and what a producer may still use, follows from what the others have done.
void Interpreter::share_own(int thread, Verb verb) {
  constexpr std::uint32_t objects = 0;  // what is registered, deleted, armed, written
  aiosim::shares(static_cast<std::uint32_t>(thread) + 1, true);
  const bool flags = verb == Verb::notify || verb == Verb::schedule || verb == Verb::schedule_idle;
  aiosim::shares(objects, !flags);
}

void Interpreter::share_others(int thread) const {
  constexpr std::uint32_t objects = 0;
  aiosim::shares(objects, false);
  for (int other = 0; other <= producers_; ++other) {
    if (other != thread) aiosim::shares(static_cast<std::uint32_t>(other) + 1, false);
  }
}

void Interpreter::produce(int thread) {
  static constexpr const char* names[] = {"home", "producer 1", "producer 2", "producer 3"};
  aiosim::name_thread(names[thread]);
  world_threads_[static_cast<std::size_t>(thread)] = aiosim::thread_index();
  run_part(thread, program_.find(Role::producer, thread));
  finished_[static_cast<std::size_t>(thread)] = true;
  run_op(thread, Op{Verb::notify});
}

// ---- home's polls ----

/// Whether something has been asked for that must end a blocking poll. Never true without such a
/// thing on a correct loop: doubt counts as nothing outstanding.
bool Interpreter::outstanding() const {
  if (home_notified_) return true;
  share_others(0);
  for (int thread = 1; thread <= producers_; ++thread) {
    if (!finished_[static_cast<std::size_t>(thread)]) return true;
  }
  for (const BhState& bh : bhs_) {
    if (!bh.used || bh.deleted || (bh.cancelled && !bh.single)) continue;
    for (std::size_t thread = 0; thread < max_threads; ++thread) {
      if (bh.last[thread] > bh.seen[thread]) return true;
    }
  }
  for (const Instance& instance : used(instances_, next_instance_)) {
    if (instance.outstanding) return true;
  }
  for (const Own& own : used(own_, next_own_)) {
    if (own.outstanding) return true;
  }
  for (const TimerState& timer : timers_) {
    if (timer.countable && timer.armed && !held_) return true;
  }
  for (const FdState& fd : fds_) {
    const Registration* current = fd.current;
    if (!fd.registered || current == nullptr || current->stale) continue;
    const bool readable = fd.data > 0 || fd.hung_up;
    const bool writable = current->write && (!fd.full || fd.hung_up);
    if (writable || (current->read && readable && fd.ready_depth == 0)) return true;
  }
  return false;
}

void Interpreter::poll(bool blocking) {
  if (depth_ >= max_depth) return;
  blocking = blocking && outstanding();
  home_notified_ = false;
  Observation seen{.what = What::poll_begin, .index = blocking ? 1 : 0};
  seen.a = unserved_fds(false);
  seen.b = unserved_fds(true);
  seen.c = writable_fds();
  seen.d = polled_fds();
  recorder_.add(0, seen);
  aiosim::note(blocking ? "poll(true) called" : "poll(false) called");
  ++depth_;
  bool progress = false;
  {
    const UnderTestScope scope;
    progress = loop_->poll(blocking);
  }
  --depth_;
  recorder_.add(0, {.what = What::poll_end, .index = progress ? 1 : 0, .d = guard_is_wrong()});
  if (depth_ == 0 && waits_ == 0) expect_last_polls();
  aiosim::note("poll returned", progress ? 1 : 0);
}

/// Who was told to signal again has been looked at once more by now, from inside its poll_ready
/// or not.
void Interpreter::expect_last_polls() {
  for (const FdState& fd : fds_) {
    const Registration* handler = fd.current;
    if (handler == nullptr || !handler->last_poll_due || !handler->pollable) continue;
    aiosim::stop_run({aiosim::VerdictKind::rule_broken, "R66",
                      "the polling of fd " + std::to_string(handler->fd) +
                          " has ended, and its poll function was not asked once more"});
  }
}

void Interpreter::join_producers() {
  if (joined_) return;
  for (int thread = 1; thread <= producers_; ++thread) join_thread(place_of(thread));
  joined_ = true;
}

/// Serves what is outstanding, joins the producers, and serves what is left.
void Interpreter::drain() {
  while (held_) {
    run_op(0, {Verb::release_timers});
    make_way();  // another may be about it
  }
  // Real threads may be kept from running for long while home is served again and again.
  const int most_polls = in_world_ ? 1'000 : 10'000'000;
  constexpr int patience = 100;
  int polls = 0;
  // Twice: outstanding() leaves doubtful cases out while producers run. Then own watches.
  for (int round = 0; round < 3; ++round) {
    for (; outstanding(); ++polls) {
      if (polls == most_polls) give_up("poll after poll does not serve what is outstanding");
      poll(true);
      if (polls >= patience) make_way();  // what is outstanding may wait for a producer to go on
    }
    join_producers();
    if (round == 1) end_watches();
  }
  for (int quiet = 0; quiet < 2; ++polls) {
    if (polls == most_polls) give_up("callbacks keep coming with nothing outstanding");
    const std::uint64_t calls = home_calls_;
    poll(false);
    quiet = home_calls_ == calls ? quiet + 1 : 0;
  }
  recorder_.add(0, {.what = What::settled});
}

/// Half of the watches see their fd become readable; the others are dropped with the loop.
void Interpreter::end_watches() {
  for (Own& own : used(own_, next_own_)) {
    if (!own.pending || own.number % 2 == 0) continue;
    const FdState& fd = fds_[static_cast<std::size_t>(own.number)];
    if (fd.registered) run_op(0, {Verb::remove_fd, own.number});
    run_op(0, {Verb::signal, own.number});
    own.outstanding = !fd.closed;
  }
}

void Interpreter::give_up(const char* what) {
  if (!in_world_) join_producers();
  aiosim::stop_run({aiosim::VerdictKind::livelock, "", std::string("home gave up: ") + what});
}

void Interpreter::clear_up() {
  const bool may_stay = (module_.offers & offers_handlers_to_the_end) != 0;
  for (int i = 1; i <= max_fds; ++i) {
    const FdState& fd = fds_[static_cast<std::size_t>(i)];
    if (!fd.registered) continue;
    // Of those that stay the loop has to end the polling, and to free them (D7, R98).
    const bool stays = may_stay && registration_number(*fd.current) % 2 != 0;
    if (!stays) run_op(0, {Verb::remove_fd, i});
  }
  for (int i = 1; i <= max_bhs; ++i) {
    if (bhs_[static_cast<std::size_t>(i)].used) run_op(0, {Verb::delete_bh, i});
  }
  for (int i = 1; i <= max_timers; ++i) {
    TimerState& timer = timers_[static_cast<std::size_t>(i)];
    if (!timer.used) continue;
    run_op(0, {Verb::disarm, i});
    const UnderTestScope scope;
    loop_->free_timer(timer.handle);
  }
  {
    const UnderTestScope scope;
    delete loop_;
  }
  recorder_.add(0, {.what = What::destroyed});
  for (Own& own : used(own_, next_own_)) {
    if (own.pending) free_own(own);  // dropped with the loop
  }
  close_fds();
}

/// A loop's fds go with it. What it keeps for the whole process, as a library may, it opens once:
/// so another loop tells. Threads of the loop's own may be about to close what they have.
void Interpreter::find_lost_fds() {
  constexpr int patience = 100;
  const auto open_then = [] {
    for (int i = 0; i < patience; ++i) make_way();
    return aiosim::open_fds();
  };
  const std::size_t open_before = open_then();
  make_loop();
  {
    const UnderTestScope scope;
    delete loop_;
  }
  const std::size_t open_after = open_then();
  if (open_after <= open_before) return;
  const std::size_t lost = open_after - open_before;
  aiosim::stop_run({aiosim::VerdictKind::leak, "",
                    "each loop that is made and destroyed leaves " + std::to_string(lost) +
                        (lost == 1 ? " fd open" : " fds open")});
}

// ---- probes ----

/// The fds whose data a correct loop must notice now, a bit each; of pollable handlers or others.
std::int64_t Interpreter::unserved_fds(bool pollable) const {
  std::int64_t out = 0;
  for (std::size_t i = 1; i <= max_fds; ++i) {
    const FdState& fd = fds_[i];
    const Registration* current = fd.current;
    if (!fd.registered || fd.busy || current == nullptr || current->pollable != pollable) continue;
    if (current->stale || !current->read) continue;
    const bool readable = fd.data > 0 || fd.hung_up;
    if (readable && fd.signalling == 0 && fd.ready_depth == 0) out |= std::int64_t{1} << i;
  }
  return out;
}

/// The fds whose write callback is due, if they are not pollable, a bit each: eventfds are always
/// writable, a full pipe is broken once it is hung up.
std::int64_t Interpreter::writable_fds() const {
  std::int64_t out = 0;
  for (std::size_t i = 1; i <= max_fds; ++i) {
    const FdState& fd = fds_[i];
    const Registration* current = fd.current;
    if (!fd.registered || fd.busy || current == nullptr || current->stale) continue;
    if (fd.full && (!fd.hung_up || fd.signalling != 0)) continue;
    if (current->write && !current->pollable) out |= std::int64_t{1} << i;
  }
  return out;
}

/// The fds whose handler believes that it is being polled, a bit each.
std::int64_t Interpreter::polled_fds() const {
  std::int64_t out = 0;
  for (std::size_t i = 1; i <= max_fds; ++i) {
    const Registration* current = fds_[i].current;
    if (fds_[i].registered && !fds_[i].busy && current != nullptr && current->polling != 0) {
      out |= std::int64_t{1} << i;
    }
  }
  return out;
}

void Interpreter::install_probes() {
  aiosim::on_time_jump([this](const aiosim::TimeJump& jump) {
    Observation seen{.what = What::time_jump, .index = aiosim::is_blocked(0) ? 1 : 0};
    seen.a = jump.from_ns;
    seen.b = jump.to_ns;
    seen.c = unserved_fds(false) | unserved_fds(true);
    seen.d = polled_fds();
    recorder_.add(0, seen);
  });
  aiosim::on_kernel_call([this](const aiosim::KernelCall& call) {
    const auto* const known =
        std::find(world_threads_.begin(), world_threads_.end(), aiosim::thread_index());
    if (known == world_threads_.end()) {
      loop_has_threads_ = true;
      return;
    }
    const int thread = static_cast<int>(known - world_threads_.begin());
    const std::string_view name = call.call;
    if (thread != 0 && name != "write") return;
    KernelCode code = KernelCode::other;
    if (name == "write") code = KernelCode::write;
    if (name == "io_uring_enter" || name.find("poll") != name.npos) code = KernelCode::wait;
    Observation seen{.what = What::kernel_call, .index = static_cast<int>(code)};
    seen.a = call.fd;
    seen.b = call.result;
    seen.d = name == "epoll_wait" ? 1 : 0;
    for (const FdState& fd : fds_) seen.c |= fd.used && fd.write_fd == call.fd ? 1 : 0;
    recorder_.add(thread, seen);
  });
}

}  // namespace properties
