// Which memory order is guilty? One access stronger at a time, and the search again.
#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>
#include <set>
#include <string_view>

#include "explore/explain_lab.h"

namespace aiosim {
namespace {

constexpr std::uint64_t experiment = 3;
constexpr std::uint64_t traced_experiment = 4;
/// Runs of a change that seems to help, as a multiple of those that one failure takes without it:
/// all of them pass by chance once in e^12.
constexpr std::uint64_t screening = 12;

using Stronger = Strengthening::Kind;

/// One access of the source: the compiler may have laid it out several times.
struct Access {
  std::string place;
  std::vector<const void*> pcs;
  std::string operation, object, order;
  bool in_orderings = false;
};

struct Change {
  const Access* access = nullptr;
  Stronger kind = Stronger::seq_cst;
  std::string word;
};

/// Weakest first.
std::vector<Change> changes_of(const Access& access) {
  const bool loads = access.operation == "atomic load";
  const bool stores = access.operation == "atomic store";
  const bool fence = access.operation == "fence";
  const bool strong = access.order == "seq_cst" || access.order == (loads    ? "acquire"
                                                                    : stores ? "release"
                                                                             : "acq_rel");
  std::vector<Change> changes;
  if (!strong) {
    const char* word = loads ? "acquire" : stores ? "release" : "acq_rel";
    changes.push_back({&access, Stronger::acq_rel, word});
  }
  if (access.order != "seq_cst") changes.push_back({&access, Stronger::seq_cst, "seq_cst"});
  if (!fence) {
    changes.push_back({&access, Stronger::fence_after, "fence"});
    changes.push_back({&access, Stronger::fence_before, "fence"});
  }
  return changes;
}

int size_of(Stronger kind) {
  return kind == Stronger::acq_rel ? 0 : kind == Stronger::seq_cst ? 1 : 2;
}

class WhatIf {
 public:
  WhatIf(Lab& lab, const FailingRun& run, const Orderings& orderings)
      : lab_(lab), run_(run), orderings_(orderings) {
    for (const char* name : {"sparse", "portfolio"}) {
      strategies_.push_back(make_strategy(name));
      strategies_.back()->set_length(run.transitions.size());
    }
  }

  Guilt run();

 private:
  /// Runs until the failure comes, `most` at most; their number if it came.
  std::optional<std::uint64_t> runs_to_fail(Trial& trial, std::uint64_t first, std::uint64_t most);
  bool measure_base();
  bool fails_under_sc();
  void note(const RunResult& run);
  void collect();
  void screen(const Access& access);
  void confirm();
  Trial changed(const Change& change) const;
  Strategy& drawn(std::uint64_t experiment_number, std::uint64_t i);

