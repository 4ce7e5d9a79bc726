// The smallest set of orders "A before B" under which every schedule that was tried fails.
#include <algorithm>
#include <map>
#include <memory>
#include <tuple>
#include <utility>

#include "explore/explain_lab.h"
#include "explore/explain_ordered.h"

namespace aiosim {
namespace {

constexpr std::uint64_t experiment = 2;

/// An access to one object, in the order of the run.
struct Access {
  std::size_t event;
  bool writes;
};

class Minimal {
 public:
  Minimal(Lab& lab, const FailingRun& run)
      : lab_(lab),
        run_(run),
        trial_(lab.trial(options_of(lab.seed))),
        strategy_(make_strategy("portfolio")),
        chooser_(run.events, given(), *strategy_) {
    strategy_->set_length(run.transitions.size());
  }

  Orderings run();

 private:
  struct Tried {
    unsigned kept = 0, failed = 0, drawn = 0;
  };

  std::vector<Choice> given() const;
  void collect();
  void add(std::size_t first, std::size_t second, bool unseen);
  void add_orders(const std::vector<Access>& accesses);
  Tried schedules(const std::vector<Ordering>& set, unsigned wanted, std::uint64_t first,
                  bool count_all);
  bool enough(const std::vector<Ordering>& set, unsigned wanted, std::uint64_t first);
  void reduce(unsigned wanted, std::uint64_t first);

  Lab& lab_;
  const FailingRun& run_;
  Trial trial_;
  std::unique_ptr<Strategy> strategy_;
  OrderedChooser chooser_;
  std::vector<Ordering> set_;
};

std::vector<Choice> Minimal::given() const {
  std::vector<Choice> given;
  for (const Choice& choice : run_.result.choices) {
    const Kind kind = choice.key.kind;
    if (kind != Kind::sched && kind != Kind::reads_from) given.push_back(choice);
  }
  return given;
}

void Minimal::add(std::size_t first, std::size_t second, bool unseen) {
  if (run_.events[first].thread == run_.events[second].thread) return;
  const auto same = [&](const Ordering& one) { return one.first == first && one.second == second; };
  if (std::any_of(set_.begin(), set_.end(), same)) return;
  set_.push_back({first, second, unseen});
}

// Stores in their order; each load behind the store it read and before the next. Only a load can
// come later and still not see it.
void Minimal::add_orders(const std::vector<Access>& accesses) {
  std::vector<std::size_t> stores;
  std::vector<std::size_t> loads;  // that read the newest store
  const auto add_load = [&](std::size_t load, std::size_t store) {
    add(load, store, run_.events[load].operation == "atomic load");
  };
  for (const Access& access : accesses) {
    const std::size_t event = access.event;
    if (access.writes) {
      if (!stores.empty()) add(stores.back(), event, false);
      for (const std::size_t load : loads) add_load(load, event);
      loads.clear();
      stores.push_back(event);
      continue;
    }
    const std::size_t older = run_.events[event].older;
    if (older < stores.size()) add(stores[stores.size() - 1 - older], event, false);
    if (older == 0) {
      loads.push_back(event);
    } else if (older <= stores.size()) {
      add_load(event, stores[stores.size() - older]);
    }
  }
}

void Minimal::collect() {
  std::map<ObjectId, std::vector<Access>> accesses;
  for (std::size_t i = 0; i < run_.transitions.size(); ++i) {
    if (run_.event_of[i] == no_event) continue;
    for (const Touch& touch : run_.transitions[i].touched) {
      if (touch.object != 0) accesses[touch.object].push_back({run_.event_of[i], touch.writes});
    }
  }
  for (const auto& [object, list] : accesses) add_orders(list);
  // What is tried first goes first: an order that has no common object to show.
  const auto rank = [this](const Ordering& one) {
    const bool common = run_.events[one.first].object == run_.events[one.second].object;
    return std::tuple(common, one.second, one.first);
  };
  std::stable_sort(set_.begin(), set_.end(),
                   [&](const Ordering& a, const Ordering& b) { return rank(a) < rank(b); });
}

/// Random schedules that keep `set`, until `wanted` of them are found or one does not fail.
Minimal::Tried Minimal::schedules(const std::vector<Ordering>& set, unsigned wanted,
                                  std::uint64_t first, bool count_all) {
  constexpr unsigned draws = 4;  // for each that keeps the orders
  Tried tried;
  chooser_.set(set);
  while (tried.kept < wanted && tried.drawn < draws * wanted && !lab_.interrupted()) {
    strategy_->start(Lab::seed_of(experiment, first + tried.drawn++));
    const RunResult result = lab_.run(trial_, chooser_);
    if (chooser_.violated()) continue;
    ++tried.kept;
    if (lab_.same_failure(result)) {
      ++tried.failed;
    } else if (!count_all) {
      break;
    }
  }
  return tried;
}

bool Minimal::enough(const std::vector<Ordering>& set, unsigned wanted, std::uint64_t first) {
  const Tried tried = schedules(set, wanted, first, false);
  return tried.failed == tried.kept && tried.kept * 2 >= wanted;
}

// Delta debugging, and then one at a time until none can go.
void Minimal::reduce(unsigned wanted, std::uint64_t first) {
  bool changed = true;
  while (changed && !lab_.interrupted()) {
    changed = false;
    for (std::size_t size = set_.size(); size > 0; size /= 2) {
      for (std::size_t at = 0; at < set_.size() && !lab_.interrupted();) {
        std::vector<Ordering> fewer(set_.begin(), set_.begin() + static_cast<std::ptrdiff_t>(at));
        const std::size_t end = std::min(set_.size(), at + size);
        fewer.insert(fewer.end(), set_.begin() + static_cast<std::ptrdiff_t>(end), set_.end());
        if (enough(fewer, wanted, first)) {
          set_ = std::move(fewer);
          changed = true;
        } else {
          at += size;
        }
      }
    }
  }
}

Orderings Minimal::run() {
  Orderings found;
  found.given = given();
  collect();
  found.all = set_.size();
  const std::vector<Ordering> all = set_;
  unsigned wanted = lab_.options.schedules;
  if (!enough(all, wanted, 0)) {
    const Tried tried = schedules(all, wanted, 0, true);
    found.schedules = tried.kept;
    found.failed = tried.failed;
    found.drawn = tried.drawn;
    return found;
  }
  // What was enough by luck shows in other schedules: then with more, from the start.
  for (unsigned round = 0; round < 3 && !lab_.interrupted(); ++round, wanted *= 4) {
    set_ = all;
    reduce(wanted, 0);
    const Tried tried = schedules(set_, 4 * lab_.options.schedules, 1'000'000, true);
    found.sufficient = true;
    found.minimal = set_;
    found.schedules = tried.kept;
    found.failed = tried.failed;
    found.drawn = tried.drawn;
    if (tried.failed == tried.kept) break;
  }
  return found;
}

}  // namespace

Orderings find_orderings(Lab& lab, const FailingRun& run) {
  lab.doing = "which orders make it fail";
  return Minimal(lab, run).run();
}

}  // namespace aiosim
