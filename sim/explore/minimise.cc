// Smaller: first the choices, then the program, then the fault points that never struck, and a
// search for another, shorter schedule of what is left. Deterministic: bounded by work, not time.
#include <algorithm>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "explore/choice_shrink.h"
#include "explore/derive.h"
#include "explore/explore.h"
#include "explore/fault_labels.h"
#include "explore/replay.h"
#include "explore/strategy.h"
#include "explore/trial.h"

namespace aiosim {
namespace {

/// Some five seconds of one core; most failures take a hundredth of it.
constexpr std::uint64_t all_points = 40'000'000;
/// What the program's shrinking leaves for the rest.
constexpr std::uint64_t reserved_points = all_points / 4;
/// A schedule with so few choices is not searched for a shorter one.
constexpr std::size_t short_enough = 1;
constexpr unsigned schedules_for_shorter = 2'000;
constexpr unsigned tries_for_shorter = 8;

class Minimiser {
 public:
  Minimiser(const SeedFile& seed, const Property& property, const Backend& backend,
            unsigned research, const std::function<bool()>& keep_going)
      : seed_(seed),
        property_(property),
        backend_(backend),
        research_(research),
        budget_(all_points, keep_going) {}

  SeedFile run();

 private:
  void confirm();
  void measure_luck(Trial& trial);
  void shrink_choices(Trial& trial);
  bool still_fails(const Program& candidate);
  std::optional<RunResult> search(Trial& trial);
  std::optional<RunResult> drawn_run(Trial& trial, unsigned i);
  void drop_idle_faults();
  void find_shorter();
  std::optional<RunResult> failing_run(Trial& trial, Chooser& chooser);

  Trial trial_of(const Program& program) {
    return Trial(property_, backend_, program, options_of(seed_));
  }