  Lab& lab_;
  const FailingRun& run_;
  const Orderings& orderings_;
  std::vector<std::unique_ptr<Strategy>> strategies_;
  std::vector<Access> accesses_;
  std::vector<Change> hopeful_;
  Guilt guilt_;
};

Strategy& WhatIf::drawn(std::uint64_t experiment_number, std::uint64_t i) {
  Strategy& strategy = *strategies_[i % strategies_.size()];
  strategy.start(Lab::seed_of(experiment_number, i));
  return strategy;
}

std::optional<std::uint64_t> WhatIf::runs_to_fail(Trial& trial, std::uint64_t first,
                                                  std::uint64_t most) {
  for (std::uint64_t i = 0; i < most && !lab_.over(lab_.options.points); ++i) {
    if (lab_.same_failure(lab_.run(trial, drawn(experiment, first + i)))) return i + 1;
  }
  return std::nullopt;
}

// How often does it fail as it is?
bool WhatIf::measure_base() {
  constexpr std::uint64_t enough = 40;
  Trial trial = lab_.trial(options_of(lab_.seed));
  while (guilt_.base_failed < enough && guilt_.base_runs < lab_.options.what_if_runs) {
    const auto runs =
        runs_to_fail(trial, guilt_.base_runs, lab_.options.what_if_runs - guilt_.base_runs);
    if (lab_.over(lab_.options.points)) return false;
    guilt_.base_runs += runs.value_or(lab_.options.what_if_runs - guilt_.base_runs);
    guilt_.base_failed += runs ? 1u : 0u;
  }
  // In the runs of a confirmed change, several times as many failures would have come as screening
  // expects.
  return guilt_.base_failed * lab_.options.what_if_runs >= 2 * screening * guilt_.base_runs;
}

// A data race is one by the orders that the code names, whatever its reads return.
bool WhatIf::fails_under_sc() {
  if (lab_.seed.verdict.kind == VerdictKind::data_race) return false;
  if (lab_.seed.memory == MemoryMode::sc) return true;
  RunOptions options = options_of(lab_.seed);
  options.memory = MemoryMode::sc;
  Trial trial = lab_.trial(options);
  const std::uint64_t most = screening * (guilt_.base_runs / guilt_.base_failed + 1);
  const auto runs = runs_to_fail(trial, 0, most);
  guilt_.sc_runs = runs.value_or(most);
  return runs.has_value();
}

void WhatIf::note(const RunResult& run) {
  for (const TraceEvent& event : run.trace) {
    const std::string_view operation = event.operation;
    const bool access_or_fence = operation.starts_with("atomic ") || operation == "fence";
    if (event.pc == nullptr || !access_or_fence) continue;
    const std::string place = lab_.options.place ? lab_.options.place(event.pc) : std::string();
    const auto same = [&](const Access& one) {
      const bool here = place.empty() ? one.pcs.front() == event.pc : one.place == place;
      return here && one.operation == operation;
    };
    auto found = std::find_if(accesses_.begin(), accesses_.end(), same);
    if (found == accesses_.end()) {
      const std::string order = event.detail.substr(0, event.detail.find(','));
      accesses_.push_back({place, {}, event.operation, event.object, order, false});
      found = accesses_.end() - 1;
    }
    auto& pcs = found->pcs;
    if (std::find(pcs.begin(), pcs.end(), event.pc) == pcs.end()) pcs.push_back(event.pc);
  }
}

// The failing run's first; what only other runs come to may be the same line laid out again.
void WhatIf::collect() {
  constexpr std::uint64_t traced_runs = 20;
  note(run_.result);
  Trial trial = lab_.trial(options_of(lab_.seed));
  for (std::uint64_t i = 0; i < traced_runs && !lab_.interrupted(); ++i) {
    note(lab_.run(trial, drawn(traced_experiment, i), true));
  }
  std::set<const void*> involved;
  for (const Ordering& ordering : orderings_.minimal) {
    involved.insert(run_.events[ordering.first].pc);
    involved.insert(run_.events[ordering.second].pc);
  }
  for (Access& access : accesses_) {
    access.in_orderings = std::any_of(access.pcs.begin(), access.pcs.end(),
                                      [&](const void* pc) { return involved.contains(pc); });
  }
}

Trial WhatIf::changed(const Change& change) const {
  RunOptions options = options_of(lab_.seed);
  for (const void* pc : change.access->pcs) options.strengthened.push_back({pc, change.kind});
  return lab_.trial(options);
}

// The weakest change that helps stands for the stronger ones of the same access; a fence on either
// side is as good a change.
void WhatIf::screen(const Access& access) {
  const std::uint64_t most = screening * (guilt_.base_runs / guilt_.base_failed + 1);
  std::optional<int> size;
  for (const Change& change : changes_of(access)) {
    if (lab_.over(lab_.options.points)) return;
    if (size && size_of(change.kind) > *size) return;
    ++guilt_.changes_tried;
    Trial trial = changed(change);
    if (runs_to_fail(trial, 0, most) || lab_.over(lab_.options.points)) continue;
    size = size_of(change.kind);
    hopeful_.push_back(change);
  }
}

void WhatIf::confirm() {
  std::stable_sort(hopeful_.begin(), hopeful_.end(), [](const Change& a, const Change& b) {
    const auto rank = [](const Change& c) {
      return std::pair(size_of(c.kind), c.access->in_orderings ? 0 : 1);
    };
    return rank(a) < rank(b);
  });
  for (const Change& change : hopeful_) {
    Trial trial = changed(change);
    const std::uint64_t most = lab_.options.what_if_runs;
    const std::uint64_t first = 1'000'000;  // other schedules than those of the screening
    if (runs_to_fail(trial, first, most) || lab_.over(lab_.options.points)) continue;
    guilt_.remedies.push_back({change.kind, change.word, change.access->operation,
                               change.access->object, change.access->order,
                               change.access->pcs.front(), most});
  }
}

Guilt WhatIf::run() {
  lab_.doing = "which memory order is guilty";
  const bool often_enough = measure_base();
  if (lab_.interrupted()) return guilt_;
  if (!often_enough) {
    guilt_.answer = Guilt::Answer::too_rare;
    return guilt_;
  }
  if (fails_under_sc()) {
    guilt_.answer = Guilt::Answer::no_order;
    return guilt_;
  }
  collect();
  for (const Access& access : accesses_) screen(access);
  confirm();
  if (lab_.over(lab_.options.points) && guilt_.remedies.empty()) return guilt_;
  guilt_.answer = guilt_.remedies.empty() ? Guilt::Answer::none_found : Guilt::Answer::found;
  return guilt_;
}

}  // namespace

Guilt find_guilty(Lab& lab, const FailingRun& run, const Orderings& orderings) {
  return WhatIf(lab, run, orderings).run();
}

}  // namespace aiosim
