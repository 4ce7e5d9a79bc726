// The C++20 memory model of a world: store histories, happens-before, data races, freed memory.
//
// Model and algorithm: ENGINE.md 2.5. Modification order and the order of seq_cst operations
// follow execution order, so load buffering and 2+2W reorderings are out of reach (README).
// Real memory always holds the newest store. No state outlives reset(); reset is O(1).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "aiosim/choice.h"
#include "aiosim/run.h"
#include "memory/call_stack.h"
#include "memory/vector_clock.h"

namespace aiosim::memory {

/// What flows along a synchronisation edge (ENGINE.md: Msg).
struct Message {
  std::uint32_t fence = 0;
  VectorClock clock;
};

/// What a release publishes: the clock of its thread, which a message of the run holds but for the
/// thread's own epoch. So a release copies nothing while its thread learns nothing.
struct Release {
  const Message* message = nullptr;  // null: nothing is published
  std::uint32_t epoch = 0;
  std::uint8_t thread = 0;
  /// No more than that clock: who knows of the epoch knows all of it.
  bool is_clock = false;
};

/// Who answers the model's questions; the world.
class ChoiceSource {
 public:
  virtual ~ChoiceSource() = default;
  virtual std::uint32_t choose(Kind kind, std::uint32_t answers) = 0;
  /// The same as choose(kind, answers); a question with one answer is only counted.
  std::uint32_t ask(Kind kind, std::uint32_t answers) {
    if (answers > 1) return choose(kind, answers);
    count(kind);
    return 0;
  }
  void count(Kind kind) { ++counts[static_cast<std::size_t>(kind)]; }
  /// A race or a use of freed memory by the current thread: ends the run.
  /// The text is taken: nothing unwinds the caller's frame.
  [[noreturn]] virtual void memory_fault(VerdictKind kind, std::string text) = 0;
  /// "file:line"-able description of a code address, for texts (may be just the address).
  virtual std::string describe_pc(const void* pc) = 0;
  /// The current thread's calls from the access at `pc` outwards, a line each: "\n    in x",
  /// "\n    called from y". For texts.
  virtual std::string describe_stack(const void* pc) { return "\n    in " + describe_pc(pc); }
  /// Does a code address in a CallStack belong to code under test? The stack ends where not.
  virtual bool is_of_stack(const void* /*pc*/) { return true; }

 protected:
  /// Of the questions by kind, of the thread that runs.
  std::uint32_t* counts = own_counts_;

 private:
  std::uint32_t own_counts_[kind_count] = {};
};

__extension__ using Value = unsigned __int128;

enum class Rmw : std::uint8_t { exchange, add, sub, bit_and, bit_or, bit_xor, nand };

/// What an atomic operation did, for the trace.
struct Outcome {
  Value value = 0;               // read (load, RMW: the old value)
  std::uint32_t object = 0;      // ordinal of the location, by first use in the run
  std::uint32_t store = 0;       // 0 = the newest store was read
  std::uint32_t candidates = 1;  // stores that could have been read
  bool exchanged = false;        // compare-exchange succeeded
};

struct ThreadView;

class Memory {
 public:
  explicit Memory(ChoiceSource& choices);
  /// The state lies at `place`, which has room for it and outlives this.
  Memory(ChoiceSource& choices, std::byte* place);
  ~Memory();

  void reset(MemoryMode mode);

  // Threads: ids are creation indexes, 0 exists after reset.
  void thread_created(std::uint32_t parent, std::uint32_t child);
  void thread_joined(std::uint32_t joiner, std::uint32_t finished);
  /// What the thread knows; stays where it is.
  ThreadView& view(std::uint32_t thread);
  /// The current thread's next operation starts: its clock ticks. Called by each point.
  void tick(std::uint32_t thread);

  // Synchronisation objects of locks and the kernel: unlock/write releases, lock/read acquires.
  void release(std::uint32_t thread, Message& into);  // joins into
  void acquire(std::uint32_t thread, const Message& from);

  // The same for annotations that name an address (__tsan_release, __tsan_acquire).
  void release_at(std::uint32_t thread, const void* at);
  void acquire_at(std::uint32_t thread, const void* at);

  /// The ordinal of the location that an atomic operation is about to access: from 1, by first use
  /// in the run. 0 if it is freed memory (the operation itself will say so).
  std::uint32_t object_of(const void* at, unsigned size);

  // Atomics, size 1, 2, 4, 8 or 16 bytes, order as in the ABI (0 relaxed .. 5 seq_cst).
  Outcome load(std::uint32_t thread, const void* at, unsigned size, int order, const void* pc);
  Outcome store(std::uint32_t thread, void* at, unsigned size, Value value, int order,
                const void* pc);
  Outcome rmw(std::uint32_t thread, void* at, unsigned size, Rmw op, Value operand, int order,
              const void* pc);
  Outcome compare_exchange(std::uint32_t thread, void* at, unsigned size, Value expected,
                           Value desired, int success, int failure, bool weak, const void* pc);
  void fence(std::uint32_t thread, int order);
  /// The thread's next load reads the newest store: it waited long enough.
  void read_newest(std::uint32_t thread);
  /// Whether the thread's next load may read an older store than the newest, if its order allows.
  bool reads_older(std::uint32_t thread) const;

  // Plain accesses: notifications before the access.
  void plain_read(std::uint32_t thread, const void* at, std::size_t size, const void* pc);
  void plain_write(std::uint32_t thread, void* at, std::size_t size, const void* pc);

  // Lifetimes. `freed` poisons a block: any later checked access is a use after free, until reset.
  void allocated(std::uint32_t thread, void* at, std::size_t size, const CallStack& stack);
  void freed(std::uint32_t thread, void* at, std::size_t size, const CallStack& stack);
  /// Freed by someone whose accesses the model does not see (the harness): no race is looked for.
  void discarded(std::uint32_t thread, void* at, std::size_t size, const CallStack& stack);
  /// No block has these bytes: an access is out of bounds, until reset. The range ends with eight
  /// aligned bytes.
  void red_zone(const void* at, std::size_t size);
  /// Lines for a text: the block that holds `at`, or the nearest one, with the stacks of its
  /// allocation and free. "" if there is none.
  std::string describe_block(const void* at);
  /// "allocated by thread 1 at x", and the stack's lines; `at` is a block's address.
  std::string describe_allocation(const void* at);

  /// Order-insensitive signature of the reads-from and synchronisation edges seen so far.
  std::uint64_t behaviour() const;

  struct State;  // state.h
  State& state() { return *state_; }

 private:
  struct Give {
    bool back;
    void operator()(State* state) const;
  };
  std::unique_ptr<State, Give> state_;
};

}  // namespace aiosim::memory
