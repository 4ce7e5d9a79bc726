// A world: the threads, clock and choices of one run. Internal to libaiosim.
//
// Everything of a world runs on one OS thread. `g_current` is the simulated thread that runs, null
// outside a world. Code here must not use thread_local variables: %fs belongs to the simulated
// thread. Scheduling points are atomics, locks and system calls only.
#pragma once

#include <algorithm>
#include <array>
#include <boost/context/detail/fcontext.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "aiosim/choice.h"
#include "aiosim/observe.h"
#include "aiosim/run.h"
#include "memory/memory.h"
#include "runtime/object.h"
#include "runtime/thread.h"

namespace aiosim::kernel {
class Kernel;
}

namespace aiosim::runtime {

class LibraryState;

/// The name of an operation with its hash, made by the compiler.
struct Word {
  const char* text;
  std::uint64_t hash;
  constexpr explicit Word(const char* word) : text(word), hash(hash_of(word)) {}
  static constexpr std::uint64_t hash_of(const char* word) {
    std::uint64_t h = 0xcbf29ce484222325ULL;
    for (; *word != '\0'; ++word) h = (h ^ static_cast<unsigned char>(*word)) * 0x100000001b3ULL;
    return h;
  }
};

class World final : public memory::ChoiceSource {
 public:
  World();
  ~World() override;

  RunResult run(const std::function<void()>& body, Chooser& chooser, const RunOptions& options);

  // --- for code on a simulated thread -----------------------------------------------------------
  Thread& self() { return *g_current; }

  /// A scheduling point, before an operation on a shared object: may run other threads first.
  /// `next`: what the operation works on, for choosers that watch.
  void point(const char* operation, Object object, const void* pc, Touch next);
  void point(const char* operation, Object object, const void* pc) {
    point(operation, object, pc, {id_of(object), true});
  }
  /// The same for the hooks of atomics, who have moved the thread's clock (point.h). Returns
  /// whether other code ran meanwhile. `special`: is_special(), or not known.
  template <bool special>
  bool point_of_atomic(Thread& me, const Word& operation, Object object, const void* pc,
                       Touch next);

  /// The same before an operation that waits for `wait` first, without deadline or signals: with
  /// RunOptions::waits_unseen nothing is left to wait for when this returns.
  void point_before(const Wait& wait, const void* pc, Touch next);

  /// RunOptions::spin_blocks.
  bool spin_blocks() const { return options_.spin_blocks; }

  bool watches_transitions() const { return watch_ == Watch::transitions; }
  static ObjectId id_of(Object object) {
    return static_cast<ObjectId>(object.type) << 32 | object.number;
  }
  /// The operation under way works on this object too. Partial order reduction rests on it: two
  /// transitions that touch no common object, or only read it, must commute.
  void touch(Object object, bool writes) { touch({id_of(object), writes}); }
  void touch(Touch touch) {
    if (watches_transitions() && touch.object != 0) add_touch(touch);
  }
  /// The operation under way did not write the object after all.
  void wrote_nothing(Object object);

  /// An atomic operation read `value` and left it there / changed something.
  [[gnu::always_inline]] static void read_again(Thread& me, const void* at, unsigned size,
                                                std::uint64_t value) {
    me.spin.note(at, size, value);
  }
  static void moved_on(Thread& me) { me.spin.idle = 0; }

  /// Runs the handlers of the current thread's signals that are due; clears signal_ready. What
  /// the thread was about to do is left as it was.
  void deliver_signals();

  /// One question; counted even if answers == 1 (then 0 at no cost).
  std::uint32_t choose(Kind kind, std::uint32_t answers) override {
    return choose(kind, answers, nullptr);
  }
  std::uint32_t choose(Kind kind, std::uint32_t answers, const char* label) {
    ++g_current->counts[static_cast<std::size_t>(kind)];
    return answers <= 1 ? 0 : ask(kind, answers, label);
  }

  /// Blocks the current thread until wait.ready, its deadline, or an interruption. Runs others.
  /// Returns at once with `ready` if the predicate already holds.
  Wake block(const Wait& wait);

  /// State that some Wait::ready reads has changed.
  void state_changed() {
    ++state_version_;
    runnable_until_ns_ = 0;
  }

  /// The current thread gives way: another enabled thread is preferred at this point.
  void yield(const char* operation, const void* pc);

