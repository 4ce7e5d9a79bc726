// From where on is the run lost? The first transitions as recorded, then at random.
#include <algorithm>
#include <memory>

#include "explore/explain_lab.h"

namespace aiosim {
namespace {

constexpr std::uint64_t experiment = 1;

/// Answers as recorded until the transitions of the prefix are done, then leaves it to a strategy.
class PrefixChooser final : public Chooser {
 public:
  PrefixChooser(const std::vector<Choice>& choices, Strategy& then)
      : recorded_(choices), then_(then) {}

  void set(std::size_t transitions) { prefix_ = transitions; }

  void begin() override {
    recorded_.begin();
    then_.begin();
    begun_ = 0;
  }
  std::uint32_t choose(const Question& question) override {
    const bool sched = question.key.kind == Kind::sched;
    if (sched) ++begun_;
    if (question.answers < 2) return 0;
    return begun_ <= prefix_ ? recorded_.choose(question) : then_.choose(question);
  }
  Watch watches() const override { return Watch::transitions; }

 private:
  Replayer recorded_;
  Strategy& then_;
  std::size_t prefix_ = 0;
  std::size_t begun_ = 0;  // transitions
};

class Search {
 public:
  Search(Lab& lab, const FailingRun& run)
      : lab_(lab),
        run_(run),
        trial_(lab.trial(options_of(lab.seed))),
        strategy_(make_strategy("portfolio")),
        chooser_(lab.seed.choices, *strategy_) {
    strategy_->set_length(run.transitions.size());
  }

  PointOfNoReturn run();

 private:
  /// Continuations behind `prefix` transitions that are tried until one passes, `most` at most;
  /// returns how many of them failed, all of them if that is `most`.
  unsigned lost(std::size_t prefix, unsigned first, unsigned most, bool count_all = false);
  std::size_t least();

  Lab& lab_;
  const FailingRun& run_;
  Trial trial_;
  std::unique_ptr<Strategy> strategy_;
  PrefixChooser chooser_;
};

unsigned Search::lost(std::size_t prefix, unsigned first, unsigned most, bool count_all) {
  unsigned failed = 0;
  chooser_.set(prefix);
  for (unsigned i = 0; i < most && !lab_.interrupted(); ++i) {
    strategy_->start(Lab::seed_of(experiment, first + i));
    if (lab_.same_failure(lab_.run(trial_, chooser_))) {
      ++failed;
    } else if (!count_all) {
      break;
    }
  }
  return failed;
}

// The more of the run is given, the fewer continuations there are: binary search. A continuation
// that passes is certain, that all fail is believed after some; so the neighbours are asked again.
std::size_t Search::least() {
  const unsigned few = lab_.options.continuations;
  std::size_t passes = 0;  // may be lost as well: asked below
  std::size_t loses = run_.transitions.size();
  while (passes + 1 < loses) {
    const std::size_t middle = passes + (loses - passes) / 2;
    (lost(middle, 0, few) == few ? loses : passes) = middle;
  }
  const unsigned more = 4 * few;
  while (loses > 0 && lost(loses - 1, few, more) == more && !lab_.interrupted()) --loses;
  while (loses < run_.transitions.size() && lost(loses, few, more) < more && !lab_.interrupted()) {
    ++loses;
  }
  return loses;
}

PointOfNoReturn Search::run() {
  PointOfNoReturn found;
  const unsigned more = 4 * lab_.options.continuations;
  const std::size_t length = least();
  if (lab_.interrupted()) return found;
  found.continuations = more;
  if (length == 0) {
    found.how = PointOfNoReturn::How::from_the_start;
    return found;
  }
  found.before = more;
  found.lost_before = lost(length - 1, lab_.options.continuations, more, true);
  const std::size_t event = run_.event_of[length - 1];
  // A thread that only wakes or starts decides nothing that has a name: the operation before it.
  found.event = event;
  for (std::size_t i = length; found.event == no_event && i-- > 0;) found.event = run_.event_of[i];
  if (found.event == no_event) {
    found.how = PointOfNoReturn::How::from_the_start;
    return found;
  }
  found.how = length == run_.transitions.size() ? PointOfNoReturn::How::at_the_end
                                                : PointOfNoReturn::How::at_event;
  return found;
}

}  // namespace

PointOfNoReturn find_no_return(Lab& lab, const FailingRun& run) {
  lab.doing = "from where on it is lost";
  return Search(lab, run).run();
}

}  // namespace aiosim
