#include "cli/search.h"

#include <fmt/format.h>
#include <sched.h>

#include <algorithm>
#include <map>

#include "cli/interrupt.h"
#include "cli/progress_line.h"
#include "cli/search_task.h"
#include "cli/words.h"
#include "cli/workers.h"
#include "trace/symbolize.h"

namespace aiosim::cli {
namespace {

constexpr std::uint64_t no_limit = 1ULL << 62;

/// The result of a task.
struct Chunk {
  std::uint64_t end_run = 0;
  TaskResult result;
};

/// What is known of one combination while the search goes on.
struct State {
  std::uint64_t next_run = 0;
  double seconds_given = 0;         // finished slices, and those in work
  unsigned in_work = 0;
  bool done = false;
  std::uint64_t stop_before = no_limit;  // a finding came from the chunk that starts here
  /// Results by first run, until those of all runs before them are in. What lies behind a finding
  /// is not counted: so many processes come to what one comes to.
  std::map<std::uint64_t, Chunk> waiting;
  std::uint64_t counted = 0;  // runs up to this one are in the outcome
  Behaviours behaviours;      // of those
};

struct InWork {
  std::size_t combination;
  SearchTask task;
  Progress progress;
};

class Search {
 public:
  Search(const std::vector<Combination>& combinations, const SearchOptions& options)
      : combinations_(combinations),
        options_(options),
        states_(combinations.size()),
        workers_(options.jobs,
                 [this](std::uint64_t task, const Progress& p) { note_progress(task, p); }) {
    result_.outcomes.resize(combinations.size());
  }

  SearchResult run() {
    explore_all();
    for (std::size_t i = 0; i < states_.size(); ++i) count(i, true);
    if (options_.minimise && !options_.host_world) minimise_all();
    line_.clear();
    result_.interrupted = interrupted();
    return std::move(result_);
  }

 private:
  void explore_all();
  void minimise_all();
  std::optional<std::size_t> next_combination() const;
  bool finished(std::size_t index) const;
  SearchTask next_task(std::size_t index);
  void start(std::size_t index);
  void take(const Workers::Result& result);
  void stop_behind(std::size_t index, std::uint64_t first_run);
  void count(std::size_t index, bool gaps_too);
  void count_chunk(std::size_t index, Chunk chunk);
  void note_progress(std::uint64_t task, const Progress& progress);
  double part_done(std::size_t index, const Progress& progress) const;
  std::string progress_text(std::size_t current) const;

