// Rows that are distributions: samples are taken one by one, their percentiles are the counters.
#pragma once

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdint>
#include <vector>

#include "aio/timer.h"

namespace bench {

constexpr std::size_t most_samples = 1000;
constexpr std::int64_t longest_sampling_ns = 150'000'000;

inline void spin_for_us(std::int64_t us) {
  const std::int64_t until_ns = aio::now_ns() + us * 1000;
  while (aio::now_ns() < until_ns) {
  }
}

/// Calls `once`, which returns ns, `gap_us` after each other until there are enough samples or the
/// time is over; reports p50, p90 and p99. Returns the number of samples.
template <class Once>
double sample(benchmark::State& state, std::int64_t gap_us, const Once& once) {
  for (int i = 0; i < 10; ++i) once();  // the loop's thread is where it is to be
  std::vector<std::int64_t> samples;
  const std::int64_t until_ns = aio::now_ns() + longest_sampling_ns;
  for (auto _ : state) {
    while (samples.size() < most_samples && (samples.empty() || aio::now_ns() < until_ns)) {
      spin_for_us(gap_us);
      samples.push_back(once());
    }
  }
  std::sort(samples.begin(), samples.end());
  const auto at = [&](std::size_t percent) {
    return static_cast<double>(samples[samples.size() * percent / 100]);
  };
  state.counters["row:p50_ns"] = at(50);
  state.counters["row:p90_ns"] = at(90);
  state.counters["row:p99_ns"] = at(99);
  return static_cast<double>(samples.size());
}

}  // namespace bench
