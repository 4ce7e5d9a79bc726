#include "explore/trial.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "aiosim/exhaustive.h"
#include "aiosim/forked.h"

namespace aiosim {
namespace {

bool equal(const TraceEvent& a, const TraceEvent& b) {
  const auto figures = [](const TraceEvent& e) {
    return std::tie(e.step, e.time_ns, e.thread, e.object, e.a, e.b, e.detail);
  };
  return figures(a) == figures(b) && std::string_view(a.operation) == b.operation;
}

std::string line(const TraceEvent& event) {
  std::string text = "step " + std::to_string(event.step) + ", " + std::to_string(event.time_ns) +
                     " ns, T" + std::to_string(event.thread) + ": " + event.operation;
  if (!event.object.empty()) text += " of " + event.object;
  text += " (" + std::to_string(event.a) + ", " + std::to_string(event.b) + ")";
  return event.detail.empty() ? text : text + ' ' + event.detail;
}

std::string line_at(const std::vector<TraceEvent>& trace, std::size_t i) {
  return i < trace.size() ? line(trace[i]) : "the run's end";
}

}  // namespace

RunResult Trial::run(Chooser& chooser, std::uint64_t subset, bool trace) {
  RunOptions options = options_;
  options.record_trace = trace;
  fault::begin_run(subset);
  const auto body = [this] { execution_->body(); };
  const auto judge = [this](RunResult& result) {
    if (!result.cut) result.verdict = execution_->judge(result);
  };
  if (forked_) return run_forked(body, chooser, options, judge);
  RunResult result = aiosim::run(body, chooser, options);
  judge(result);
  return result;
}

fault::Plan plan_of(const SeedFile& seed) {
  fault::Plan plan;
  plan.limit = seed.fault_limit;
  for (const std::string& name : seed.faults) {
    const fault::Point* point = fault::find(name);
    if (point == nullptr) {
      throw BadInput("seed file: expected the name of a fault point, found \"" + name + '"');
    }
    plan.points.push_back(point->id);
  }
  return plan;
}

RunOptions options_of(const SeedFile& seed) {
  RunOptions options;
  if (seed.searched) options = exhaustive_run_options();
  options.memory = seed.memory;
  options.max_points = seed.max_points;
  return options;
}

std::string what_happens(const Verdict& verdict) {
  const std::string first = verdict.text.substr(0, verdict.text.find('\n'));
  return first.empty() ? std::string(name(verdict.kind)) : first;
}

std::string settle(SeedFile& seed, Trial& trial) {
  Replayer loose(seed.choices);
  RunResult first = trial.run(loose);
  if (!seed.verdict.same_failure(first.verdict)) {
    return "the same choices came to " + std::string(name(first.verdict.kind)) +
           (first.verdict.rule.empty() ? "" : " (" + first.verdict.rule + ")");
  }
  seed.choices = std::move(first.choices);
  seed.trace_hash = first.trace_hash;
  seed.verdict = std::move(first.verdict);
  seed.happens = what_happens(seed.verdict);
  Replayer strict(seed.choices);
  const RunResult second = trial.run(strict);
  if (second.trace_hash == seed.trace_hash) return "";
  Replayer again(seed.choices);
  return first_difference(trial.run(again, ~0ULL, true), trial.run(again, ~0ULL, true));
}

std::string first_difference(const RunResult& first, const RunResult& second) {
  const auto& a = first.trace;
  const auto& b = second.trace;
  const auto [at, other] = std::mismatch(a.begin(), a.end(), b.begin(), b.end(), equal);
  if (at == a.end() && other == b.end()) {
    return first.trace_hash == second.trace_hash
               ? "the hashes differed once, two more runs agreed"
               : "the hashes differ, the recorded events do not: a choice had other answers";
  }
  const auto i = static_cast<std::size_t>(at - a.begin());
  std::string text;
  for (std::size_t k = i < 3 ? 0 : i - 3; k < i; ++k) text += "both: " + line(a[k]) + '\n';
  return text + "first run: " + line_at(a, i) + "\nsecond run: " + line_at(b, i);
}

}  // namespace aiosim