  /// After an operation: one line of the trace; always mixed into the hash. `detail` is only built
  /// when tracing: test tracing() first.
  void record(const char* operation, Object object, std::int64_t a, std::int64_t b,
              const void* pc) {
    mix_event(operation, object, a, b);
    if (tracing()) trace(operation, object, a, b, pc, {});
  }
  void record(const char* operation, Object object, std::int64_t a, std::int64_t b, const void* pc,
              std::string detail);
  /// The two halves of record() for an atomic, whose figures stay out of the hash: a list head's
  /// value is an address of this build.
  void record_atomic(const Thread& me, const Word& operation, Object object) {
    mix(operation.hash + (static_cast<std::uint64_t>(me.id) << 48) +
        (static_cast<std::uint64_t>(object.type) << 32) + object.number);
  }
  void trace(const char* operation, Object object, std::int64_t a, std::int64_t b, const void* pc,
             std::string detail);
  bool tracing() const { return options_.record_trace; }
  const std::vector<Strengthening>& strengthened() const { return options_.strengthened; }
  bool strengthens() const { return !options_.strengthened.empty(); }
  /// Somebody traces, strengthens, or watches transitions: more is to be done at each operation.
  bool is_special() const { return special_; }

  // --- time -------------------------------------------------------------------------------------
  std::int64_t now_ns() const { return now_ns_; }
  /// What clock_gettime sees: moves time by a chosen, small amount (Kind::time).
  std::int64_t read_clock();
  /// Moves time without a point.
  void pass_time(std::int64_t ns);
  /// What clock_gettime sees of CLOCK_REALTIME, which somebody may have set a moment ago.
  std::int64_t read_realtime();
  /// CLOCK_REALTIME is CLOCK_MONOTONIC plus this.
  std::int64_t realtime_offset_ns() const { return realtime_offset_ns_; }

  // --- threads ----------------------------------------------------------------------------------
  Thread& spawn(void* (*start)(void*), void* argument);  // pthread_create: a point, then a child
  [[noreturn]] void exit_thread(void* result);           // pthread_exit, or the start returned
  /// The current thread has joined `other`, whose control block is free now.
  void joined(Thread& other);
  Thread& thread(std::uint32_t id) { return *threads_[id]; }
  /// Null if there is none; the newest, where an older one had the same handle.
  Thread* thread_of(pthread_t handle);
  std::uint64_t step() const { return step_; }
  std::uint64_t run_number() const { return run_number_; }  // of this process, from 1
  std::uint32_t thread_count() const { return static_cast<std::uint32_t>(threads_.size()); }

  // --- ends -------------------------------------------------------------------------------------
  /// Ends the run with `verdict`; abandons every stack. From any simulated thread.
  [[noreturn]] void fail(Verdict verdict);
  /// A livelock at `pc`, which took the time of so many points.
  [[noreturn]] void loops_without_point(const void* pc, std::uint64_t unseen_points);
  [[noreturn]] void fail(VerdictKind kind, std::string text) {
    fail(Verdict{kind, {}, std::move(text)});
  }
  [[noreturn]] void memory_fault(VerdictKind kind, std::string text) override {
    fail(kind, std::move(text));
  }
  bool is_of_stack(const void* pc) override;
  std::string describe_pc(const void* pc) override;
  std::string describe_stack(const void* pc) override;

  /// What code under test wrote to standard error, kept for the text of a crash.
  void hear(const char* text, std::size_t size);
  std::string last_words() const { return last_words_.empty() ? "" : ": " + last_words_; }

  /// The number of the object named by `address` in this run ("mutex 2"): the same address
  /// gives the same number until forget_object.
  std::uint32_t object_number(ObjectType type, const void* address);
  void forget_object(ObjectType type, const void* address);

  memory::Memory memory;
  kernel::Kernel* kernel = nullptr;  // set by run
  std::function<void(const TimeJump&)> time_jump_probe;
  std::function<void(const KernelCall&)> kernel_call_probe;

 private:
  /// What a question is put at, for annotations and texts.
  struct Site {
    const char* operation = "";
    Object object;
    const void* pc = nullptr;
  };
  struct RawChoice {
    ChoiceKey key;
    std::uint32_t answers;
    std::uint32_t value;
    Site site;
    std::uint64_t step;
  };

