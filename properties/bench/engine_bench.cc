// The engine's bench: the rows of sim/bench, and a property of the loop under the default strategy,
// as `aiosim explore` runs it: programs drawn, worlds run, oracles asked. Items are points.
#include <benchmark/benchmark.h>

#include <memory>
#include <stdexcept>
#include <string>

#include "aiosim/property.h"
#include "explore/explore.h"
#include "suite.h"

namespace {

const aiosim::Property& property_named(const aiosim::Suite& suite, const std::string& name) {
  for (const auto& property : suite.properties) {
    if (property->name() == name) return *property;
  }
  throw std::invalid_argument("no property " + name);
}

void property_points(benchmark::State& state, const std::string& name) {
  static const aiosim::Suite suite = properties::make_suite();
  static aiosim::Backend backend;
  if (backend.module == nullptr) {
    backend.module = std::make_shared<aiosim::Module>(AIOSIM_BENCH_BACKEND, suite.entry_symbol);
    suite.describe(backend);
  }
  const aiosim::Property& property = property_named(suite, name);
  aiosim::ExploreOptions options;
  options.runs = 1000;
  std::uint64_t points = 0;
  std::uint64_t worlds = 0;
  for (auto _ : state) {
    const aiosim::ExploreResult result = aiosim::explore(property, backend, options);
    if (!result.verdict.passed()) state.SkipWithError(result.verdict.text.c_str());
    points += result.done.points;
    worlds += result.done.runs;
    ++options.root_seed;
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(points));
  state.counters["points_per_world"] = static_cast<double>(points) / static_cast<double>(worlds);
}

BENCHMARK_CAPTURE(property_points, every_notify_wakes, "every_notify_wakes");
BENCHMARK_CAPTURE(property_points, every_scheduled_bh_runs_once, "every_scheduled_bh_runs_once");

}  // namespace

BENCHMARK_MAIN();
