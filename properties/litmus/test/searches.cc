#include "searches.h"

#include <chrono>
#include <functional>
#include <stdexcept>
#include <string>

#include "aiosim/module.h"
#include "aiosim/observe.h"

namespace litmus {

namespace {

using Clock = std::chrono::steady_clock;

double milliseconds_since(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

/// One execution of a program after another, each to its outcome.
class Runs {
 public:
  explicit Runs(const Program& program)
      : body_([this, &program] {
          const aiosim::UnderTestScope under_test;
          registers_ = program.run();
        }) {}
  Runs(const Runs&) = delete;
  Runs& operator=(const Runs&) = delete;

  aiosim::RunResult run(aiosim::Chooser& chooser, const aiosim::RunOptions& options) {
    registers_ = Registers();
    return aiosim::run(body_, chooser, options);
  }
  std::string outcome(const aiosim::RunResult& result) const {
    return outcome_of(registers_, result.verdict);
  }

 private:
  Registers registers_;
  std::function<void()> body_;
};

// Rates are drawn for each run: some runs seldom switch, some read stale stores most of the time.
class RandomChooser final : public aiosim::Chooser {
 public:
  explicit RandomChooser(std::uint64_t seed) : random_(seed) {}

  void begin() override {
    constexpr std::uint32_t switches[] = {1'000'000, 500'000, 200'000};
    constexpr std::uint32_t stale[] = {0, 200'000, 500'000, 800'000};
    switch_rate_ = switches[random_.below(std::size(switches))];
    stale_rate_ = stale[random_.below(std::size(stale))];
  }
  std::uint32_t choose(const aiosim::Question& question) override {
    const bool sched = question.key.kind == aiosim::Kind::sched;
    if (sched && question.yielded) return random_.below(question.answers);
    const std::uint32_t rate = sched ? switch_rate_ : stale_rate_;
    return random_.chance(rate) ? random_.below(question.answers) : 0;
  }

 private:
  aiosim::Random random_;
  std::uint32_t switch_rate_ = 0;
  std::uint32_t stale_rate_ = 0;
};

}  // namespace

std::span<const Family* const> families() {
  static const aiosim::Module module(AIOSIM_LITMUS, "aiosim_litmus");
  return *static_cast<const std::span<const Family* const>*>(module.entry());
}

const Program& program(std::string_view name) {
  for (const Family* const family : families()) {
    for (const Program& program : family->programs) {
      if (program.name == name) return program;
    }
  }
  throw std::out_of_range("no litmus program is called " + std::string(name));
}

Found search_all(const Program& program, bool reduction, std::uint64_t most) {
  Found found;
  Runs runs(program);
  const aiosim::RunOptions run_options = aiosim::exhaustive_run_options();
  aiosim::ExhaustiveOptions options;
  options.reduction = reduction;
  options.max_executions = most;
  const auto start = Clock::now();
  const aiosim::ExhaustiveResult result = aiosim::search_exhaustively(
      [&](aiosim::Chooser& chooser) { return runs.run(chooser, run_options); }, options,
      [&](const aiosim::RunResult& run) {
        found.outcomes.insert(runs.outcome(run));
        return true;
      });
  found.milliseconds = milliseconds_since(start);
  found.executions = result.done.executions;
  found.cut = result.done.cut;
  found.complete = result.end == aiosim::ExhaustiveResult::End::complete;
  return found;
}

Found search_randomly(const Program& program, std::uint64_t count, std::uint64_t seed) {
  Found found;
  Runs runs(program);
  RandomChooser chooser(seed);
  const auto start = Clock::now();
  for (; found.executions < count; ++found.executions) {
    const aiosim::RunResult result = runs.run(chooser, {});
    found.outcomes.insert(runs.outcome(result));
  }
  found.complete = false;
  found.milliseconds = milliseconds_since(start);
  return found;
}

}  // namespace litmus
