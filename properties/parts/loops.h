// The threads of a run of parts beside home: those with a loop of their own, and producers.
#pragma once

#include <array>
#include <atomic>
#include <functional>
#include <thread>

#include "program.h"
#include "properties/parts.h"
#include "under_test.h"

namespace properties {

/// Loops by number: 0 is home's, the others have threads of their own. Home thread, but for at(),
/// existing() while nobody starts or stops one.
class LoopThreads {
 public:
  LoopThreads(const Case& program, const BackendModule& module);

  /// Starts number `i`; its thread calls `says(i)` in one of its first polls.
  void start(int i, std::function<void(int)> says);
  /// Starts all that the program has.
  void start_all(Loop* home, const std::function<void(int)>& says);
  /// Waits for its thread; its loop is then the caller's.
  void stop(int i);
  void remove(int i);
  void stop_all();

  int count() const { return count_; }
  bool runs(int i) const { return runs_[static_cast<std::size_t>(i)]; }
  /// The loop of that number; home's if the program has none.
  int existing(std::int64_t number) const {
    return number <= count_ ? static_cast<int>(number) : 0;
  }
  Loop* at(int i) const { return loops_[static_cast<std::size_t>(i)]; }
  /// A new run: nothing is there but home's loop.
  void begin(Loop* home);

 private:
  static constexpr std::size_t most = max_loop_threads + 1;
  struct Greeting {
    std::function<void(int)> says;
    int number = 0;
  };

  const Parts& parts_;
  const LoopOptions options_;
  const int count_;
  std::array<LoopThread*, most> threads_{};
  std::array<Loop*, most> loops_{};
  std::array<bool, most> runs_{};
  std::array<Greeting, most> greetings_;
};

/// Threads that act on their own; numbers from 1.
class Producers {
 public:
  void start(int count, const std::function<void(int)>& body);
  void join();

  /// Said by the producer itself, before it tells home.
  void finished(int number) { done_[static_cast<std::size_t>(number)].store(true); }
  bool has_finished(int number) const { return done_[static_cast<std::size_t>(number)].load(); }
  bool all_finished() const;

 private:
  int count_ = 0;
  std::array<std::atomic<bool>, max_threads> done_{};
  struct alignas(std::thread) Place {
    std::array<std::byte, sizeof(std::thread)> bytes;
  };
  std::array<Place, max_threads> places_;
};

}  // namespace properties
