#include "runtime/world.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <boost/context/detail/fcontext.hpp>
#include <cstring>
#include <limits>
#include <cxxabi.h>

#include "fault/points.h"
#include "kernel/kernel.h"
#include "memory/value.h"
#include "runtime/call_stack.h"
#include "runtime/crash.h"
#include "runtime/heap.h"
#include "runtime/leaks.h"
#include "runtime/leftovers.h"
#include "runtime/live_frames.h"
#include "runtime/module_image.h"
#include "runtime/point.h"
#include "runtime/stack.h"
#include "runtime/sync_objects.h"
#include "runtime/tcb.h"
#include "runtime/thread_keys.h"

namespace aiosim::runtime {

namespace context = boost::context::detail;

Thread* g_current = nullptr;
World* g_world = nullptr;

namespace {

// What a switch carries: the thread that was left (null: the world's caller).
Thread* previous(context::transfer_t from) { return static_cast<Thread*>(from.data); }

// libfiu takes a lock of the host's.
bool may_strike(fault::PointId point) {
  const RuntimeScope scope;
  return fault::strikes(point);
}

}  // namespace

World::World() : memory(*this), kernel_(std::make_unique<kernel::Kernel>(*this)) {
  kernel = kernel_.get();
}

World::~World() = default;

// --- runs -------------------------------------------------------------------------------------

RunResult World::run(const std::function<void()>& body, Chooser& chooser,
                     const RunOptions& options) {
  options_ = options;
  strengthens_ = !options.strengthened.empty();
  chooser_ = &chooser;
  body_ = &body;
  now_ns_ = world_start_ns;
  state_version_ = 1;
  timers_version_ = 0;
  runnable_version_ = 0;
  candidates_of_ = 0;
  who_runs_ = {};
  point_ns_ = options.frozen_clock ? 0 : 1;
  spin_limit_ = options.spin_blocks ? 4 : 16;
  step_ = 0;
  hash_ = 0;
  site_ = {};
  threads_.clear();
  choices_.clear();
  trace_.clear();
  leftovers_.clear();
  verdict_ = {};
  last_words_.clear();
  cut_ = false;
  time_jumped_ = false;
  spinners_released_ = 0;
  touched_.clear();
  numbers_.reset();
  memory.reset(options.memory);
  kernel->reset();
  sync_objects().reset();
  reset_keys();
  heap_reset();
  restore_segments();
  install_crash_handlers();
  if (options.leftovers) {
    if (library_state_ == nullptr) library_state_ = std::make_unique<LibraryState>();
    library_state_->take();
  }
  fault::set_world_decider(
      [this](fault::PointId id) {
        return choose(Kind::fault, 2, fault::catalogue()[static_cast<std::size_t>(id)].name) != 0;
      },
      [this](fault::PointId) { choose(Kind::fault, 1); });  // counted, so that keys stay
  chooser.begin();
  watch_ = chooser.watches();

  Thread& first = new_thread(
      [](void*) -> void* {
        (*world().body_)();
        return nullptr;
      },
      nullptr);
  first.harness = 1;
  main_fs_ = get_fs();
  g_current = &first;
  counts = first.counts;
  set_fs(first.tcb->fs);
  context::jump_fcontext(first.context, nullptr);
  // end_run() jumped back, with the caller's %fs.
  fault::set_world_decider(nullptr, nullptr);
  time_jump_probe = nullptr;
  kernel_call_probe = nullptr;
  if (watch_ == Watch::transitions) tell_end();
  if (verdict_.passed() && !cut_ && first.state == Thread::State::finished) look_at_remains();
  return take_result();
}

// The body has returned.
void World::look_at_remains() {
  if (options_.leaks && heap_live_blocks() != 0) {
    HeapRemains remains = find_remains(*this, options_.leftovers);
    if (!remains.lost.empty()) verdict_ = {VerdictKind::leak, {}, std::move(remains.lost)};
    leftovers_ = std::move(remains.held);
  }
  if (!options_.leftovers) return;
  for (std::string& line : open_ends(*this)) leftovers_.push_back(std::move(line));
  for (std::string& line : library_state_->changes()) leftovers_.push_back(std::move(line));
}

RunResult World::take_result() {
  RunResult result;
  result.verdict = std::move(verdict_);
  mix(static_cast<std::uint64_t>(result.verdict.kind));
  result.trace_hash = hash_;
  result.behaviour = memory.behaviour();
  result.points = step_;
  result.cut = cut_;
  result.end_ns = now_ns_;
  result.choices.reserve(choices_.size());
  for (const RawChoice& c : choices_) {
    result.choices.push_back(
        {c.key, c.answers, c.value, c.site.operation, describe(c.site.object), c.step});
  }
  result.trace = std::move(trace_);
  result.leftovers = std::move(leftovers_);
  result.threads.reserve(threads_.size());
  for (const Thread* thread : threads_) {
    ThreadInfo info{thread->name, {}};
    if (thread->state == Thread::State::blocked) info.waiting_for = describe_wait(*thread);
    result.threads.push_back(std::move(info));
  }
  return result;
}

void World::end_run() {
  set_fs(main_fs_);
  g_current = nullptr;
  context::jump_fcontext(main_context_, nullptr);
  __builtin_unreachable();
}

void World::fail(Verdict verdict) {
  ++g_current->harness;
  verdict_ = std::move(verdict);
  end_run();
}

std::string World::describe_pc(const void* pc) { return describe_code(pc); }
std::string World::describe_stack(const void* pc) { return describe_current_stack(pc); }

// --- threads ----------------------------------------------------------------------------------

Thread& World::new_thread(void* (*start)(void*), void* argument) {
  const auto id = static_cast<std::uint32_t>(threads_.size());
  if (id == memory::max_threads) {
    fail(VerdictKind::crash, "a world has at most 32 threads; this one asked for another");
  }
  if (pool_.size() == id) {
    pool_.push_back(std::make_unique<Thread>());
    Thread& fresh = *pool_.back();
    fresh.stack = std::make_unique<Stack>(map_stack(id));
    fresh.id = id;
  }
  Thread& thread = *pool_[id];
  thread.tcb = &borrow_tcb(id);
  reset_tcb(*thread.tcb);
  thread.state = Thread::State::enabled;
  thread.harness = 0;
  thread.yielded = thread.detached = thread.joined = false;
  thread.signal_ready = thread.spins = thread.unseen = false;
  thread.next = {id_of({ObjectType::thread, id}), false};
  thread.spin = {};
  std::fill(std::begin(thread.counts), std::end(thread.counts), 0u);
  thread.blocked_total_ns = 0;
  thread.plain_accesses = 0;
  thread.start = start;
  thread.argument = argument;
  thread.result = nullptr;
  thread.exit_handlers.clear();
  thread.specific.clear();
  thread.name[0] = 'T';
  *std::to_chars(thread.name + 1, std::end(thread.name), id).ptr = '\0';
  thread.live_from = thread.stack->low;
  thread.live_pc = nullptr;
  thread.context = context::make_fcontext(thread.stack->top, stack_size, enter);
  threads_.push_back(&thread);
  runnable_version_ = 0;
  return thread;
}

void World::enter(context::transfer_t from) {
  World& w = world();
  if (Thread* left = previous(from)) {
    left->context = from.fctx;
  } else {
    w.main_context_ = from.fctx;
  }
  Thread& self = *g_current;
  w.touch(self.next);
  void* result = nullptr;
  try {
    result = self.start(self.argument);
  } catch (abi::__forced_unwind&) {  // pthread_exit
    w.exit_thread(self.result);
  } catch (...) {
    ++self.harness;
    w.fail(VerdictKind::escaped_exception, "an exception left " + std::string(self.name) + ": " +
                                               describe_current_exception());
  }
  w.exit_thread(result);
}

Thread& World::spawn(void* (*start)(void*), void* argument) {
  Thread& parent = *g_current;
  ++parent.harness;
  Thread& child = new_thread(start, argument);
  memory.thread_created(parent.id, child.id);
  touch({ObjectType::thread, child.id}, true);
  --parent.harness;
  return child;
}

void World::exit_thread(void* result) {
  Thread& me = *g_current;
  if (me.id == 0) {
    me.state = Thread::State::finished;
    end_run();
  }
  while (!me.exit_handlers.empty()) {
    const auto [destroy, object] = me.exit_handlers.back();
    me.exit_handlers.pop_back();
    destroy(object);
  }
  run_key_destructors(me);
  me.result = result;
  touch({ObjectType::thread, me.id}, true);
  record("thread exit", {ObjectType::thread, me.id}, 0, 0, nullptr);
  me.state = Thread::State::finished;
  state_changed();
  schedule();
  __builtin_unreachable();
}

// --- scheduling -------------------------------------------------------------------------------

void World::point(const char* operation, Object object, const void* pc, Touch next) {
  Thread& me = *g_current;
  now_ns_ += point_ns_;
  me.plain_accesses = 0;
  me.live_pc = nullptr;
  site_ = {operation, object, pc};
  me.next = next;
  me.spin.idle = 0;
  if (++step_ > options_.max_points) too_many_points();
  memory.tick(me.id);
  if (me.unseen) [[unlikely]] {
    do {
      schedule();
    } while (!runnable(me));
    me.state = Thread::State::enabled;
    me.unseen = false;
  } else {
    schedule();
  }
  if (me.signal_ready) [[unlikely]]
    deliver_due_signals(next);
  site_ = {operation, object, pc};  // others ran: what is asked next is asked here
  touch(next);
}

void World::too_many_points() {
  ++g_current->harness;  // the text is the host's
  fail(VerdictKind::livelock,
       "no end after " + std::to_string(options_.max_points) + " scheduling points");
}

void World::deliver_due_signals(Touch next) {
  Thread& me = *g_current;
  while (me.signal_ready) {
    deliver_signals();
    me.next = next;
    schedule();  // what the handlers came before is a transition of its own
  }
}

void World::point_before(const Wait& wait, const void* pc, Touch next) {
  Thread& me = *g_current;
  if (!options_.waits_unseen) return point(wait.operation, wait.object, pc, next);
  me.unseen = true;
  me.wait = wait;
  me.interrupt_ns = -1;
  me.state = Thread::State::blocked;
  runnable_version_ = 0;
  me.blocked_since_ns = now_ns_;
  point(wait.operation, wait.object, pc, next);
  me.blocked_total_ns += now_ns_ - me.blocked_since_ns;
}

void World::yield(const char* operation, const void* pc) {
  g_current->yielded = true;
  point(operation, {}, pc, {});
  g_current->yielded = false;
}

void World::add_touch(Touch touch) {
  for (Touch& seen : touched_) {
    if (seen.object != touch.object) continue;
    seen.writes |= touch.writes;
    return;
  }
  const RuntimeScope scope;
  touched_.push_back(touch);
}

// --- spinning ---------------------------------------------------------------------------------

namespace {

// Real memory holds the newest stores.
bool spins_no_more(void* data) {
  const Spin& spin = *static_cast<const Spin*>(data);
  for (const Spin::Read& read : spin.reads) {
    if (read.at == nullptr) continue;
    if (static_cast<std::uint64_t>(memory::read_memory(read.at, read.size)) != read.value) {
      return true;
    }
  }
  return false;
}

}  // namespace

// Whether it blocks, and when it goes on, follows from all that it re-reads.
void World::touch_reads(const Spin& spin) {
  if (watch_ != Watch::transitions) return;
  for (const Spin::Read& read : spin.reads) {
    if (read.at == nullptr) continue;
    touch({ObjectType::atomic, memory.object_of(read.at, read.size)}, false);
  }
}

// The operation reads the newest: what a thread sees that waits long enough.
void World::spin(Thread& me) {
  me.spin.idle = 0;
  memory.read_newest(me.id);
  touch_reads(me.spin);
  if (options_.spin_blocks && !spins_no_more(&me.spin)) {
    me.spins = true;
    block({spins_no_more, &me.spin, -1, "re-reading without change", site_.object});
    me.spins = false;
    touch_reads(me.spin);
    return;
  }
  me.spin.reads = {};
  const bool yielded = me.yielded;
  me.yielded = true;
  schedule();
  me.yielded = yielded;
}

// Perhaps they did something else between the reads: they get another chance, but not for ever.
bool World::release_spinners() {
  constexpr std::uint32_t most = 1000;
  bool any = false;
  for (Thread* thread : threads_) {
    if (thread->state != Thread::State::blocked || !thread->spins) continue;
    thread->spins = false;
    thread->ready = true;
    thread->checked_version = state_version_;
    any = true;
  }
  time_jumped_ = any;  // as with time: only because nobody could run
  return any && ++spinners_released_ <= most;
}

bool World::wait_is_over(Thread& thread) {
  if (thread.interrupt_ns >= 0 && now_ns_ >= thread.interrupt_ns) return true;
  if (thread.wait.deadline_ns >= 0 && now_ns_ >= thread.wait.deadline_ns) return true;
  if (thread.checked_version != state_version_ || thread.spins || thread.unseen) {
    thread.checked_version = state_version_;
    thread.ready = thread.wait.ready(thread.wait.data);
  }
  return thread.ready;
}

// The state of nobody has changed: what was found holds until it does, or the next deadline.
void World::find_runnable() {
  for (;;) {
    if (timers_version_ != state_version_) {
      timers_version_ = state_version_;
      timers_due_ns_ = kernel->next_deadline_ns();
    }
    if (timers_due_ns_ >= 0 && now_ns_ >= timers_due_ns_) {
      touch({ObjectType::kernel, 0}, true);
      state_changed();
      timers_version_ = state_version_;
      timers_due_ns_ = -1;
    }
    constexpr std::int64_t never = std::numeric_limits<std::int64_t>::max();
    runnable_ = 0;
    runnable_until_ns_ = timers_due_ns_ >= 0 ? timers_due_ns_ : never;
    for (Thread* thread : threads_) {
      if (runnable(*thread)) {
        runnable_ |= 1U << thread->id;
      } else if (thread->state == Thread::State::blocked) {
        for (const std::int64_t due : {thread->wait.deadline_ns, thread->interrupt_ns}) {
          if (due >= 0) runnable_until_ns_ = std::min(runnable_until_ns_, due);
        }
        // What they read changes without notice.
        if (thread->spins || thread->unseen) runnable_until_ns_ = 0;
      }
    }
    runnable_version_ = state_version_;
    if (runnable_ != 0) return;
    let_time_jump();
  }
}

// Canonical order: the current thread first, then by creation index; a thread that gave way comes
// last, so that the dull answer lets the next one run.
void World::list_candidates() {
  const std::uint32_t mine = g_current->id;
  const bool yielded = g_current->yielded;
  const std::uint32_t me = runnable_ & (1U << mine);
  // Bits from `start` up, then those below.
  const std::uint32_t start = yielded ? mine : 0;
  std::uint32_t n = 0;
  if (!yielded && me != 0) candidates_[n++] = mine;
  const std::uint32_t others = runnable_ & ~me;
  for (std::uint32_t part : {others >> start << start, others & ~(~0U << start)}) {
    for (; part != 0; part &= part - 1) {
      candidates_[n++] = static_cast<std::uint32_t>(std::countr_zero(part));
    }
  }
  if (yielded && me != 0) candidates_[n++] = mine;
  candidate_count_ = n;
}

std::uint32_t World::ask(Kind kind, std::uint32_t answers, const char* label) {
  Thread& me = *g_current;
  Question question;
  question.key = {me.id, kind, me.counts[static_cast<std::size_t>(kind)]};
  question.answers = answers;
  question.step = step_;
  question.pc = site_.pc;
  if (label != nullptr) question.label = label;
  ++me.harness;
  const std::uint32_t value = chooser_->choose(question);
  --me.harness;
  if (value != 0) return given(question, value, label);
  mix_answer(question, 0);
  return 0;
}

// An answer that is not the dull one.
std::uint32_t World::given(const Question& question, std::uint32_t value, const char* label) {
  Thread& me = *g_current;
  if (value == Chooser::cut && question.key.kind == Kind::sched) {
    cut_ = true;
    end_run();
  }
  if (value >= question.answers) value = 0;
  mix_answer(question, value);
  if (value == 0) return 0;
  ++me.harness;
  Site at = site_;
  if (label != nullptr) at = {label, {}, site_.pc};
  choices_.push_back({question.key, question.answers, value, at, step_});
  if (tracing()) trace_choice(choices_.back());
  --me.harness;
  return value;
}

void World::tell_end() {
  std::uint32_t waiting = 0;
  for (const Thread* thread : threads_) {
    if (thread->state != Thread::State::blocked) continue;
    candidates_[waiting] = thread->id;
    pending_[waiting++] = thread->next;
  }
  chooser_->finished(touched_, {candidates_.data(), waiting}, {pending_.data(), waiting});
}

void World::tell_pending(Question& question) {
  for (std::uint32_t i = 0; i < question.answers; ++i) {
    pending_[i] = threads_[candidates_[i]]->next;
  }
  question.pending = {pending_.data(), question.answers};
  question.touched = touched_;
  question.time_jumped = time_jumped_;
}

Wake World::block(const Wait& wait) {
  Thread& me = *g_current;
  if (wait.deadline_ns >= 0) touch({ObjectType::clock, 0}, false);
  if (wait.ready(wait.data)) return Wake::ready;
  if (tracing()) {
    ++me.harness;
    trace_.push_back({step_, now_ns_, me.id, "blocks", describe(wait.object), 0, 0,
                      wait.operation, site_.pc});
    --me.harness;
  }
  constexpr std::int64_t interrupt_after_ns[] = {0, 1'000, 100'000, 3'000'000};
  me.interrupt_ns = wait.interruptible ? now_ns_ + interrupt_after_ns[choose(Kind::time, 4)] : -1;
  me.blocked_since_ns = now_ns_;
  const Site site = site_;
  for (std::uint64_t checked = state_version_;; checked = 0) {
    // A thread that waits for its lock or its fd goes on with that; one that spins, with its read.
    if (!me.spins) me.next = {wait_object(wait.object), true};
    me.wait = wait;
    me.ready = false;
    me.checked_version = checked;
    me.state = Thread::State::blocked;
    runnable_version_ = 0;
    do {
      schedule();
    } while (!runnable(me));
    me.state = Thread::State::enabled;
    if (!me.signal_ready || wait.signals_end) break;
    deliver_signals();
  }
  site_ = site;
  me.blocked_total_ns += now_ns_ - me.blocked_since_ns;
  memory.tick(me.id);
  if (!me.spins) touch(me.next);
  if (wait.deadline_ns >= 0) touch({ObjectType::clock, 0}, false);
  if (wait.ready(wait.data)) return Wake::ready;
  if (wait.deadline_ns >= 0 && now_ns_ >= wait.deadline_ns) return Wake::timeout;
  return Wake::interrupted;
}

// What a system call waits for, any other may bring about.
ObjectId World::wait_object(Object object) {
  using enum ObjectType;
  if (object.type == none || object.type == fd || object.type == clock) object = {kernel, 0};
  return id_of(object);
}

// --- time -------------------------------------------------------------------------------------

void World::let_time_jump() {
  std::int64_t next = kernel->next_deadline_ns();
  for (const Thread* thread : threads_) {
    if (thread->state != Thread::State::blocked) continue;
    for (const std::int64_t due : {thread->wait.deadline_ns, thread->interrupt_ns}) {
      if (due >= 0 && (next < 0 || due < next)) next = due;
    }
  }
  if (next < 0) {
    if (release_spinners()) return;
    report_deadlock();
  }
  if (may_strike(fault::PointId::clock_late_timer)) {
    next += 1'000 + 333'000 * static_cast<std::int64_t>(choose(Kind::time, 4));
  }
  next = std::max(next, now_ns_);
  if (time_jump_probe) {
    ++g_current->harness;
    time_jump_probe({now_ns_, next});
    --g_current->harness;
  }
  now_ns_ = next;
  time_jumped_ = true;
  state_changed();
}

std::int64_t World::read_clock() {
  touch({ObjectType::clock, 0}, true);
  constexpr std::int64_t least_ns = 200;
  constexpr std::int64_t steps[] = {least_ns, 2'000, 20'000, 200'000};
  if (may_strike(fault::PointId::clock_slow)) return now_ns_;
  std::int64_t step_ns = steps[choose(Kind::time, 4)];
  if (may_strike(fault::PointId::clock_fast)) step_ns += 10'000'000;
  now_ns_ += step_ns;
  return now_ns_;
}

}  // namespace aiosim::runtime

namespace aiosim {

RunResult run(const std::function<void()>& body, Chooser& chooser, const RunOptions& options) {
  if (runtime::g_world == nullptr) runtime::g_world = new runtime::World;
  return runtime::world().run(body, chooser, options);
}

}  // namespace aiosim
