// A world: the threads, clock and choices of one run. Internal to libaiosim.
//
// Everything of a world runs on one OS thread. `g_current` is the simulated thread that runs, null
// outside a world. Code here must not use thread_local variables: %fs belongs to the simulated
// thread. Scheduling points are atomics, locks and system calls only.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "aiosim/choice.h"
#include "aiosim/observe.h"
#include "aiosim/run.h"
#include "memory/memory.h"

namespace aiosim::kernel {
class Kernel;
}

namespace aiosim::runtime {

struct Thread;
class Heap;

extern Thread* g_current;

/// What a traced operation worked on. Numbers are per world, in order of first use; never
/// addresses.
enum class ObjectType : std::uint8_t {
  none, atomic, fd, mutex, condition, semaphore, rwlock, barrier, once, guard, futex, thread, clock,
  heap
};
struct Object {
  ObjectType type = ObjectType::none;
  std::uint32_t number = 0;
};
std::string describe(Object object);

/// Why a thread is blocked: the predicate it waits for is re-evaluated whenever the kernel's
/// state has changed (World::state_changed), so a blocked world is a structural fact.
struct Wait {
  bool (*ready)(void* data);       // must not block, allocate in the arena, or choose
  void* data;
  std::int64_t deadline_ns = -1;   // absolute simulated time, -1 for none
  const char* operation = "";      // "epoll_wait"
  Object object;
  bool interruptible = false;      // an armed EINTR fault was drawn: may wake as interrupted
};
enum class Wake : std::uint8_t { ready, timeout, interrupted };

struct Thread {
  std::uint32_t id = 0;
  char name[16] = {};
  enum class State : std::uint8_t { enabled, blocked, finished } state = State::enabled;
  int harness = 0;                 // > 0: not under test
  bool yielded = false;
  bool detached = false;
  bool joined = false;
  std::uint32_t counts[kind_count] = {};
  Wait wait{};
  Wake wake = Wake::ready;
  std::uint64_t checked_version = 0;  // state_version at the last evaluation of wait.ready
  std::int64_t blocked_since_ns = 0;
  std::int64_t blocked_total_ns = 0;
  std::uint64_t plain_accesses = 0;   // since the last point: unbounded loops without points
  void* context = nullptr;            // fcontext_t while not running
  struct Stack* stack = nullptr;
  struct Tcb* tcb = nullptr;
  void* (*start)(void*) = nullptr;
  void* argument = nullptr;
  void* result = nullptr;
  std::vector<std::pair<void (*)(void*), void*>>* exit_handlers = nullptr;  // thread_local dtors
};

class World final : public memory::ChoiceSource {
 public:
  World();
  ~World() override;

  RunResult run(const std::function<void()>& body, Chooser& chooser, const RunOptions& options);

  // --- for code on a simulated thread -----------------------------------------------------------
  Thread& self() { return *g_current; }

  /// A scheduling point, before an operation on a shared object: may run other threads first.
  void point(const char* operation, Object object, const void* pc);

  /// One question; counted even if answers == 1 (then 0 at no cost).
  std::uint32_t choose(Kind kind, std::uint32_t answers) override {
    ++g_current->counts[static_cast<std::size_t>(kind)];
    return answers <= 1 ? 0 : ask(kind, answers, {});
  }
  std::uint32_t choose(Kind kind, std::uint32_t answers, const char* label) {
    ++g_current->counts[static_cast<std::size_t>(kind)];
    return answers <= 1 ? 0 : ask(kind, answers, label);
  }

  /// Blocks the current thread until wait.ready, its deadline, or an interruption. Runs others.
  /// Returns at once with `ready` if the predicate already holds.
  Wake block(const Wait& wait);

  /// State that some Wait::ready reads has changed.
  void state_changed() { ++state_version_; }

  /// The current thread gives way: another enabled thread is preferred at this point.
  void yield(const char* operation, const void* pc);

  /// After an operation: one line of the trace; always mixed into the hash. `detail` is only built
  /// when tracing: test tracing() first.
  void record(const char* operation, Object object, std::int64_t a, std::int64_t b,
              const void* pc, std::string detail = {});
  bool tracing() const { return options_.record_trace; }

  // --- time -------------------------------------------------------------------------------------
  std::int64_t now_ns() const { return now_ns_; }
  /// What clock_gettime sees: moves time by a chosen, small amount (Kind::time).
  std::int64_t read_clock();

  // --- threads ----------------------------------------------------------------------------------
  Thread& spawn(void* (*start)(void*), void* argument);  // pthread_create: a point, then a child
  [[noreturn]] void exit_thread(void* result);           // pthread_exit, or the start returned
  Thread& thread(std::uint32_t id) { return *threads_[id]; }
  std::uint32_t thread_count() const { return static_cast<std::uint32_t>(threads_.size()); }

  // --- ends -------------------------------------------------------------------------------------
  /// Ends the run with `verdict`; abandons every stack. From any simulated thread.
  [[noreturn]] void fail(Verdict verdict);
  [[noreturn]] void fail(VerdictKind kind, std::string text) {
    fail(Verdict{kind, {}, std::move(text)});
  }
  [[noreturn]] void memory_fault(VerdictKind kind, const std::string& text) override {
    fail(kind, text);
  }
  std::string describe_pc(const void* pc) override;

  /// A fresh number for an object named by `address` in this run ("mutex 2"): the same address
  /// gives the same number until forget_object.
  std::uint32_t object_number(ObjectType type, const void* address);
  void forget_object(ObjectType type, const void* address);

  memory::Memory memory;
  kernel::Kernel* kernel = nullptr;  // set by run
  std::function<void(const TimeJump&)> time_jump_probe;
  std::function<void(const KernelCall&)> kernel_call_probe;

 private:
  std::uint32_t ask(Kind kind, std::uint32_t answers, const char* label);
  friend struct WorldImpl;
  RunOptions options_;
  Chooser* chooser_ = nullptr;
  std::int64_t now_ns_ = 0;
  std::uint64_t state_version_ = 0;
  std::vector<Thread*> threads_;
  struct WorldImpl* impl_;
};

/// The process's world; constructed on first use.
World& world();

/// Is the caller on a simulated thread, under test (its calls are simulated)?
inline bool under_test() { return g_current != nullptr && g_current->harness == 0; }

}  // namespace aiosim::runtime