  Thread& new_thread(void* (*start)(void*), void* argument, Tcb* tcb = nullptr);
  Tcb* take_joined_tcb(const Thread& parent);
  std::uint32_t ask(Kind kind, std::uint32_t answers, const char* label);
  void add_touch(Touch touch);
  void spin(Thread& me);
  void touch_reads(const Spin& spin);
  [[noreturn]] void too_many_points();
  void deliver_due_signals(Touch next);
  bool release_spinners();
  bool wait_is_over(Thread& thread);
  bool runnable(Thread& thread) {
    if (thread.state == Thread::State::enabled) return true;
    if (thread.state == Thread::State::finished) return false;
    return thread.signal_ready || wait_is_over(thread);
  }
  /// Runs the thread that the chooser picks; returns when the current one is picked again.
  bool schedule(Thread& me);
  bool schedule_as_listed(Thread& me);
  std::uint32_t ask_who_runs(Thread& me);
  std::uint32_t ask_who_watches(Thread& me);
  void tell_end();
  std::uint32_t given(const Question& question, std::uint32_t value, const char* label);
  static ObjectId wait_object(Object object);
  void find_candidates(Thread& me);
  void find_runnable();
  void set_runnable(std::uint32_t threads) {
    if (threads == runnable_) return;
    runnable_ = threads;
    ++runnable_version_;
  }
  /// The current thread starts to wait for what is not there.
  void not_runnable(const Thread& me);
  void choose_clock();
  void let_time_jump();
  void report_deadlock();
  void switch_to(Thread& me, Thread& next);
  [[noreturn]] void end_run();
  [[noreturn]] void cut_run();
  static void enter(boost::context::detail::transfer_t from);
  RunResult take_result();
  void decide_faults();
  void look_at_remains();
  static std::string describe_wait(const Thread& thread);
  void trace_choice(const RawChoice& choice);
  void mix(std::uint64_t value) {
    hash_ = (hash_ ^ value) * 0x9e3779b97f4a7c15ULL;
    hash_ ^= hash_ >> 32;
  }
  static std::uint64_t word_of(const Question& question) {
    return static_cast<std::uint64_t>(question.key.thread) << 40 ^
           static_cast<std::uint64_t>(question.key.kind) << 32 ^
           static_cast<std::uint64_t>(question.answers) << 16;
  }
  std::uint64_t word_hash(const char* word) {
    WordHash& slot = word_hashes_[(reinterpret_cast<std::uintptr_t>(word) >> 2) % 256];
    if (slot.word != word) slot = {word, Word::hash_of(word)};
    return slot.hash;
  }
  // Figures of atomics stay out of the hash: a list head's value is an address of this build.
  void mix_event(const char* operation, Object object, std::int64_t a, std::int64_t b) {
    mix(word_hash(operation) + (static_cast<std::uint64_t>(g_current->id) << 48) +
        (static_cast<std::uint64_t>(object.type) << 32) + object.number);
    if (object.type != ObjectType::atomic) {
      mix(static_cast<std::uint64_t>(a));
      mix(static_cast<std::uint64_t>(b));
    }
  }

  RunOptions options_;
  Chooser* chooser_ = nullptr;
  Watch watch_ = Watch::nothing;
  bool special_ = false;
  bool cut_ = false;
  bool time_jumped_ = false;              // since the last sched question
  std::uint32_t spinners_released_ = 0;
  std::vector<Touch> touched_;            // since the last sched question
  const std::function<void()>* body_ = nullptr;
  std::int64_t now_ns_ = 0;
  std::uint64_t state_version_ = 0;
  std::uint64_t timers_version_ = 0;      // state_version_ when timers_due_ns_ was taken
  std::int64_t timers_due_ns_ = -1;
  // Who can run: bits by thread id, right while the clock is before runnable_until_ns_. Who changes
  // what it is made of sets that to 0. Its version is what the threads' lists are made of.
  std::uint32_t runnable_ = 0;
  std::int64_t runnable_until_ns_ = 0;
  std::uint64_t runnable_version_ = 1;
  std::int64_t point_ns_ = 1;             // by what a point moves the clock
  std::int64_t realtime_offset_ns_ = 0;
  std::uint32_t spin_limit_ = 0;
  std::uint64_t step_ = 0;
  std::uint64_t run_number_ = 0;
  std::uint64_t unseen_points_ = 0;  // RunResult's
  std::uint64_t hash_ = 0;
  Site site_;
  std::vector<Thread*> threads_;          // of this run, by id
  std::vector<std::unique_ptr<Thread>> pool_;
  std::vector<Thread*> joined_;           // whose control blocks nobody has taken yet
  std::array<Touch, memory::max_threads> pending_{};
  std::vector<RawChoice> choices_;
  std::vector<TraceEvent> trace_;
  std::vector<std::string> leftovers_;
  std::unique_ptr<LibraryState> library_state_;
  Verdict verdict_;
  std::string last_words_;
  ObjectNumbers numbers_;
  std::unique_ptr<kernel::Kernel> kernel_;
  struct WordHash {
    const char* word = nullptr;
    std::uint64_t hash = 0;
  };
  std::array<WordHash, 256> word_hashes_{};
  void* main_context_ = nullptr;
  std::uintptr_t main_fs_ = 0;
};

/// CLOCK_REALTIME of a new world is CLOCK_MONOTONIC plus this.
inline constexpr std::int64_t first_realtime_offset_ns = 1'700'000'000'000'000'000;

/// The process's world, and the state of its memory model, once run() was called for the first
/// time. At addresses that the compiler knows.
extern __attribute__((visibility("hidden"))) std::byte g_world[];
extern __attribute__((visibility("hidden"))) std::byte g_memory[];
inline World& world() { return reinterpret_cast<World&>(g_world); }
inline memory::Memory::State& memory_state() {
  return reinterpret_cast<memory::Memory::State&>(g_memory);
}

/// Is the caller on a simulated thread, under test (its calls are simulated)?
inline bool under_test() { return g_current != nullptr && g_current->harness == 0; }

}  // namespace aiosim::runtime
