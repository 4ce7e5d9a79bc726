// Answers to everything but "who runs next": with the kind's rate one of the answers that are not
// 0, each as likely. Rates are drawn per run from a set per kind, 0 among them (swarm): runs in
// which a kind is off find what a uniform mix drowns.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "aiosim/choice.h"

namespace aiosim {

/// Rates per million.
using RateSet = std::array<std::uint32_t, 5>;
using RateSets = std::array<RateSet, kind_count>;

/// In the order of Kind. ENGINE.md section 3 for reads_from: no single rate finds everything.
inline constexpr RateSets swarm_rates = {{
    {{0, 0, 0, 0, 0}},                          // sched: the scheduler's
    {{0, 50'000, 200'000, 500'000, 800'000}},   // reads_from
    {{0, 0, 20'000, 100'000, 300'000}},         // cas_fail
    {{0, 100'000, 300'000, 500'000, 900'000}},  // wake
    {{0, 50'000, 200'000, 500'000, 900'000}},   // time
    {{0, 0, 200'000, 500'000, 900'000}},        // poll_order
    {{0, 0, 50'000, 200'000, 500'000}},         // io_length
    {{0, 10'000, 50'000, 150'000, 400'000}},    // fault
}};

/// The seed of one kind's stream in one run.
inline std::uint64_t kind_seed(std::uint64_t run_seed, Kind kind) {
  return mix64(run_seed ^ mix64(static_cast<std::uint64_t>(kind) + 1));
}

class Rates {
 public:
  explicit Rates(const RateSets& sets) : sets_(sets) {}

  void draw(Random& random) {
    for (std::size_t i = 0; i < kind_count; ++i) {
      rates_[i] = sets_[i][random.below(static_cast<std::uint32_t>(sets_[i].size()))];
    }
  }

  void begin(std::uint64_t run_seed) {
    for (std::size_t i = 0; i < kind_count; ++i) {
      streams_[i] = Random(kind_seed(run_seed, static_cast<Kind>(i)));
    }
  }

  std::uint32_t pick(const Question& question) {
    const auto kind = static_cast<std::size_t>(question.key.kind);
    if (rates_[kind] == 0 || !streams_[kind].chance(rates_[kind])) return 0;
    return question.answers == 2 ? 1 : 1 + streams_[kind].below(question.answers - 1);
  }

  std::string describe() const;

 private:
  const RateSets sets_;
  std::array<std::uint32_t, kind_count> rates_{};
  std::array<Random, kind_count> streams_;
};

/// "0.05" for 50,000 per million.
std::string describe_rate(std::uint32_t per_million);

}  // namespace aiosim
