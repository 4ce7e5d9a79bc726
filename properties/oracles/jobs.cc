#include "oracles/jobs.h"

#include <array>
#include <map>
#include <string>

#include "program.h"

namespace properties::oracles {
namespace {

using Seen = Event<JobWhat>;

std::string job(int number) { return "job " + std::to_string(number); }
std::string loop(std::int64_t number) { return "loop " + std::to_string(number); }

class Jobs {
 public:
  Finding see(const Seen& seen) {
    switch (seen.what) {
      case JobWhat::home:
        loops_[0] = {true, true, seen.thread};
        return {};
      case JobWhat::started:
        at(seen.index) = {true, false, {}};
        return {};
      case JobWhat::runs:
        return in_its_thread(seen, seen.index, loop(seen.index));
      case JobWhat::posting:
        waiting_[seen.index] = seen.a;
        return {};
      case JobWhat::job:
        if (waiting_.erase(seen.index) == 0) return broken("R103", job(seen.index) + " runs twice");
        if (seen.b == 0) return broken("R6", job(seen.index) + " sees stale data");
        return in_its_thread(seen, seen.a, job(seen.index));
      case JobWhat::waited:
        if (seen.a != 0) return {};
        return broken("R100", "a wait ended although its condition still holds");
      case JobWhat::stopped:
        at(seen.index) = {true, true, loops_[0].thread};  // the stopper's from now on
        return all_run(seen.index);
      case JobWhat::by_owner:
        if (seen.a != 0) return all_run(seen.index);
        return broken("R103", loop(seen.index) + " does not run a job for its stopper");
      case JobWhat::rung:
        if (seen.a != 0) return {};
        return broken("R103", loop(seen.index) + " does not notice an fd for its stopper");
      case JobWhat::removed:
        return {};
      case JobWhat::end:
        return all_run(0);
    }
    return {};
  }

 private:
  struct Home {
    bool there = false;
    bool known = false;  // its thread
    std::uint64_t thread{};
  };

  Home& at(std::int64_t number) { return loops_[static_cast<std::size_t>(number)]; }

  Finding in_its_thread(const Seen& seen, std::int64_t number, const std::string& who) {
    Home& its = at(number);
    if (!its.known) {
      its = {true, true, seen.thread};
      if (seen.thread == loops_[0].thread) return broken("R103", who + " runs in home");
    }
    if (its.thread == seen.thread) return {};
    return broken("R103", who + " runs in another thread than its loop's");
  }

  Finding all_run(int number) const {
    for (const auto& [index, target] : waiting_) {
      if (target == number)
        return broken("R103", job(index) + " had not run when its loop stopped");
    }
    return {};
  }

  std::array<Home, max_loop_threads + 1> loops_{};
  std::map<int, std::int64_t> waiting_;  // jobs that have not run, and their loops
};

}  // namespace

Finding jobs(const std::vector<Event<JobWhat>>& events) {
  Jobs state;
  for (const Seen& seen : events) {
    if (Finding finding = state.see(seen)) return finding;
  }
  return {};
}

}  // namespace properties::oracles