  const std::vector<Combination>& combinations_;
  const SearchOptions& options_;
  std::vector<State> states_;
  SearchResult result_;
  ProgressLine line_;
  std::map<std::uint64_t, InWork> in_work_;
  std::uint64_t next_task_ = 0;
  std::string minimising_;
  Workers workers_;
};

bool Search::finished(std::size_t index) const {
  const State& state = states_[index];
  if (state.done) return true;
  if (options_.runs && state.next_run >= *options_.runs) return true;
  return options_.seconds > 0 && state.seconds_given >= options_.seconds * 0.999;
}

/// The combination that had least so far, of those that are not done; a second worker joins one
/// only where they may share it and nobody else is left.
std::optional<std::size_t> Search::next_combination() const {
  std::optional<std::size_t> best;
  for (std::size_t i = 0; i < states_.size(); ++i) {
    if (finished(i) || (states_[i].in_work > 0 && !options_.share)) continue;
    const auto rank = [&](std::size_t j) {
      return std::pair(states_[j].in_work, states_[j].seconds_given);
    };
    if (!best || rank(i) < rank(*best)) best = i;
  }
  return best;
}

SearchTask Search::next_task(std::size_t index) {
  State& state = states_[index];
  const Progress& done = result_.outcomes[index].done;
  SearchTask task;
  task.first_run = state.next_run;
  task.runs = options_.runs ? *options_.runs - state.next_run : no_limit - state.next_run;
  if (options_.seconds > 0) {
    task.seconds = std::min(options_.slice, options_.seconds - state.seconds_given);
  }
  for (const Finding& finding : result_.outcomes[index].findings) {
    task.known.push_back(finding.seed.verdict);
  }
  if (options_.jobs > 1 && options_.share) {
    // Chunks small enough that workers share a combination, large enough to be worth a process.
    std::uint64_t chunk = 500;
    if (done.seconds > 0.05) {
      const double rate = static_cast<double>(done.runs) / done.seconds;
      chunk = std::max<std::uint64_t>(chunk, static_cast<std::uint64_t>(rate * options_.slice));
    }
    if (options_.runs) chunk = std::min(chunk, *options_.runs / (options_.jobs * 2) + 1);
    task.runs = std::min(task.runs, chunk);
  }
  return task;
}

void Search::start(std::size_t index) {
  const SearchTask task = next_task(index);
  State& state = states_[index];
  state.next_run += task.runs;
  state.seconds_given += task.seconds;
  ++state.in_work;
  const std::uint64_t id = next_task_++;
  in_work_[id] = {index, task, {}};
  workers_.start(id, [&, index, task](const Workers::Tell& tell) {
    return run_search_task(combinations_[index], options_, task, tell);
  });
}

/// A finding came from the runs that start at `first_run`: only those before it are of interest.
void Search::stop_behind(std::size_t index, std::uint64_t first_run) {
  State& state = states_[index];
  state.done = true;
  if (first_run > state.stop_before) return;
  state.stop_before = first_run;
  for (const auto& [id, other] : in_work_) {
    if (other.combination == index && other.task.first_run > first_run) workers_.stop(id);
  }
}

void Search::take(const Workers::Result& result) {
  const InWork work = in_work_.at(result.task);
  in_work_.erase(result.task);
  State& state = states_[work.combination];
  --state.in_work;
  if (!result.ok) {
    result_.outcomes[work.combination].troubles.push_back(
        fmt::format("{}, runs from {} on, root seed {}: {}", combinations_[work.combination].text(),
                    work.task.first_run, options_.root_seed, result.text));
    state.done = true;
    return;
  }
  Chunk chunk{work.task.first_run + work.task.runs, read_task_result(result.text)};
  state.seconds_given += chunk.result.done.seconds - work.task.seconds;
  // Nobody else took a chunk behind this one: what it left undone is the next one's.
  if (chunk.end_run == state.next_run) {
    state.next_run = chunk.end_run = work.task.first_run + chunk.result.done.runs;
  }
  if (options_.share && !chunk.result.findings.empty()) {
    stop_behind(work.combination, work.task.first_run);
  }
  if (work.task.first_run > state.stop_before) return;
  state.waiting.emplace(work.task.first_run, std::move(chunk));
  count(work.combination, false);
}

/// Takes results into the outcome in the order of their runs.
void Search::count(std::size_t index, bool gaps_too) {
  State& state = states_[index];
  while (!state.waiting.empty()) {
    const auto first = state.waiting.begin();
    if (first->first != state.counted && !gaps_too) return;
    Chunk chunk = std::move(first->second);
    state.waiting.erase(first);
    const bool last = options_.share && !chunk.result.findings.empty();
    count_chunk(index, std::move(chunk));
    if (!last) continue;
    state.waiting.clear();
    return;
  }
}

void Search::count_chunk(std::size_t index, Chunk chunk) {
  State& state = states_[index];
  Outcome& outcome = result_.outcomes[index];
  const Progress before = outcome.done;
  state.counted = chunk.end_run;
  add_progress(outcome.done, chunk.result.done);
  state.behaviours.merge(chunk.result.behaviours);
  outcome.done.distinct = state.behaviours.distinct();
  outcome.done.chance_new = state.behaviours.chance_new();
  for (Finding& finding : chunk.result.findings) {
    finding.runs_to_find += before.runs;
    finding.seconds_to_find += before.seconds;
    outcome.findings.push_back(std::move(finding));
  }
  if (outcome.findings.size() >= options_.findings) state.done = true;
}

void Search::explore_all() {
  while (true) {
    while (!interrupted() && !workers_.full() && workers_.ready() == 0) {
      const std::optional<std::size_t> index = next_combination();
      if (!index) break;
      start(*index);
    }
    if (workers_.idle()) return;
    for (const Workers::Result& result : workers_.wait()) take(result);
  }
}

void Search::minimise_all() {
  struct Item {
    std::size_t combination;
    Finding* finding;
  };
  std::vector<Item> items;
  const auto is_known = [&](std::size_t combination, const Finding& finding) {
    return std::any_of(items.begin(), items.end(), [&](const Item& item) {
      return same_under_another_plan(combinations_[item.combination], *item.finding,
                                     combinations_[combination], finding);
    });
  };
  for (std::size_t i = 0; i < result_.outcomes.size(); ++i) {
    for (Finding& finding : result_.outcomes[i].findings) {
      if (!is_known(i, finding)) items.push_back({i, &finding});
    }
  }
  in_work_.clear();
  std::size_t next = 0;
  while (next < items.size() || !workers_.idle()) {
    while (!workers_.full() && next < items.size() && !interrupted()) {
      const Item& item = items[next];
      const Combination& c = combinations_[item.combination];
      minimising_ = c.text();
      workers_.start(next++, [&c, item](const Workers::Tell& tell) {
        return seed_text(minimise(item.finding->seed, *c.property, *c.backend, 200,
                                  [&] { return tell(Progress{}); }));
      });
    }
    if (workers_.idle()) return;
    for (const Workers::Result& result : workers_.wait()) {
      const Item& item = items[result.task];
      if (result.ok) {
        item.finding->seed = parse_seed(result.text, "a worker's seed file");
      } else {
        result_.outcomes[item.combination].troubles.push_back(
            fmt::format("minimising {}: {}", combinations_[item.combination].text(), result.text));
      }
    }
  }
}

void Search::note_progress(std::uint64_t task, const Progress& progress) {
  const auto it = in_work_.find(task);
  if (it != in_work_.end()) it->second.progress = progress;
  if (!line_.due()) return;
  if (it == in_work_.end()) {
    line_.show("minimising what was found: " + minimising_);
  } else {
    line_.show(progress_text(it->second.combination));
  }
}

/// How much of its runs or its time a combination has had, 0 to 1.
double Search::part_done(std::size_t index, const Progress& progress) const {
  if (states_[index].done) return 1;
  double part = 0;
  if (options_.runs) {
    part = static_cast<double>(progress.runs) / static_cast<double>(*options_.runs);
  }
  if (options_.seconds > 0) part = std::max(part, progress.seconds / options_.seconds);
  return std::min(part, 1.0);
}

std::string Search::progress_text(std::size_t current) const {
  std::vector<Progress> each(states_.size());
  for (std::size_t i = 0; i < states_.size(); ++i) {
    each[i] = result_.outcomes[i].done;
    for (const auto& [run, chunk] : states_[i].waiting) add_progress(each[i], chunk.result.done);
  }
  for (const auto& [id, work] : in_work_) add_progress(each[work.combination], work.progress);
  Progress sum;
  double part = 0;
  std::size_t found = 0;
  for (std::size_t i = 0; i < states_.size(); ++i) {
    add_progress(sum, each[i]);
    part += part_done(i, each[i]);
    if (!result_.outcomes[i].findings.empty()) ++found;
  }
  // Seconds are those of processes: so many at once.
  const auto processes = static_cast<double>(std::max<std::size_t>(1, in_work_.size()));
  const double rate = static_cast<double>(sum.runs) / std::max(sum.seconds, 1e-3) * processes;
  std::string text = options_.title;
  text += fmt::format("{}  {} runs, {}/s, {} distinct, chance of new {:.2g}",
                      bar(part / static_cast<double>(states_.size()), 20), with_commas(sum.runs),
                      with_commas(static_cast<std::uint64_t>(rate)), with_commas(sum.distinct),
                      sum.chance_new);
  if (found > 0) text += fmt::format(", {} found", found);
  if (states_.size() > 1) text += "  " + combinations_[current].text();
  return text;
}

}  // namespace

std::string Combination::text() const {
  return fmt::format("{} on {}{}", property->name(), backend->name,
                     plan.empty() ? "" : " under " + plan.name);
}

bool same_under_another_plan(const Combination& one, const Finding& its, const Combination& other,
                             const Finding& the_others) {
  return one.property == other.property && one.backend == other.backend &&
         its.seed.verdict.same_failure(the_others.seed.verdict);
}

SearchOptions search_options(const Options& options, std::uint64_t root_seed) {
  SearchOptions search;
  search.strategy = options.strategy;
  search.root_seed = root_seed;
  search.memory = options.memory;
  search.host_world = options.host_world;
  search.twice = options.twice;
  search.minimise = options.minimise;
  search.jobs = std::max(1u, options.jobs);
  search.runs = options.runs;
  return search;
}

SearchResult search(const std::vector<Combination>& combinations, const SearchOptions& options) {
  SearchResult result = Search(combinations, options).run();
  trace::Symbolizer symbolizer;
  for (Outcome& outcome : result.outcomes) {
    for (Finding& finding : outcome.findings) {
      SeedFile& seed = finding.seed;
      seed.happens = trace::with_places(seed.happens, symbolizer);
      seed.verdict.text = trace::with_places(seed.verdict.text, symbolizer);
    }
  }
  return result;
}

unsigned core_count() {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) != 0) return 1;
  return static_cast<unsigned>(std::max(1, CPU_COUNT(&set)));
}

}  // namespace aiosim::cli
