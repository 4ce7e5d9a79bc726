// A world small enough to see through, in the place of the simulator: threads of counted steps, one
// counter, one chooser. For tests of the search, which needs no more of a world than choices.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "aiosim/choice.h"
#include "aiosim/property.h"
#include "aiosim/run.h"
#include "fault/points.h"

namespace aiosim::toy {

/// Runs the parts of a program as threads. Operations:
///   inc    loads the counter, then stores it plus one: two steps
///   io     one inc in one step, lost if linux/read/eintr strikes
///   yield  gives way
///   tick   counts how often the thread that ticks has changed
struct World {
  Chooser* chooser = nullptr;
  RunResult result;
  std::uint32_t counter = 0;
  std::uint32_t changes = 0;

  std::uint32_t ask(Kind kind, std::uint32_t thread, std::uint32_t answers,
                    std::vector<std::uint32_t> threads = {}, const char* label = nullptr,
                    bool yielded = false);
  /// The running thread asks whether `label` strikes; with one answer it only counts.
  std::uint32_t ask_fault(const char* label, std::uint32_t answers) {
    return ask(Kind::fault, current_, answers, {}, label);
  }
  void run_threads(const Program& program);

 private:
  struct Thread {
    std::size_t op = 0;
    bool loaded = false;
    bool yielded = false;
    std::uint32_t value = 0;
    std::uint32_t counts[kind_count] = {};
  };
  std::uint32_t next_thread(const Program& program);
  void step(std::uint32_t id, const std::string& op);
  void mix(std::uint64_t value) { result.trace_hash = mix64(result.trace_hash ^ value); }

  std::vector<Thread> threads_;
  std::uint32_t current_ = 0;
  std::uint32_t last_tick_ = 99;
};

/// The world of the run; null on the host.
extern World* current;

/// Fails with R1 if an increment is lost, with R3 if ticks alternate `most_changes` times or more.
class Counting : public Property {
 public:
  std::uint32_t most_changes = 1000;
  std::vector<std::string> words = {"inc"};  // what generate draws from
  std::uint32_t threads = 2;
  std::function<void()> also;  // done in each run, before its end

  std::string_view name() const override { return "every_increment_counts"; }
  std::string_view sentence() const override { return "every increment counts"; }
  const std::vector<std::string>& rules() const override;
  bool offered(const Backend&) const override { return true; }
  Program generate(std::uint64_t seed, int size) const override;
  void shrink(const Program& program,
              const std::function<bool(const Program&)>& keep) const override;
  std::unique_ptr<Execution> prepare(const Program& program, const Backend&) const override;
};

}  // namespace aiosim::toy
