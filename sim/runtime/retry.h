// Compare-exchanges that failed and are tried again in the very state in which they failed.
//
// Such a thread has come back to where it was: whatever it goes on to do, it also does in an
// execution in which it never made the failed attempt. That execution allows at least as much, as
// it has one load less to bound what is read. So an exhaustive search need not go on here: the
// thread is given up, the others run on (what they do may show that its attempt came too early or
// too late), and the run does not count. Were it otherwise, the ways in which a weak
// compare-exchange can fail for no reason would multiply all that follows.
//
// The state is compared, not guessed: the registers that outlive a call, the stacks from their
// live frames up, the run's heap with its book-keeping, and the variables of the modules under
// test. What lies elsewhere (variables of an executable that is no module, memory that the program
// maps itself) is not looked at. While a thread runs on a stack of its own making, none is given
// up.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "memory/value.h"
#include "memory/vector_clock.h"
#include "runtime/world.h"

namespace aiosim::runtime {

/// What a compare-exchange is asked to do.
struct Exchange {
  memory::Value expected = 0;
  memory::Value desired = 0;
  int success = 0;  // orders
  int failure = 0;
  bool weak = false;
  const void* answer = nullptr;  // where what was read goes
  bool operator==(const Exchange&) const = default;
};

/// A compare-exchange as it is called.
struct Attempt {
  const void* pc = nullptr;
  const void* at = nullptr;
  unsigned size = 0;
  Exchange asked;
  bool operator==(const Attempt&) const = default;
};

class Retries {
 public:
  /// A new run.
  void reset() {
    given_up_ = 0;
    last_ = {};
  }

  /// The current thread's attempt failed: it read `value`. Before its program knows.
  void failed(const Attempt& attempt, memory::Value value);
  /// The current thread is about to make this attempt: did it fail in this same state?
  bool again(const Attempt& attempt);
  /// The current thread runs no more.
  void give_up(World& world);

  bool gave_up(std::uint32_t thread) const { return (given_up_ >> thread & 1) != 0; }
  bool any_given_up() const { return given_up_ != 0; }
  /// Nobody else runs any more, and each thread that was given up would fail again, and come back
  /// again, for nothing has changed: these are waiting for good.
  bool all_wait() const;

 private:
  struct Range {
    const char* at;
    std::size_t size;
    bool operator==(const Range&) const = default;
  };
  struct State {
    Attempt attempt;
    memory::Value read = 0;
    std::array<std::uint32_t, kind_count> counts{};  // of questions
    std::array<std::uintptr_t, 6> registers{};
    std::vector<Range> ranges;
    std::vector<char> bytes;
  };

  static bool find_registers(std::array<std::uintptr_t, 6>& registers);
  /// All that the current thread's program may have written to since its attempt.
  /// False if some thread runs on another stack than its own.
  bool find_ranges();

  std::array<State, memory::max_threads> states_;
  std::array<bool, memory::max_threads> last_{};  // states_[i] is that of this run's last failure
  std::vector<Range> ranges_;
  std::uint32_t given_up_ = 0;  // by bit
};

Retries& retries();

}  // namespace aiosim::runtime
