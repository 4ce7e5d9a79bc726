#include "parts/loops.h"

#include <string>
#include <utility>

namespace properties {

using aiosim::HarnessScope;
using aiosim::UnderTestScope;

LoopThreads::LoopThreads(const Case& program, const BackendModule& module)
    : parts_(*module.parts),
      options_{program.option(Verb::poll_max_ns, 0), nullptr, nullptr},
      count_(static_cast<int>(program.option(Verb::loop_threads, 0))) {}

void LoopThreads::start(int i, std::function<void(int)> says) {
  const auto at = static_cast<std::size_t>(i);
  threads_[at] = made([this] { return parts_.make_thread(options_); });
  greetings_[at] = {std::move(says), i};
  runs_[at] = true;
  const UnderTestScope scope;
  loops_[at] = threads_[at]->loop();
  loops_[at]->schedule_oneshot(
      [](void* opaque) {
        const HarnessScope harness;
        auto& greeting = *static_cast<Greeting*>(opaque);
        aiosim::name_thread("loop " + std::to_string(greeting.number));
        greeting.says(greeting.number);
      },
      &greetings_[at]);
}

void LoopThreads::begin(Loop* home) {
  loops_ = {home};
  threads_ = {};
  runs_ = {};
}

void LoopThreads::start_all(Loop* home, const std::function<void(int)>& says) {
  begin(home);
  for (int i = 1; i <= count_; ++i) start(i, says);
}

void LoopThreads::stop(int i) {
  const auto at = static_cast<std::size_t>(i);
  runs_[at] = false;
  const UnderTestScope scope;
  threads_[at]->stop();
}

void LoopThreads::remove(int i) {
  const UnderTestScope scope;
  delete threads_[static_cast<std::size_t>(i)];
}

void LoopThreads::stop_all() {
  // Nobody may be within a call to one that goes: all stop first (R86).
  std::array<bool, most> stopped{};
  for (int i = 1; i <= count_; ++i) {
    if (!runs(i)) continue;
    stop(i);
    stopped[static_cast<std::size_t>(i)] = true;
  }
  for (int i = 1; i <= count_; ++i) {
    if (stopped[static_cast<std::size_t>(i)]) remove(i);
  }
}

void Producers::start(int count, const std::function<void(int)>& body) {
  static constexpr const char* names[] = {"", "producer 1", "producer 2", "producer 3"};
  count_ = count;
  for (auto& done : done_) done.store(false);
  for (int i = 1; i <= count; ++i) {
    start_thread(&places_[static_cast<std::size_t>(i)], [body, i] {
      aiosim::name_thread(names[i]);
      body(i);
    });
  }
}

void Producers::join() {
  for (int i = 1; i <= count_; ++i) join_thread(&places_[static_cast<std::size_t>(i)]);
}

bool Producers::all_finished() const {
  for (int i = 1; i <= count_; ++i) {
    if (!has_finished(i)) return false;
  }
  return true;
}

}  // namespace properties