  SeedFile seed_;
  const Property& property_;
  const Backend& backend_;
  unsigned research_;  // schedules a candidate program is given
  Budget budget_;
  const std::unique_ptr<Strategy> sparse_ = make_strategy("sparse");
  const std::unique_ptr<Strategy> portfolio_ = make_strategy("portfolio");
  std::uint64_t length_ = 1;  // scheduling questions of a failing run, for PCT
};

SeedFile Minimiser::run() {
  if (seed_.verdict.passed() || seed_.verdict.kind == VerdictKind::not_deterministic) {
    throw BadInput("minimise: expected a seed file of a failure that repeats, found the verdict " +
                   std::string(name(seed_.verdict.kind)));
  }
  const bool own_words = seed_.happens != what_happens(seed_.verdict);
  const std::string happens = seed_.happens;
  const ArmedPlan armed(plan_of(seed_));
  confirm();
  property_.shrink(seed_.program,
                   [this](const Program& candidate) { return still_fails(candidate); });
  find_shorter();
  drop_idle_faults();
  Trial last = trial_of(seed_.program);
  const std::string difference = settle(seed_, last);
  if (!difference.empty()) {
    seed_.verdict = {VerdictKind::not_deterministic, "", "while minimising:\n" + difference};
    seed_.happens = what_happens(seed_.verdict);
  } else if (own_words) {
    seed_.happens = happens;
  }
  return seed_;
}

std::optional<RunResult> Minimiser::failing_run(Trial& trial, Chooser& chooser) {
  RunResult run = trial.run(chooser);
  budget_.spend(run);
  if (!seed_.verdict.same_failure(run.verdict)) return std::nullopt;
  return run;
}

void Minimiser::confirm() {
  Trial trial = trial_of(seed_.program);
  Replayer replayer(seed_.choices);
  const RunResult run = trial.run(replayer);
  if (!seed_.verdict.same_failure(run.verdict)) {
    throw BadInput("minimise: expected the seed file's choices to come to " +
                   std::string(name(seed_.verdict.kind)) + " " + seed_.verdict.rule + ", found " +
                   std::string(name(run.verdict.kind)) + " " + run.verdict.rule);
  }
  length_ = replayer.scheduling_questions();
  seed_.choices = run.choices;
  measure_luck(trial);
  shrink_choices(trial);
}

// A program of which every other schedule fails need not be given 200 to say that it does not.
void Minimiser::measure_luck(Trial& trial) {
  constexpr unsigned margin = 10;
  unsigned hits = 0;
  for (unsigned i = 0; i < research_ && !budget_.spent(); ++i)
    hits += drawn_run(trial, i) ? 1u : 0u;
  if (hits > 0) research_ = std::min(research_, margin * research_ / hits + margin);
}

void Minimiser::shrink_choices(Trial& trial) {
  ChoiceShrink shrink(trial, seed_.verdict, seed_.choices, budget_);
  seed_.choices = shrink.shrink();
}

// The smaller program under the same choices, or under schedules drawn anew: which thread asks what
// has changed with the program.
bool Minimiser::still_fails(const Program& candidate) {
  if (budget_.stopped() || budget_.left() < reserved_points) return false;
  std::optional<Trial> trial;
  try {
    trial.emplace(trial_of(candidate));
  } catch (const BadInput&) {
    return false;  // a shrink that is no program
  }
  Replayer same(seed_.choices);
  std::optional<RunResult> run = failing_run(*trial, same);
  if (!run) run = search(*trial);
  if (!run) return false;
  seed_.program = candidate;
  seed_.choices = std::move(run->choices);
  shrink_choices(*trial);
  return true;
}

/// The i-th schedule drawn for any program, if it fails.
std::optional<RunResult> Minimiser::drawn_run(Trial& trial, unsigned i) {
  Strategy& strategy = i % 2 == 0 ? *sparse_ : *portfolio_;
  strategy.set_length(length_);
  strategy.start(derive(0, Purpose::research, i));
  return failing_run(trial, strategy);
}

std::optional<RunResult> Minimiser::search(Trial& trial) {
  for (unsigned i = 0; i < research_ && !budget_.spent(); ++i) {
    auto run = drawn_run(trial, i);
    if (!run) continue;
    length_ = (i % 2 == 0 ? sparse_ : portfolio_)->questions();
    return run;
  }
  return std::nullopt;
}

void Minimiser::find_shorter() {
  Trial trial = trial_of(seed_.program);
  sparse_->set_length(length_);
  unsigned tries = 0;
  for (unsigned i = 0; i < schedules_for_shorter && tries < tries_for_shorter; ++i) {
    if (seed_.choices.size() <= short_enough || budget_.spent()) return;
    sparse_->start(derive(1, Purpose::research, i));
    std::optional<RunResult> run = failing_run(trial, *sparse_);
    if (!run) continue;
    ++tries;
    ChoiceShrink shrink(trial, seed_.verdict, std::move(run->choices), budget_);
    const std::vector<Choice>& choices = shrink.shrink();
    if (choices.size() < seed_.choices.size()) seed_.choices = choices;
  }
}

void Minimiser::drop_idle_faults() {
  if (seed_.faults.empty()) return;
  Trial trial = trial_of(seed_.program);
  LabelReplayer whole(seed_.choices, {});
  trial.run(whole);
  std::set<std::string> needed;
  for (const Strike& strike : whole.struck()) needed.insert(strike.point);
  SeedFile fewer = seed_;
  std::erase_if(fewer.faults, [&](const std::string& name) { return !needed.contains(name); });
  if (fewer.faults.empty()) fewer.fault_limit = 0;
  std::erase_if(fewer.choices, [](const Choice& one) { return one.key.kind == Kind::fault; });
  fault::arm(plan_of(fewer));
  LabelReplayer by_label(fewer.choices, whole.struck());
  std::optional<RunResult> run = failing_run(trial, by_label);
  if (!run) {
    fault::arm(plan_of(seed_));
    return;
  }
  fewer.choices = std::move(run->choices);
  seed_ = std::move(fewer);
}

}  // namespace

SeedFile minimise(const SeedFile& seed, const Property& property, const Backend& backend,
                  unsigned research, const std::function<bool()>& keep_going) {
  return Minimiser(seed, property, backend, research, keep_going).run();
}

}  // namespace aiosim
