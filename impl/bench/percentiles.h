// Rows that are distributions: samples are taken one by one, their percentiles are the counters.
#pragma once

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdint>
#include <vector>

#include "aio/timer.h"
#include "write_count.h"

namespace bench {

constexpr std::size_t most_samples = 1000;
constexpr std::int64_t longest_warm_up_ns = 50'000'000;
constexpr std::int64_t longest_sampling_ns = 150'000'000;

inline void spin_for_us(std::int64_t us) {
  const std::int64_t until_ns = aio::now_ns() + us * 1000;
  while (aio::now_ns() < until_ns) {
  }
}

/// Calls `once`, which returns ns, `gap_us` after each other until there are enough samples or the
/// time is over; reports p50, p90 and p99, and write(2) calls of this thread per call.
template <class Once>
void sample(benchmark::State& state, std::int64_t gap_us, const Once& once) {
  // At first until the loop has got used to it (adaptive polling time).
  const std::int64_t warm_until_ns = aio::now_ns() + longest_warm_up_ns;
  for (int i = 0; i < 20 && aio::now_ns() < warm_until_ns; ++i) {
    spin_for_us(gap_us);
    once();
  }
  std::vector<std::int64_t> samples;
  const std::int64_t writes = writes_of_this_thread();
  const std::int64_t until_ns = aio::now_ns() + longest_sampling_ns;
  for (auto _ : state) {
    while (samples.size() < most_samples && (samples.empty() || aio::now_ns() < until_ns)) {
      spin_for_us(gap_us);
      samples.push_back(once());
    }
  }
  const auto written = static_cast<double>(writes_of_this_thread() - writes);
  std::sort(samples.begin(), samples.end());
  const auto at = [&](std::size_t percent) {
    return static_cast<double>(samples[samples.size() * percent / 100]);
  };
  state.counters["row:p50_ns"] = at(50);
  state.counters["row:p90_ns"] = at(90);
  state.counters["row:p99_ns"] = at(99);
  state.counters["row:writes"] = written / static_cast<double>(samples.size());
}

}  // namespace bench
