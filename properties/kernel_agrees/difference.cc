// The first step whose results differ.
#include <cstring>

#include "kernel_agrees/worlds.h"

namespace kernel_agrees {
namespace {

std::string text(const Figures& figures) {
  std::string out;
  for (std::size_t i = 0; i < figures.count; ++i) {
    const long figure = figures.at[i];
    const bool failed = i == 0 && figure < 0 && figure > -4096;
    const char* const error = failed ? strerrorname_np(static_cast<int>(-figure)) : nullptr;
    out += ' ';
    out += figure == left_out ? "left out" : error != nullptr ? error : std::to_string(figure);
  }
  return out;
}

std::string text(const Results& results, std::size_t i) {
  std::string out = text(results.steps[i]);
  for (std::size_t w = 0; w < worker_count; ++w) {
    const Figures& ended = results.ended[i][w];
    if (ended.count > 0) out += std::string("; ") + "BC"[w] + " ended:" + text(ended);
  }
  return out;
}

}  // namespace

Difference first_difference(const Sequence& steps, const Results& real, const Results& ours) {
  for (std::size_t i = 0; i < steps.size(); ++i) {
    if (real.steps[i] == ours.steps[i] && real.ended[i] == ours.ended[i]) continue;
    std::string calls;
    for (std::size_t j = 0; j <= i; ++j) {
      calls += describe(steps[j]) + "  #" + text(real, j) + '\n';
    }
    return {i, calls + "# simulated:" + text(ours, i) + '\n'};
  }
  return {};
}

}  // namespace kernel_agrees
