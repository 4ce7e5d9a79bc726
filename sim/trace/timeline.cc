#include "trace/timeline.h"

#include <algorithm>
#include <initializer_list>
#include <map>
#include <set>

namespace aiosim::trace {
namespace {

bool is_choice(const TraceEvent& event) { return std::string_view(event.operation) == "choice"; }

/// One event of the run as a line, without what a choice adds to it.
Line make_line(const TraceEvent& event, const RunResult& run, Symbolizer& symbolizer) {
  Line line;
  line.step = event.step;
  line.thread_number = event.thread;
  line.time_ns = event.time_ns - world_start_ns;
  line.thread = event.thread < run.threads.size() ? run.threads[event.thread].name
                                                  : "thread " + std::to_string(event.thread);
  line.operation = event.operation;
  line.object = event.object;
  line.a = event.a;
  line.b = event.b;
  line.detail = event.detail;
  line.place = symbolizer.find(event.pc);
  return line;
}

/// "sched 3 -> 1 of 2, producer 1 runs" -> "producer 1"
std::string who_runs(const std::string& detail) {
  const std::size_t comma = detail.find(", ");
  constexpr std::string_view end = " runs";
  if (comma == std::string::npos || !detail.ends_with(end)) return {};
  return detail.substr(comma + 2, detail.size() - end.size() - comma - 2);
}

/// Which of several answers that are not dull; nothing where there is only one.
std::string ordinal_of(const Choice& choice) {
  if (choice.answers <= 2) return {};
  return " (" + std::to_string(choice.value) + " of " + std::to_string(choice.answers - 1) + ")";
}

bool starts_with_one_of(const std::string& text, std::initializer_list<const char*> words) {
  return std::any_of(words.begin(), words.end(),
                     [&](const char* word) { return text.starts_with(word); });
}

bool stores(const Line& line) {
  if (line.operation == "atomic compare_exchange") return line.b == 1;
  return line.operation != "atomic load";
}

/// Which store each atomic operation read: the newest, but for a load (and a compare-exchange that
/// fails) that chose an older one.
void link_reads(std::vector<Line>& lines) {
  std::map<std::string, std::vector<std::size_t>> stores_to;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    Line& line = lines[i];
    if (!line.operation.starts_with("atomic ")) continue;
    std::vector<std::size_t>& before = stores_to[line.object];
    const bool load = line.operation == "atomic load";
    const std::size_t older = load ? static_cast<std::size_t>(line.b) : 0;
    const bool known = line.operation != "atomic compare_exchange" || line.choice.empty();
    if (line.operation != "atomic store" && known && older < before.size()) {
      line.reads_from = before[before.size() - 1 - older];
    }
    if (stores(line)) before.push_back(i);
  }
}

void link_wakeups(std::vector<Line>& lines) {
  std::map<std::uint32_t, bool> blocked;
  std::map<std::uint32_t, std::size_t> last_of;  // by thread: what may have woken another
  for (std::size_t i = 0; i < lines.size(); ++i) {
    Line& line = lines[i];
    if (line.operation.starts_with("before ")) continue;  // a switch
    if (blocked[line.thread_number]) {
      for (const auto& [thread, at] : last_of) {
        if (thread == line.thread_number) continue;
        if (line.woken_by == no_line || at > line.woken_by) line.woken_by = at;
      }
    }
    blocked[line.thread_number] = line.operation == "blocks";
    const bool wakes = starts_with_one_of(line.object, {"fd ", "mutex ", "condition ", "thread ",
                                                        "futex "});
    if (wakes && line.operation != "blocks") last_of[line.thread_number] = i;
  }
}

}  // namespace

std::string in_words(const Choice& choice) {
  switch (choice.key.kind) {
    case Kind::sched: return "switches to another thread";
    case Kind::reads_from: return "reads an older store" + ordinal_of(choice);
    case Kind::cas_fail: return "the compare-exchange fails spuriously";
    case Kind::wake: return "wakes another waiter than the first" + ordinal_of(choice);
    case Kind::time: return "time moves further than it must" + ordinal_of(choice);
    case Kind::poll_order: return "the kernel reports in another order" + ordinal_of(choice);
    case Kind::io_length: return "only a part is transferred" + ordinal_of(choice);
    case Kind::fault: return "fault " + choice.operation + " strikes";
    case Kind::count_: break;
  }
  return "choice";
}

Timeline make_timeline(const RunResult& run, Symbolizer& symbolizer) {
  Timeline timeline;
  std::set<std::string> seen;
  std::vector<std::string> waiting(run.threads.size());  // choices for a thread's next event
  std::size_t next_choice = 0;
  for (const TraceEvent& event : run.trace) {
    Line line = make_line(event, run, symbolizer);
    if (!event.object.empty() && line.place.line != 0 && seen.insert(event.object).second) {
      timeline.objects.push_back({event.object, line.place, source_line(line.place)});
    }
    if (is_choice(event)) {
      // The run records its choices and these events in one order.
      const Choice* choice = next_choice < run.choices.size() ? &run.choices[next_choice] : nullptr;
      ++next_choice;
      std::string words = choice == nullptr ? event.detail : in_words(*choice);
      if (choice != nullptr && choice->key.kind == Kind::sched) {
        const std::string who = who_runs(event.detail);
        if (!who.empty()) words = "switches to " + who;
        line.operation = "before " + choice->operation;
        line.detail.clear();
        line.choice = words;
        timeline.lines.push_back(std::move(line));
      } else if (event.thread < waiting.size()) {
        std::string& words_of_thread = waiting[event.thread];
        words_of_thread += (words_of_thread.empty() ? "" : "; ") + words;
      }
      continue;
    }
    if (event.thread < waiting.size()) line.choice.swap(waiting[event.thread]);
    timeline.lines.push_back(std::move(line));
  }
  link_reads(timeline.lines);
  link_wakeups(timeline.lines);
  for (const ThreadInfo& thread : run.threads) {
    timeline.threads.push_back({thread.name, thread.waiting_for});
  }
  return timeline;
}

}  // namespace aiosim::trace
