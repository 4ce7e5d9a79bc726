#include "test/toy/world.h"

#include <algorithm>
#include <array>
#include <utility>

#include "aiosim/forked.h"

namespace aiosim {
namespace toy {

World* current = nullptr;

std::uint32_t World::ask(Kind kind, std::uint32_t thread, std::uint32_t answers,
                         std::vector<std::uint32_t> threads, const char* label, bool yielded) {
  Question question;
  question.key = {thread, kind, ++threads_[thread].counts[static_cast<std::size_t>(kind)]};
  if (answers < 2) return 0;
  question.answers = answers;
  question.threads = threads;
  question.current_enabled = !threads.empty() && threads[0] == thread;
  question.yielded = yielded;
  question.step = result.points;
  if (label != nullptr) question.label = label;
  const std::uint32_t value = chooser->choose(question);
  mix(answers * 1000 + value);
  if (value != 0) {
    result.choices.push_back({question.key, answers, value, label == nullptr ? "step" : label,
                              "counter", result.points});
  }
  return value;
}

std::uint32_t World::next_thread(const Program& program) {
  const auto left = [&](std::uint32_t id) {
    return threads_[id].op < program.parts[id].ops.size();
  };
  std::vector<std::uint32_t> enabled;
  const bool yielded = threads_[current_].yielded;
  if (left(current_) && !yielded) enabled.push_back(current_);
  for (std::uint32_t id = 0; id < threads_.size(); ++id) {
    if (id != current_ && left(id)) enabled.push_back(id);
  }
  if (left(current_) && yielded) enabled.push_back(current_);
  threads_[current_].yielded = false;
  if (enabled.empty()) return static_cast<std::uint32_t>(threads_.size());
  const auto n = static_cast<std::uint32_t>(enabled.size());
  return enabled[ask(Kind::sched, current_, n, enabled, nullptr, yielded)];
}

void World::step(std::uint32_t id, const std::string& op) {
  Thread& me = threads_[id];
  ++result.points;
  mix(id + 17);
  result.behaviour = mix64(result.behaviour ^ (id + 1));
  result.trace.push_back({result.points, 0, id, "step", "counter", counter, 0, op, nullptr});
  if (op == "inc" && !me.loaded) {
    const std::uint32_t stores = std::min(counter + 1, 3u);  // newest first
    me.value = counter - ask(Kind::reads_from, id, stores);
    me.loaded = true;
    return;
  }
  if (op == "inc") counter = me.value + 1;
  if (op == "io" && !fault::strikes(fault::PointId::read_eintr)) ++counter;
  if (op == "yield") me.yielded = true;
  if (op == "tick" && std::exchange(last_tick_, id) != id) ++changes;
  me.loaded = false;
  ++me.op;
}

void World::run_threads(const Program& program) {
  threads_.assign(std::max<std::size_t>(program.parts.size(), 1), {});
  if (program.parts.empty()) return;
  for (;;) {
    current_ = next_thread(program);
    if (current_ == threads_.size()) return;
    step(current_, program.parts[current_].ops[threads_[current_].op]);
  }
}

namespace {

class Counted final : public Execution {
 public:
  Counted(const Counting& property, const Program& program)
      : property_(property), program_(program) {}

  void body() override {
    if (current != nullptr) current->run_threads(program_);
    if (property_.also) property_.also();
  }

  Verdict judge(const RunResult& run) override {
    if (!run.verdict.passed() || current == nullptr) return run.verdict;
    std::uint32_t wanted = 0;
    for (const Program::Part& part : program_.parts) {
      wanted += static_cast<std::uint32_t>(std::count(part.ops.begin(), part.ops.end(), "inc"));
      wanted += static_cast<std::uint32_t>(std::count(part.ops.begin(), part.ops.end(), "io"));
    }
    if (current->counter != wanted) return {VerdictKind::rule_broken, "R1", "an increment is lost"};
    if (current->changes >= property_.most_changes) {
      return {VerdictKind::rule_broken, "R3", "the ticks alternate\nmore than they may"};
    }
    return {};
  }

 private:
  const Counting& property_;
  const Program program_;
};

}  // namespace

const std::vector<std::string>& Counting::rules() const {
  static const std::vector<std::string> names = {"R1", "R3"};
  return names;
}

Program Counting::generate(std::uint64_t seed, int size) const {
  Random random(seed);
  Program program;
  for (std::uint32_t part = 0; part < threads; ++part) {
    program.parts.push_back({"worker " + std::to_string(part), {}});
    const auto longest = static_cast<std::uint32_t>(2 + size / 8);
    for (std::uint32_t n = 1 + random.below(longest); n > 0; --n) {
      const auto count = static_cast<std::uint32_t>(words.size());
      program.parts.back().ops.push_back(words[random.below(count)]);
    }
  }
  return program;
}

void Counting::shrink(const Program& program,
                      const std::function<bool(const Program&)>& keep) const {
  Program best = program;
  for (std::size_t part = best.parts.size(); part-- > 0;) {
    for (std::size_t op = best.parts[part].ops.size(); op-- > 0;) {
      Program smaller = best;
      auto& ops = smaller.parts[part].ops;
      ops.erase(ops.begin() + static_cast<std::ptrdiff_t>(op));
      if (keep(smaller)) best = smaller;
    }
    Program smaller = best;
    smaller.parts.erase(smaller.parts.begin() + static_cast<std::ptrdiff_t>(part));
    if (keep(smaller)) best = smaller;
  }
}

std::unique_ptr<Execution> Counting::prepare(const Program& program, const Backend&) const {
  for (const Program::Part& part : program.parts) {
    for (const std::string& op : part.ops) {
      static const std::array<std::string_view, 4> known = {"inc", "io", "yield", "tick"};
      if (std::find(known.begin(), known.end(), op) == known.end()) {
        throw BadInput(part.name + ": expected an operation, found " + op);
      }
    }
  }
  return std::make_unique<Counted>(*this, program);
}

}  // namespace toy

RunResult run(const std::function<void()>& body, Chooser& chooser, const RunOptions& options) {
  static toy::World world;
  world = {};
  world.chooser = &chooser;
  toy::current = &world;
  fault::set_world_decider(
      [](fault::PointId id) {
        const char* label = fault::find("linux/read/eintr")->id == id ? "linux/read/eintr" : "?";
        return toy::current->ask_fault(label, 2) != 0;
      },
      [](fault::PointId) { toy::current->ask_fault("", 1); });
  chooser.begin();
  body();
  if (!options.record_trace) world.result.trace.clear();
  return world.result;
}

// A toy world leaves nothing behind that a process of its own would have to hold.
RunResult run_forked(const std::function<void()>& body, Chooser& chooser,
                     const RunOptions& options, const std::function<void(RunResult&)>& finish) {
  RunResult result = run(body, chooser, options);
  if (finish) finish(result);
  return result;
}

}  // namespace aiosim
