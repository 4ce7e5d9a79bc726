#include "aiosim/exhaustive.h"

#include <fmt/format.h>

#include <string>
#include <vector>

#include "aiosim/verdict.h"
#include "explore/exhaustive_naive.h"
#include "explore/exhaustive_reduced.h"

namespace aiosim {
namespace {

// "18,204"
std::string grouped(std::uint64_t number) {
  std::string text = std::to_string(number);
  for (std::size_t at = text.size(); at > 3;) text.insert(at -= 3, 1, ',');
  return text;
}

std::string executions(std::uint64_t number) {
  return grouped(number) + (number == 1 ? " execution" : " executions");
}

std::string bounds(const ExhaustiveOptions& options) {
  std::vector<std::string> each;
  const auto add = [&](const char* what, std::optional<unsigned> bound) {
    if (bound) each.push_back(fmt::format("{} bound {}", what, *bound));
  };
  add("preemption", options.preemptions);
  add("stale-read", options.stale_reads);
  add("fault", options.faults);
  std::string text;
  for (std::size_t i = 0; i < each.size(); ++i) {
    if (i > 0) text += i + 1 == each.size() ? " and " : ", ";
    text += each[i];
  }
  return text;
}

std::string describe(const ExhaustiveResult& result, const ExhaustiveOptions& options) {
  std::string count = executions(result.done.executions);
  if (result.spurious_limited) count += " (no spurious failure twice in a row)";
  if (result.end != ExhaustiveResult::End::complete) {
    return "not searched to the end: stopped after " + count;
  }
  const std::string to = bounds(options);
  return (to.empty() ? "searched to the end: " : "to " + to + ": ") + count;
}

// Counts runs and stops them: what every way of searching shares.
class Count {
 public:
  Count(const ExhaustiveOptions& options, const std::function<bool(const RunResult&)>& visit,
        ExhaustiveResult& result)
      : options_(options), visit_(visit), result_(result) {}

  bool add(const RunResult& run) {
    ExhaustiveProgress& done = result_.done;
    done.points += run.points;
    ++(run.cut ? done.cut : done.executions);
    unseen_work_ += run.points + run_cost;
    if (!run.cut && !visit_(run)) return stop(ExhaustiveResult::End::stopped);
    return true;
  }

  void limited(bool limited) { result_.spurious_limited = limited; }

  /// Asked before each further run.
  bool go_on() {
    const ExhaustiveProgress& done = result_.done;
    if (options_.max_executions != 0 && done.executions + done.cut >= options_.max_executions) {
      return stop(ExhaustiveResult::End::limit);
    }
    if (unseen_work_ < ask_after || !options_.progress) return true;
    unseen_work_ = 0;
    return options_.progress(done) || stop(ExhaustiveResult::End::limit);
  }

 private:
  // In scheduling points; a million take about 0.1 s.
  static constexpr std::uint64_t run_cost = 200;
  static constexpr std::uint64_t ask_after = 100'000;

  bool stop(ExhaustiveResult::End end) {
    result_.end = end;
    return false;
  }

  const ExhaustiveOptions& options_;
  const std::function<bool(const RunResult&)>& visit_;
  ExhaustiveResult& result_;
  std::uint64_t unseen_work_ = 0;
};

template <typename SearchChooser>
void search(SearchChooser& chooser, const WorldRun& run, Count& count) {
  bool going = true;
  do {
    const RunResult result = run(chooser);
    const bool more = chooser.next(result);
    if (chooser.went_astray()) {
      throw BadInput(
          "exhaustive search: expected the same questions under the same choices, found others: "
          "the program is not deterministic");
    }
    going = count.add(result) && more && count.go_on();
  } while (going);
  count.limited(chooser.limited());
}

}  // namespace

ExhaustiveResult search_exhaustively(const WorldRun& run, const ExhaustiveOptions& options,
                                     const std::function<bool(const RunResult&)>& visit) {
  ExhaustiveResult result;
  Count count(options, visit, result);
  // A bound may forbid the one execution of a class that the reduction has left.
  const bool bounded = options.preemptions || options.stale_reads || options.faults;
  if (options.reduction && !bounded) {
    ReducedChooser chooser;
    search(chooser, run, count);
  } else {
    NaiveChooser chooser(options);
    search(chooser, run, count);
  }
  result.text = describe(result, options);
  return result;
}

}  // namespace aiosim
