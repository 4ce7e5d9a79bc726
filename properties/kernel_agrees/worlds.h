// A sequence run on Linux, and in a simulated world.
//
// The main thread makes its calls one after another; after each it waits until the other threads
// are settled: done with their call, or asleep in it. So the order of completions is fixed, as long
// as no call wakes two threads at once. On Linux all share one CPU, where none is taken from a call
// for another that it wakes, and /proc says who sleeps; in a world the main thread runs last.
#pragma once

#include <array>
#include <string>

#include "kernel_agrees/runner.h"
#include "kernel_agrees/steps.h"

namespace kernel_agrees {

/// What every step gave, and after it what the threads gave whose calls then ended.
struct Results {
  std::array<Figures, most_steps> steps;
  std::array<std::array<Figures, worker_count>, most_steps> ended;
};

inline constexpr std::size_t nowhere = most_steps;

/// How a simulated sequence ended.
struct Ending {
  std::string failure;            // why the run ended early; else empty
  std::size_t open_at = nowhere;  // the first step with two threads awake in their calls: Linux
                                  // leaves open which is first
};

struct Difference {
  std::size_t at = nowhere;  // a step
  std::string text;          // the calls up to it, and both results; empty: none
};

class Worlds {
 public:
  Worlds();

  /// Once a process: makes all numbers below the first free fd taken, so that what a sequence opens
  /// gets the lowest. Call it when nothing else will open fds.
  void prepare();

  /// `patient`: waits after each step until every FIN is acknowledged, which an edge-triggered
  /// watch tells. Linux delays that by 40 ms on a connection that had no data yet, whatever
  /// TCP_QUICKACK says.
  const Results& run_on_linux(const Sequence& steps, bool patient);
  const Results& run_simulated(const Sequence& steps, Plant plant, Ending& ending);

  /// Does this Linux count the room in AF_UNIX sockets as the simulated kernel does (6.18)?
  bool counts_alike() const { return counts_alike_; }

 private:
  int base_ = -1;
  bool counts_alike_ = false;
};

Difference first_difference(const Sequence& steps, const Results& real, const Results& ours);

}  // namespace kernel_agrees
