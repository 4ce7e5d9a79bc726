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
  put(out, result.done);
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

}  // namespace

std::string run_search_task(const Combination& combination, const SearchOptions& options,
                            const SearchTask& task, const Workers::Tell& tell) {
  TaskResult total;
  std::vector<Verdict> known = task.known;
  std::uint64_t next = task.first_run;
  const std::uint64_t end = task.first_run + task.runs;
  bool go_on = true;
  while (go_on && next < end) {
    ExploreOptions explore_options;
    explore_options.strategy = options.strategy;
    explore_options.root_seed = options.root_seed;
    explore_options.memory = options.memory;
    explore_options.plan = combination.plan;
    explore_options.host_world = options.host_world;
    explore_options.twice = options.twice;
    explore_options.minimise = false;
    explore_options.first_run = next;
    explore_options.runs = end - next;
    if (task.seconds > 0) explore_options.seconds = task.seconds - total.done.seconds;
    explore_options.progress = [&](const Progress& progress) {
      Progress sum = total.done;
      add_progress(sum, progress);
      go_on = tell(sum);
      return go_on;
    };
    ExploreResult result =
        explore(*combination.property, *combination.backend, explore_options);
    const Progress before = total.done;
    add_progress(total.done, result.done);
    go_on = go_on && !result.interrupted && result.failure.has_value();
    if (!result.failure) break;
    next = result.failure->run_number + 1;
    if (!is_known(known, result.failure->verdict)) {
      known.push_back(result.failure->verdict);
      total.findings.push_back({std::move(*result.failure), before.runs + result.runs_to_find,
                                before.seconds + result.seconds_to_find});
    }
    if (known.size() >= options.findings) break;
    if (task.seconds > 0 && total.done.seconds >= task.seconds) break;
  }
  return write_task_result(total);
}

TaskResult read_task_result(const std::string& text) {
  TaskResult result;
  std::size_t at = 0;
  result.done = take<Progress>(text, at);
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
