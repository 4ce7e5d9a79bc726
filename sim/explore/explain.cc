#include "explore/explain.h"

#include <fmt/format.h>

#include <utility>

#include "explore/explain_lab.h"

namespace aiosim {
namespace {

FailingRun record(Lab& lab) {
  FailingRun run;
  Trial trial = lab.trial(options_of(lab.seed));
  TransitionRecorder recorder(lab.seed.choices);
  run.result = lab.run(trial, recorder, true);
  if (!lab.same_failure(run.result)) {
    throw BadInput(
        fmt::format("explain: expected the seed file's choices to come to {} {}, found {} {}",
                    name(lab.seed.verdict.kind), lab.seed.verdict.rule,
                    name(run.result.verdict.kind), run.result.verdict.rule));
  }
  run.transitions = recorder.transitions();
  run.events = events_of(run.result, run.transitions, run.event_of);
  return run;
}

}  // namespace

Explanation explain(const SeedFile& seed, const Property& property, const Backend& backend,
                    const ExplainOptions& options) {
  if (seed.verdict.passed() || seed.verdict.kind == VerdictKind::not_deterministic) {
    throw BadInput(
        fmt::format("explain: expected a seed file of a failure that repeats, found the verdict {}",
                    name(seed.verdict.kind)));
  }
  const ArmedPlan armed(plan_of(seed));
  Lab lab(seed, property, backend, options);
  Explanation explanation;
  const FailingRun run = record(lab);
  explanation.no_return = find_no_return(lab, run);
  explanation.orderings = find_orderings(lab, run);
  explanation.guilt = find_guilty(lab, run, explanation.orderings);
  explanation.events = run.events;
  explanation.interrupted = lab.interrupted();
  return explanation;
}

}  // namespace aiosim
