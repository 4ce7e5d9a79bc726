// Random calls that have to do with signals, and what each gave.
#pragma once

#include <signal.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "aiosim/choice.h"

namespace aiosim {

enum class Call : std::uint8_t {
  install, mask, send, look, suspend, wait, make_fd, read_fd, poll, epoll, select, pipe, count_
};
inline constexpr std::size_t call_count = static_cast<std::size_t>(Call::count_);
inline constexpr std::array<const char*, call_count> call_names = {
    "sigaction", "sigmask",  "send", "sigpending", "sigsuspend", "sigtimedwait",
    "signalfd",  "read_fd", "poll", "epoll",      "select",     "pipe"};

struct Step {
  Call call;
  int number;           // index into `numbers`
  unsigned set;         // of signals, by index
  std::uint32_t bits;   // flags, by call
};

// The first four do no harm by default; the others always have a handler or are ignored.
inline constexpr int numbers[] = {SIGCHLD, SIGURG,  SIGWINCH, SIGCONT, SIGUSR1, SIGUSR2,
                                  SIGTERM, SIGSEGV, SIGPIPE,  SIGBUS,  34,      35};
inline constexpr unsigned harmless = 4;
inline constexpr unsigned number_count = std::size(numbers);
inline constexpr std::size_t steps_per_sequence = 80;

inline std::vector<Step> draw(std::uint64_t seed) {
  Random random(mix64(seed));
  std::vector<Step> steps;
  while (steps.size() < steps_per_sequence) {
    Step step{};
    step.call = random.below(3) == 0 ? Call::send : static_cast<Call>(random.below(call_count));
    step.number = static_cast<int>(random.below(number_count));
    step.set = static_cast<unsigned>(random.next() & random.next()) & ((1u << number_count) - 1);
    step.bits = static_cast<std::uint32_t>(random.next());
    steps.push_back(step);
  }
  return steps;
}

inline std::string describe(const Step& step) {
  return std::string(call_names[static_cast<std::size_t>(step.call)]) + " signal " +
         std::to_string(numbers[step.number]) + " set " + std::to_string(step.set) + " bits " +
         std::to_string(step.bits);
}

struct Figures {
  std::size_t count = 0;
  std::array<long, 160> at{};
  void add(long figure) {
    if (count < at.size()) at[count++] = figure;
  }
};
using Results = std::array<Figures, steps_per_sequence>;

inline bool same(const Figures& a, const Figures& b) {
  return a.count == b.count && std::equal(a.at.begin(), a.at.begin() + a.count, b.at.begin());
}

inline std::string figures(const Figures& of) {
  std::string text;
  for (std::size_t i = 0; i < of.count; ++i) text += ' ' + std::to_string(of.at[i]);
  return text;
}

}  // namespace aiosim
