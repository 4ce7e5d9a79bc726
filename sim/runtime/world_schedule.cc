// How a world goes on: points, questions, waits, spinning threads, and time.
#include <algorithm>

#include "fault/points.h"
#include "kernel/kernel.h"
#include "memory/value.h"
#include "runtime/heap.h"
#include "runtime/point.h"
#include "runtime/retry.h"
#include "runtime/world.h"

namespace aiosim::runtime {

std::uint64_t g_switches = 0;

namespace {

// libfiu takes a lock of the host's.
bool may_strike(fault::PointId point) {
  const RuntimeScope scope;
  return fault::strikes(point);
}

}  // namespace

void World::point(const char* operation, Object object, const void* pc, Touch next) {
  Thread& me = *g_current;
  now_ns_ += point_ns_;
  g_plain_left = max_plain_accesses;
  me.live_pc = nullptr;
  site_ = {operation, object, pc};
  me.next = next;
  me.spin.idle = 0;
  if (++step_ > options_.max_points) too_many_points();
  memory.tick(me.id);
  if (me.unseen) [[unlikely]] {
    do {
      schedule(me);
    } while (!runnable(me));
    me.state = Thread::State::enabled;
    me.unseen = false;
  } else {
    schedule(me);
  }
  if (me.signal_ready) [[unlikely]]
    deliver_due_signals(next);
  site_ = {operation, object, pc};  // others ran: what is asked next is asked here
  touch(next);
}

void World::cut_run() {
  cut_ = true;
  end_run();
}

void World::too_many_points() {
  if (retries().any_given_up()) cut_run();
  ++g_current->harness;  // the text is the host's
  fail(VerdictKind::livelock,
       "no end after " + std::to_string(options_.max_points) + " scheduling points");
}

void World::deliver_due_signals(Touch next) {
  Thread& me = *g_current;
  while (me.signal_ready) {
    deliver_signals();
    me.next = next;
    schedule(me);  // what the handlers came before is a transition of its own
  }
}

void World::point_before(const Wait& wait, const void* pc, Touch next) {
  Thread& me = *g_current;
  if (!options_.waits_unseen) return point(wait.operation, wait.object, pc, next);
  me.unseen = true;
  me.wait = wait;
  me.interrupt_ns = -1;
  me.state = Thread::State::blocked;
  runnable_until_ns_ = 0;
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
    seen.reads_older |= touch.reads_older;
    return;
  }
  const RuntimeScope scope;
  touched_.push_back(touch);
}

void World::wrote_nothing(Object object) {
  for (Touch& seen : touched_) {
    if (seen.object == id_of(object)) seen.writes = false;
  }
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
  me.spin = {};
  const bool yielded = me.yielded;
  me.yielded = true;
  schedule(me);
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
  hash_ += word_of(question);
  return 0;
}

// An answer that is not the dull one.
std::uint32_t World::given(const Question& question, std::uint32_t value, const char* label) {
  Thread& me = *g_current;
  if (value == Chooser::cut && question.key.kind == Kind::sched) cut_run();
  if (value >= question.answers) value = 0;
  hash_ += word_of(question);
  if (value == 0) return 0;
  mix(value);
  ++me.harness;
  Site at = site_;
  if (label != nullptr) at = {label, {}, site_.pc};
  choices_.push_back({question.key, question.answers, value, at, step_});
  if (tracing()) trace_choice(choices_.back());
  --me.harness;
  return value;
}

void World::tell_end() {
  std::array<std::uint32_t, memory::max_threads> threads;
  std::uint32_t waiting = 0;
  for (const Thread* thread : threads_) {
    if (thread->state != Thread::State::blocked || retries().gave_up(thread->id)) continue;
    threads[waiting] = thread->id;
    pending_[waiting++] = thread->next;
  }
  chooser_->finished(touched_, {threads.data(), waiting}, {pending_.data(), waiting});
}

// The chooser is to be told of what the threads do.
std::uint32_t World::ask_who_watches(Thread& me) {
  Question& question = me.who_runs;
  for (std::uint32_t i = 0; i < question.answers; ++i) {
    pending_[i] = threads_[me.candidates[i]]->next;
  }
  question.pending = {pending_.data(), question.answers};
  question.touched = touched_;
  question.time_jumped = time_jumped_;
  const std::uint32_t value = chooser_->choose(question);
  touched_.clear();
  time_jumped_ = false;
  return value;
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
    not_runnable(me);
    do {
      schedule(me);
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

// Where work takes no time, a wait's end and the deadline that it was made for can be the same.
void World::choose_clock() {
  if (may_strike(fault::PointId::clock_coarse)) point_ns_ = 0;
}

void World::let_time_jump() {
  std::int64_t next = kernel->next_deadline_ns();
  for (const Thread* thread : threads_) {
    if (thread->state != Thread::State::blocked) continue;
    for (const std::int64_t due : {thread->wait.deadline_ns, thread->interrupt_ns}) {
      if (due >= 0 && (next < 0 || due < next)) next = due;
    }
  }
  if (next < 0) {
    if (retries().any_given_up() && !retries().all_wait()) cut_run();
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

void World::pass_time(std::int64_t ns) {
  touch({ObjectType::clock, 0}, true);
  now_ns_ += ns;
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

std::int64_t World::read_realtime() {
  if (may_strike(fault::PointId::clock_realtime_jump)) {
    constexpr std::int64_t jumps_s[] = {-3'600, 3'600, -1, 1};
    realtime_offset_ns_ += jumps_s[choose(Kind::time, 4)] * 1'000'000'000;
  }
  return read_clock() + realtime_offset_ns_;
}

}  // namespace aiosim::runtime
