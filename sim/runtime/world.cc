#include "runtime/world.h"

#include <cxxabi.h>

#include <algorithm>
#include <boost/context/detail/fcontext.hpp>
#include <charconv>
#include <cstring>

#include "fault/points.h"
#include "kernel/kernel.h"
#include "memory/state.h"
#include "runtime/call_stack.h"
#include "runtime/crash.h"
#include "runtime/heap.h"
#include "runtime/leaks.h"
#include "runtime/leftovers.h"
#include "runtime/live_frames.h"
#include "runtime/module_image.h"
#include "runtime/point.h"
#include "runtime/retry.h"
#include "runtime/stack.h"
#include "runtime/sync_objects.h"
#include "runtime/tcb.h"
#include "runtime/thread_keys.h"
#include "runtime/watchdog.h"

namespace aiosim::runtime {

namespace context = boost::context::detail;

Thread* g_current = nullptr;
// On pages of their own: the speed of a point does not hang on what else is linked.
alignas(4096) std::byte g_world[sizeof(World)];
alignas(4096) std::byte g_memory[sizeof(memory::Memory::State)];
std::uint64_t g_plain_left = max_plain_accesses;

namespace {

// What a switch carries: the thread that was left (null: the world's caller).
Thread* previous(context::transfer_t from) { return static_cast<Thread*>(from.data); }

}  // namespace

World::World() : memory(*this, g_memory), kernel_(std::make_unique<kernel::Kernel>(*this)) {
  kernel = kernel_.get();
}

World::~World() = default;

// --- runs -------------------------------------------------------------------------------------

RunResult World::run(const std::function<void()>& body, Chooser& chooser,
                     const RunOptions& options) {
  ++run_number_;
  options_ = options;
  chooser_ = &chooser;
  body_ = &body;
  now_ns_ = world_start_ns;
  realtime_offset_ns_ = first_realtime_offset_ns;
  g_plain_left = max_plain_accesses;
  state_version_ = 1;
  timers_version_ = 0;
  runnable_ = 0;
  runnable_until_ns_ = 0;
  point_ns_ = options.frozen_clock ? 0 : 1;
  spin_limit_ = options.spin_blocks ? 4 : 16;
  step_ = unseen_points_ = hash_ = 0;
  site_ = {};
  for (const Thread* thread : threads_) g_live_from[thread->id] = nullptr;
  threads_.clear();
  joined_.clear();
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
  retries().reset();
  reset_keys();
  heap_reset();
  restore_segments();
  install_crash_handlers();
  start_watchdog();
  if (options.leftovers) {
    if (library_state_ == nullptr) library_state_ = std::make_unique<LibraryState>();
    library_state_->take();
  }
  const bool faults = fault::any_is_armed();
  if (faults) decide_faults();
  chooser.begin();
  watch_ = chooser.watches();
  special_ = options.record_trace || strengthens() || watch_ == Watch::transitions;

  Thread& first = new_thread(
      [](void*) -> void* {
        world().choose_clock();
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
  if (faults) fault::set_world_decider(nullptr, nullptr);
  time_jump_probe = nullptr;
  kernel_call_probe = nullptr;
  if (watch_ == Watch::transitions) tell_end();
  if (verdict_.passed() && !cut_ && first.state == Thread::State::finished) look_at_remains();
  return take_result();
}

void World::decide_faults() {
  fault::set_world_decider(
      [this](fault::PointId id) {
        return choose(Kind::fault, 2, fault::catalogue()[static_cast<std::size_t>(id)].name) != 0;
      },
      [this](fault::PointId) { choose(Kind::fault, 1); });  // counted, so that keys stay
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
  result.unseen_points = unseen_points_;
  result.cut = cut_;
  result.end_ns = now_ns_;
  result.choices.reserve(choices_.size());
  for (const RawChoice& c : choices_) {
    result.choices.push_back(
        {c.key, c.answers, c.value, c.site.operation, describe(c.site.object), c.step});
  }
  result.trace = std::move(trace_);
  result.leftovers = std::move(leftovers_);
  if (!tracing()) return result;
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

void World::loops_without_point(const void* pc, std::uint64_t unseen_points) {
  unseen_points_ = unseen_points;
  fail(VerdictKind::livelock, "thread " + std::to_string(g_current->id) +
                                  " loops without a scheduling point, at " + describe_pc(pc));
}

std::string World::describe_pc(const void* pc) { return describe_code(pc); }
bool World::is_of_stack(const void* pc) { return !is_runtime(pc) && is_code(pc); }
std::string World::describe_stack(const void* pc) { return describe_current_stack(pc); }

// --- threads ----------------------------------------------------------------------------------

Thread& World::new_thread(void* (*start)(void*), void* argument, Tcb* tcb) {
  const auto id = static_cast<std::uint32_t>(threads_.size());
  if (id == memory::max_threads) {
    fail(VerdictKind::crash, "a world has at most 32 threads; this one asked for another");
  }
  if (pool_.size() == id) {
    pool_.push_back(std::make_unique<Thread>());
    Thread& fresh = *pool_.back();
    fresh.stack = std::make_unique<Stack>(map_stack(id));
    fresh.id = id;
    fresh.who_runs.key.thread = id;
    fresh.first_name[0] = 'T';
    *std::to_chars(fresh.first_name + 1, std::end(fresh.first_name), id).ptr = '\0';
  }
  Thread& thread = *pool_[id];
  if (thread.tcb_generation != tcb_generation) {
    thread.own_tcb = &borrow_tcb(id);
    thread.tcb_generation = tcb_generation;
  }
  thread.tcb = tcb != nullptr ? tcb : thread.own_tcb;
  reset_tcb(*thread.tcb);
  thread.state = Thread::State::enabled;
  thread.harness = 0;
  thread.cancel_state = thread.cancel_type = 0;
  thread.yielded = thread.detached = thread.joined = thread.of_kernel = false;
  thread.signal_ready = thread.spins = thread.unseen = false;
  thread.next = {id_of({ObjectType::thread, id}), false};
  thread.spin = {};
  std::fill(std::begin(thread.counts), std::end(thread.counts), 0u);
  thread.blocked_total_ns = 0;
  thread.view = &memory.view(id);
  thread.start = start;
  thread.argument = argument;
  thread.result = nullptr;
  thread.exit_handlers.clear();
  thread.specific.clear();
  std::memcpy(thread.name, thread.first_name, sizeof thread.name);
  thread.live_from = thread.stack->low;
  thread.live_pc = nullptr;
  thread.context = context::make_fcontext(thread.stack->top, stack_size, enter);
  threads_.push_back(&thread);
  thread.listed_version = 0;
  thread.who_runs.pending = {};
  thread.who_runs.touched = {};
  thread.who_runs.time_jumped = false;
  set_runnable(runnable_ | 1U << id);
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

void World::joined(Thread& other) {
  const RuntimeScope scope;
  other.joined = true;
  memory.thread_joined(g_current->id, other.id);
  joined_.push_back(&other);
}

// As glibc does it: pthread_self(), and the addresses of thread_locals, are used again. Not by a
// thread that nothing orders after the old one: their accesses would look like races. The newest
// thread's, for joins must commute.
Tcb* World::take_joined_tcb(const Thread& parent) {
  auto taken = joined_.end();
  for (auto at = joined_.begin(); at != joined_.end(); ++at) {
    const Thread& old = **at;
    if (!parent.view->happens_before_me(old.id, old.view->clock[old.id])) continue;
    if (taken == joined_.end() || old.id > (*taken)->id) taken = at;
  }
  if (taken == joined_.end()) return nullptr;
  Tcb* const tcb = (*taken)->tcb;
  joined_.erase(taken);
  return tcb;
}

Thread* World::thread_of(pthread_t handle) {
  const auto found = std::find_if(threads_.rbegin(), threads_.rend(), [handle](const Thread* of) {
    return of->tcb->handle == handle;
  });
  return found == threads_.rend() ? nullptr : *found;
}

Thread& World::spawn(void* (*start)(void*), void* argument) {
  Thread& parent = *g_current;
  ++parent.harness;
  Thread& child = new_thread(start, argument, take_joined_tcb(parent));
  memory.thread_created(parent.id, child.id);
  touch({ObjectType::thread, child.id}, true);
  kernel->thread_created(parent.id, child.id);
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
  kernel->thread_exited(me.id);
  state_changed();
  schedule(me);
  __builtin_unreachable();
}

}  // namespace aiosim::runtime

namespace aiosim {

RunResult run(const std::function<void()>& body, Chooser& chooser, const RunOptions& options) {
  static runtime::World* const made = new (runtime::g_world) runtime::World;
  static_cast<void>(made);
  return runtime::world().run(body, chooser, options);
}

}  // namespace aiosim
