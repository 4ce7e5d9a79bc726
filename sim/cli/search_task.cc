#include "cli/search_task.h"

#include <algorithm>
#include <cstring>

#include "aiosim/seed.h"

namespace aiosim::cli {
namespace {

bool is_known(const std::vector<Verdict>& known, const Verdict& verdict) {
  return std::any_of(known.begin(), known.end(),
                     [&](const Verdict& one) { return one.same_failure(verdict); });
}

template <typename T>
void put(std::string& out, const T& value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

template <typename T>
T take(const std::string& in, std::size_t& at) {
  T value;
  std::memcpy(&value, in.data() + at, sizeof value);
  at += sizeof value;
  return value;
}

/// The same program on both ends of the pipe, so plain bytes do; a seed file is its own text.
std::string write_task_result(const TaskResult& result) {
  std::string out;
  const std::string behaviours = result.behaviours.bytes();
  put(out, result.done);
  put(out, behaviours.size());
  out += behaviours;
  put(out, result.findings.size());
  for (const Finding& finding : result.findings) {
    const std::string seed = seed_text(finding.seed);
    put(out, finding.runs_to_find);
    put(out, finding.seconds_to_find);
    put(out, seed.size());
    out += seed;
  }
  return out;
}

/// The loop of one task: explores, and goes on behind a finding that does not end it.
class Hunt {
 public:
  Hunt(const Combination& combination, const SearchOptions& options, const SearchTask& task,
       const Workers::Tell& tell)
      : combination_(combination),
        options_(options),
        task_(task),
        tell_(tell),
        end_(task.first_run + task.runs),
        known_(task.known) {}

  TaskResult run() {
    std::uint64_t next = task_.first_run;
    while (next < end_ && !stopped_) {
      const Progress before = total_.done;
      ExploreResult result = explore_once(next, end_ - next);
      add_progress(total_.done, result.done);
      total_.behaviours.merge(result.behaviours);
      if (!result.failure) break;
      next = result.failure->run_number + 1;
      keep({std::move(*result.failure), before.runs + result.runs_to_find,
            before.seconds + result.seconds_to_find});
      if (task_.seconds > 0 && total_.done.seconds >= task_.seconds) break;
    }
    if (total_.findings.empty() && other_) total_.findings.push_back(std::move(*other_));
    return std::move(total_);
  }

 private:
  ExploreResult explore_once(std::uint64_t first_run, std::uint64_t runs);
  void keep(Finding finding);

  const Combination& combination_;
  const SearchOptions& options_;
  const SearchTask& task_;
  const Workers::Tell& tell_;
  std::uint64_t end_;  // one past the last run
  std::vector<Verdict> known_;
  TaskResult total_;
  std::optional<Finding> other_;  // not the wanted one
  bool stopped_ = false;
};

ExploreResult Hunt::explore_once(std::uint64_t first_run, std::uint64_t runs) {
  ExploreOptions options;
  options.strategy = options_.strategy;
  options.root_seed = options_.root_seed;
  options.memory = options_.memory;
  options.plan = combination_.plan;
  options.host_world = options_.host_world;
  options.twice = options_.twice;
  options.minimise = false;
  options.first_run = first_run;
  options.runs = runs;
  if (task_.seconds > 0) options.seconds = task_.seconds - total_.done.seconds;
  options.progress = [&](const Progress& progress) {
    Progress sum = total_.done;
    add_progress(sum, progress);
    stopped_ = !tell_(sum);
    return !stopped_;
  };
  return explore(*combination_.property, *combination_.backend, options);
}

void Hunt::keep(Finding finding) {
  constexpr std::uint64_t patience = 50'000;  // runs for the wanted failure after another
  const Verdict verdict = finding.seed.verdict;
  if (combination_.wanted && !combination_.wanted->same_failure(verdict)) {
    if (!other_) {
      end_ = std::min(end_, finding.seed.run_number + 1 + patience);
      other_ = std::move(finding);
    }
    return;
  }
  if (is_known(known_, verdict)) return;
  known_.push_back(verdict);
  total_.findings.push_back(std::move(finding));
  stopped_ = stopped_ || known_.size() >= options_.findings;
}

}  // namespace

std::string run_search_task(const Combination& combination, const SearchOptions& options,
                            const SearchTask& task, const Workers::Tell& tell) {
  return write_task_result(Hunt(combination, options, task, tell).run());
}

TaskResult read_task_result(const std::string& text) {
  TaskResult result;
  std::size_t at = 0;
  result.done = take<Progress>(text, at);
  const auto bytes = take<std::size_t>(text, at);
  result.behaviours.merge_bytes(std::string_view(text).substr(at, bytes));
  at += bytes;
  const auto count = take<std::size_t>(text, at);
  for (std::size_t i = 0; i < count; ++i) {
    Finding finding;
    finding.runs_to_find = take<std::uint64_t>(text, at);
    finding.seconds_to_find = take<double>(text, at);
    const auto size = take<std::size_t>(text, at);
    finding.seed = parse_seed(text.substr(at, size), "a worker's seed file");
    at += size;
    result.findings.push_back(std::move(finding));
  }
  return result;
}

void add_progress(Progress& sum, const Progress& more) {
  const auto runs = static_cast<double>(sum.runs + more.runs);
  if (runs > 0) {
    sum.chance_new = (sum.chance_new * static_cast<double>(sum.runs) +
                      more.chance_new * static_cast<double>(more.runs)) / runs;
  }
  sum.runs += more.runs;
  sum.points += more.points;
  sum.seconds += more.seconds;
  sum.distinct += more.distinct;
}

}  // namespace aiosim::cli
