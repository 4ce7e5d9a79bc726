// Choices: the only source of nondeterminism in a simulated world.
//
// A choice is one question with n answers. Answer 0 is always the dull one: keep running this
// thread, read the newest store, no fault, least time, kernel order. A choice is named by the
// thread that asks, its kind, and its number among that thread's questions of that kind (asked or
// not worth asking: a question with one answer is counted too), never by its place in the run; so
// a schedule is the sparse list of choices whose answer is not 0, and stays meaningful when other
// choices are taken away.
#pragma once

#include <compare>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace aiosim {

enum class Kind : std::uint8_t {
  sched,       // which enabled thread runs next
  reads_from,  // which store an atomic load reads, newest first
  cas_fail,    // does a weak compare-exchange fail spuriously
  wake,        // which waiter does a futex, mutex or condition wake first
  time,        // by how much does a clock read move time
  poll_order,  // in which order does the kernel report ready fds
  io_length,   // how much of a transfer is done
  fault,       // does an armed fault point strike
  count_
};

inline constexpr std::size_t kind_count = static_cast<std::size_t>(Kind::count_);

/// The word that seed files use ("sched", "reads_from", ...).
std::string_view name(Kind kind);

/// The kind that `word` names; false if there is none.
bool parse_kind(std::string_view word, Kind& kind);

struct ChoiceKey {
  std::uint32_t thread = 0;  // creation index, 0 is the world's first thread
  Kind kind = Kind::sched;
  std::uint32_t number = 0;  // 1 is the thread's first question of that kind
  auto operator<=>(const ChoiceKey&) const = default;
};

/// An answer that was not 0, as recorded and as a seed file keeps it.
struct Choice {
  ChoiceKey key;
  std::uint32_t answers = 0;  // n
  std::uint32_t value = 0;    // 1 .. n-1
  std::string operation;      // at which operation it was asked ("atomic load", "epoll_wait")
  std::string object;         // of which object ("atomic 4", "fd 5"), for people and strict replay
  std::uint64_t step = 0;     // when, as recorded by a run; seed files do not keep it
};

/// Names an object within a run ("atomic 4" as a number); 0 is none. Runs with the same choices so
/// far give the same objects the same ids.
using ObjectId = std::uint64_t;

/// One access of a transition to an object that threads share.
struct Touch {
  ObjectId object = 0;
  bool writes = false;
  /// A load that could as well read what was there before the newest stores, unless it happens
  /// after them: it commutes with a store that it does not read.
  bool reads_older = false;
  bool operator==(const Touch&) const = default;
};

/// What a chooser is asked.
struct Question {
  ChoiceKey key;
  std::uint32_t answers = 2;                // at least 2
  std::span<const std::uint32_t> threads;   // sched: the thread that each answer runs
  bool current_enabled = true;              // sched: answer 0 keeps the asking thread running
  bool yielded = false;                     // sched: the asking thread gave way (or spins)
  std::uint64_t step = 0;                   // scheduling points so far in this run
  std::string_view label;                   // fault: the point's name; else empty
  // sched, for a chooser that watches: what each answer's thread does next (as far as it is known),
  // and, with Watch::transitions, what the asking thread touched since its last such question and
  // whether time jumped since.
  std::span<const Touch> pending;
  std::span<const Touch> touched;
  bool time_jumped = false;
  /// The operation that the step belongs to: where in the code. Also of questions within it.
  const void* pc = nullptr;
};

/// What a chooser wants to be told of threads and objects.
enum class Watch : std::uint8_t {
  nothing,
  pending,      // Question::pending
  transitions,  // and Question::touched; sched questions with one answer are put too
};

/// Answers the questions of one run after another. Not thread safe: one world at a time.
class Chooser {
 public:
  virtual ~Chooser() = default;
  /// A new run starts.
  virtual void begin() = 0;
  /// An answer in [0, question.answers), or `cut` to a sched question. Must not allocate in the
  /// common case.
  virtual std::uint32_t choose(const Question& question) = 0;

  /// Asked once a run, after begin().
  virtual Watch watches() const { return Watch::nothing; }
  /// Watch::transitions: the run ended, its last transition touched this, and these threads wait
  /// for these operations.
  virtual void finished(std::span<const Touch> /*touched*/,
                        std::span<const std::uint32_t> /*waiting*/,
                        std::span<const Touch> /*pending*/) {}

  /// The answer that abandons the run: it passes, and RunResult::cut says so.
  static constexpr std::uint32_t cut = ~0u;
};

/// splitmix64: the one mixing function and generator of the project (public domain algorithm).
inline std::uint64_t mix64(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15ULL;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

/// A small deterministic generator; the same numbers on every platform.
class Random {
 public:
  explicit Random(std::uint64_t seed = 0) : state_(seed) {}
  std::uint64_t next() {
    const std::uint64_t out = mix64(state_);
    state_ += 0x9e3779b97f4a7c15ULL;
    return out;
  }
  /// Uniform in [0, n), n >= 1 (multiply-shift; bias below 2^-32).
  std::uint32_t below(std::uint32_t n) {
    return static_cast<std::uint32_t>(((next() >> 32) * n) >> 32);
  }
  /// True with probability per_million / 1,000,000.
  bool chance(std::uint32_t per_million) { return below(1'000'000) < per_million; }

 private:
  std::uint64_t state_;
};

}  // namespace aiosim
