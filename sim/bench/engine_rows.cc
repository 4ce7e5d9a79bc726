// The engine beside what it is made of: worlds and scheduling points against bare Boost.Context
// switches, in one run (DESIGN.md section 9, rows 1 and 2). Ratios are what counts. The main
// function and the rows of the suite's own properties are in properties/bench.
#include <benchmark/benchmark.h>

#include <boost/context/detail/fcontext.hpp>
#include <memory>
#include <vector>

#include "aiosim/module.h"
#include "aiosim/observe.h"
#include "aiosim/run.h"
#include "scenario.h"

namespace {

namespace context = boost::context::detail;

void bounce(context::transfer_t from) {
  for (;;) from = context::jump_fcontext(from.fctx, nullptr);
}

void bare_switch(benchmark::State& state) {
  std::vector<char> stack(64 * 1024);
  context::fcontext_t other =
      context::make_fcontext(stack.data() + stack.size(), stack.size(), bounce);
  for (auto _ : state) other = context::jump_fcontext(other, nullptr).fctx;
  state.SetItemsProcessed(2 * state.iterations());
}

// Never leaves the running thread: what a scheduling point costs without the switch.
class DullChooser final : public aiosim::Chooser {
 public:
  void begin() override {}
  std::uint32_t choose(const aiosim::Question&) override { return 0; }
};

// Random walk: switches at every fifth point, one stale read in five.
class RandomChooser final : public aiosim::Chooser {
 public:
  void begin() override {}
  std::uint32_t choose(const aiosim::Question& question) override {
    return random_.chance(200'000) ? random_.below(question.answers) : 0;
  }

 private:
  aiosim::Random random_{1};
};

// The bare switches' companions: worlds of three threads that do 4 * rounds atomic operations each
// (scenario.cc), with every check on; 4 rounds are about fifty. Items are scheduling points.
template <typename ChooserType>
std::uint64_t run_worlds(benchmark::State& state, int rounds) {
  static const aiosim::Module module(AIOSIM_BENCH_SCENARIO, "aiosim_backend");
  const auto* const scenario = *static_cast<const BenchScenario* const*>(module.entry());
  ChooserType chooser;
  std::uint64_t points = 0;
  const std::function<void()> body = [scenario, rounds] {
    const aiosim::UnderTestScope under_test;
    scenario->run(rounds);
  };
  for (auto _ : state) {
    const aiosim::RunResult result = aiosim::run(body, chooser);
    if (!result.verdict.passed()) state.SkipWithError(result.verdict.text.c_str());
    points += result.points;
  }
  state.counters["points_per_world"] =
      static_cast<double>(points) / static_cast<double>(state.iterations());
  return points;
}

void points_dull(benchmark::State& state) {
  const std::uint64_t points = run_worlds<DullChooser>(state, static_cast<int>(state.range(0)));
  state.SetItemsProcessed(static_cast<std::int64_t>(points));
}

void points_random(benchmark::State& state) {
  const std::uint64_t points = run_worlds<RandomChooser>(state, static_cast<int>(state.range(0)));
  state.SetItemsProcessed(static_cast<std::int64_t>(points));
}

// Items are worlds: what a world costs before anybody does anything.
void three_idle_threads(benchmark::State& state) {
  run_worlds<DullChooser>(state, 0);
  state.SetItemsProcessed(state.iterations());
}

void empty_world(benchmark::State& state) {
  DullChooser chooser;
  const std::function<void()> body = [] {};
  for (auto _ : state) aiosim::run(body, chooser);
  state.SetItemsProcessed(state.iterations());
}

BENCHMARK(bare_switch);
BENCHMARK(empty_world);
BENCHMARK(three_idle_threads);
BENCHMARK(points_dull)->Arg(4)->Arg(100);
BENCHMARK(points_random)->Arg(4)->Arg(100);

}  // namespace
