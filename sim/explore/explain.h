// Why a run fails: from where on it is lost, which orders of operations make it fail, and which
// memory order would have to be stronger.
//
// All of it is by experiment: many runs of the same program from fixed seeds, so that the same file
// has the same explanation everywhere. What was tried is part of the answer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "aiosim/property.h"
#include "aiosim/run.h"
#include "aiosim/seed.h"

namespace aiosim {

/// An operation of the explained run, in the order in which they were done. Named by thread, place
/// in the code and how many-th time the thread was there: that stays in other schedules.
struct ExplainedEvent {
  std::uint32_t thread = 0;
  const void* pc = nullptr;
  std::uint32_t number = 1;
  std::uint64_t step = 0;
  std::string thread_name;
  std::string operation, object, detail;  // as in TraceEvent
  std::uint32_t older = 0;  // a load: how many stores newer than the one it read there were
};

/// The shortest prefix of the run after which every continuation that was tried fails.
struct PointOfNoReturn {
  enum class How : std::uint8_t { from_the_start, at_event, at_the_end, not_asked };
  How how = How::not_asked;
  std::size_t event = 0;       // at_event: the operation that decides
  unsigned continuations = 0;  // random ones tried from there; all failed
  unsigned before = 0;         // tried from one operation earlier,
  unsigned lost_before = 0;    // of which failed
};

/// `first` comes before `second`.
struct Ordering {
  std::size_t first = 0, second = 0;  // in Explanation::events
  /// `first` is a load that does not see the store `second`: either it comes first or it reads an
  /// older store.
  bool unseen = false;
};

struct Orderings {
  std::vector<Ordering> minimal;
  std::size_t all = 0;        // orders of dependent operations of different threads in the run
  bool sufficient = false;    // all of them together make every tried schedule fail
  std::vector<Choice> given;  // choices of other kinds than order and reads-from, kept as they were
  unsigned schedules = 0;     // random ones that keep `minimal`,
  unsigned failed = 0;        // of which failed
  unsigned drawn = 0;         // ... were found among so many
};

/// A change of the code that makes the failure vanish.
struct Remedy {
  Strengthening::Kind kind = Strengthening::Kind::seq_cst;
  std::string change;     // "release", "acquire", "acq_rel", "seq_cst" or "fence"
  std::string operation;  // "atomic store"
  std::string object;
  std::string order;  // that it has now: "relaxed"
  const void* pc = nullptr;
  std::uint64_t runs = 0;  // without the failure
};

struct Guilt {
  enum class Answer : std::uint8_t {
    not_asked,
    no_order,    // fails under sequential consistency too
    too_rare,    // random schedules do not show the failure often enough
    none_found,  // no single change makes it vanish
    found,
  };
  Answer answer = Answer::not_asked;
  std::uint64_t base_runs = 0, base_failed = 0;  // without a change
  std::uint64_t sc_runs = 0;                     // until it failed, or all, under memory sc
  std::size_t changes_tried = 0;
  std::vector<Remedy> remedies;  // smallest change first
};

struct Explanation {
  std::vector<ExplainedEvent> events;
  PointOfNoReturn no_return;
  Orderings orderings;
  Guilt guilt;
  bool interrupted = false;
};

struct ExplainOptions {
  unsigned continuations = 60;
  unsigned schedules = 60;
  std::uint64_t what_if_runs = 20'000;  // of a change that is believed, at most
  std::uint64_t points = 120'000'000;   // all together, scheduling points: half a minute or so
  /// Where in the source an address lies: places of one text are changed together.
  std::function<std::string(const void* pc)> place;
  /// Called now and then with what is being done; false stops with what is known.
  std::function<bool(const std::string& doing)> keep_going;
};

/// Explains the failure of `seed`, whose choices must come to its verdict (else BadInput).
/// Source: ENGINE.md 2.8; the point of no return is Lotto's inflection point.
Explanation explain(const SeedFile& seed, const Property& property, const Backend& backend,
                    const ExplainOptions& options);

}  // namespace aiosim
