// One program about what stands on a loop: thread pool, coroutines, virtqueue, loop threads,
// Linux AIO.
//
// As interpreter.h, whose rules hold here too: harness code, calls under test within scopes, every
// program ends on a correct loop, and a run that a verdict ends is abandoned with its stacks.
#pragma once

#include <array>
#include <atomic>
#include <cerrno>
#include <memory>

#include "aiosim/observe.h"
#include "oracles/finding.h"
#include "program.h"
#include "properties/parts.h"
#include "under_test.h"

namespace properties {

class PartsRun {
 public:
  PartsRun(const Case& program, const BackendModule& module)
      : program_(program),
        module_(module),
        parts_(*module.parts),
        callback_calls_(program.option(Verb::callback_calls, 2)) {}
  virtual ~PartsRun() = default;
  PartsRun(const PartsRun&) = delete;
  PartsRun& operator=(const PartsRun&) = delete;

  /// The run, home thread. May end in aiosim::stop_run.
  void run();
  /// What the oracle says of a run that came to its end.
  virtual oracles::Finding judge() const = 0;

 protected:
  static constexpr int max_depth = 4;  // of polls
  static constexpr int patience = 100;

  virtual void reset() = 0;
  virtual void body() = 0;  // the loop is there
  /// `by`: who does it, in the run's own counting; 0 is home.
  virtual void run_op(const Op& op, int by) = 0;

  void run_part(Role role, int number = 0, int by = 0);
  /// A callback's operations, while its calls are within budget. Any thread.
  void run_calls(Role role, int number = 0, int by = 0);

  /// Home's; not deeper than max_depth.
  void poll(bool blocking) { poll(*home_, depth_, blocking); }
  static void poll(Loop& loop, int& depth, bool blocking);
  /// Polls, blocking, while `condition()`; gives up in the end.
  template <typename Condition>
  void poll_while(const Condition& condition) {
    for (int polls = 0; condition(); ++polls) {
      if (polls == most_polls()) give_up();
      poll(true);
      if (polls >= patience) make_way();  // what is outstanding may wait for others to go on
    }
  }
  [[noreturn]] static void give_up();
  static int most_polls() { return aiosim::in_world() ? 1'000 : 10'000'000; }

  /// Exhaustive search: what all threads' next steps depend on.
  static void share() { aiosim::shares(0, true); }

  const Case program_;
  const BackendModule& module_;
  const Parts& parts_;
  Loop* home_ = nullptr;
  int depth_ = 0;  // of home's polls

 private:
  std::int64_t callback_calls_;
  std::array<std::array<std::atomic<int>, 8>, static_cast<std::size_t>(Role::count_)> calls_{};
};

std::unique_ptr<PartsRun> make_pool_run(const Case& program, const BackendModule& module);
std::unique_ptr<PartsRun> make_coroutine_run(const Case& program, const BackendModule& module);
std::unique_ptr<PartsRun> make_queue_run(const Case& program, const BackendModule& module);
std::unique_ptr<PartsRun> make_lock_count_run(const Case& program, const BackendModule& module);
std::unique_ptr<PartsRun> make_loop_threads_run(const Case& program, const BackendModule& module);
std::unique_ptr<PartsRun> make_aio_run(const Case& program, const BackendModule& module);

}  // namespace properties
