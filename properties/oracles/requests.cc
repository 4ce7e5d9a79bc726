#include "oracles/requests.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

namespace properties::oracles {
namespace {

using Seen = Event<RequestWhat>;

std::string request(int number) { return "request " + std::to_string(number); }

/// Goes through the events once, keeping what became of each request.
class Requests {
 public:
  explicit Requests(const RequestsOf& of) : of_(of) {}

  Finding see(const Seen& seen) {
    One& it = requests_[static_cast<std::size_t>(seen.index)];
    switch (seen.what) {
      case RequestWhat::submit:
        it.submitted = true;
        home_ = seen.thread;
        ++home_calls_;
        return {};
      case RequestWhat::submitted:
        --home_calls_;
        it.submitted_ns = seen.time_ns;
        return {};
      case RequestWhat::cancel:
        ++home_calls_;
        it.stays_queued = !it.cancelled && it.works == 0 && all_threads_work();
        ended_work_ = false;
        return {};
      case RequestWhat::cancel_returned:
        --home_calls_;
        if (seen.a != 0 && it.cancelled) {
          return wrong(request(seen.index) + " was cancelled although it had been already");
        }
        it.cancelled |= seen.a != 0;
        if (seen.a == 0 && it.stays_queued && !ended_work_) {
          return wrong(request(seen.index) + " could not be cancelled while every thread " +
                       "worked on another");
        }
        return {};
      case RequestWhat::work:
        return work(seen, it);
      case RequestWhat::worked:
        if (all_threads_work()) free_since_ns_ = seen.time_ns;
        --working_;
        ended_work_ = true;
        it.worked_at = ++completions_;
        it.worker = seen.thread;
        return {};
      case RequestWhat::let_go:
        if (seen.a == 0) return {};
        return wrong(
            "requests are held back, though nothing is plugged and the kernel "
            "takes more");
      case RequestWhat::done:
        return done(seen, it);
      default:
        return {};
    }
  }

  Finding end() const {
    for (std::size_t i = 0; i < requests_.size(); ++i) {
      if (requests_[i].submitted && requests_[i].dones == 0) {
        return wrong(request(static_cast<int>(i)) + " was never done");
      }
    }
    return {};
  }

 private:
  struct One {
    bool submitted = false;
    std::int64_t submitted_ns = -1;
    bool cancelled = false;
    bool stays_queued = false;  // when its cancellation began
    int works = 0;
    int dones = 0;
    int worked_at = 0;  // among all completions
    std::uint64_t worker{};
  };

  Finding wrong(std::string text) const { return broken(of_.rule, std::move(text)); }
  bool all_threads_work() const { return of_.threads_work() && working_ == of_.max_threads; }

  Finding work(const Seen& seen, One& it) {
    constexpr std::int64_t patience_ns = 1'000'000'000;  // no program works for so long
    const std::int64_t since_ns = std::max(it.submitted_ns, free_since_ns_);
    if (of_.in_world && it.submitted_ns >= 0 && seen.time_ns - since_ns > patience_ns) {
      return wrong(request(seen.index) + " was begun " + std::to_string(seen.time_ns - since_ns) +
                   " ns after a thread was free for it");
    }
    ++it.works;
    ++working_;
    if (it.works > 1) return wrong(request(seen.index) + " worked twice");
    if (seen.thread == home_) return wrong(request(seen.index) + " worked in home");
    if (it.cancelled) return wrong(request(seen.index) + " worked although cancelled");
    if (working_ > of_.max_threads) return wrong("more threads work than are allowed");
    if (seen.a == 0) return wrong(request(seen.index) + " does not see what it was given");
    return {};
  }

  Finding done(const Seen& seen, One& it) {
    ++it.dones;
    if (it.dones > 1) return wrong(request(seen.index) + " was done twice");
    if (seen.thread != home_) return wrong(request(seen.index) + " was not done in home");
    if (home_calls_ > 0) {
      return wrong(request(seen.index) + " was done within submit() or cancel()");
    }
    if (of_.threads_work() && !it.cancelled && it.worked_at == 0) {
      return wrong(request(seen.index) + " was done before it had worked");
    }
    if (seen.a == 0) return wrong(request(seen.index) + " was done with another result");
    if (seen.b == 0) return wrong(request(seen.index) + " was done with stale data");
    for (std::size_t i = 0; i < requests_.size(); ++i) {
      const One& other = requests_[i];
      const bool earlier = other.worked_at > 0 && other.worked_at < it.worked_at;
      // In one thread the earlier one was complete before the later one began to work.
      if (earlier && other.worker == it.worker && other.dones == 0) {
        return wrong(request(seen.index) + " was done before " + request(static_cast<int>(i)) +
                     ", which its thread completed first");
      }
    }
    return {};
  }

  const RequestsOf of_;
  std::int64_t free_since_ns_ = 0;  // not all threads worked
  std::array<One, max_requests_seen> requests_{};
  std::uint64_t home_{};
  int home_calls_ = 0;  // submit() or cancel() under way
  std::int64_t working_ = 0;
  int completions_ = 0;
  bool ended_work_ = false;  // some work, since a cancellation began
};

}  // namespace

Finding requests(const std::vector<Event<RequestWhat>>& events, const RequestsOf& of) {
  Requests state(of);
  for (const Seen& seen : events) {
    if (Finding finding = state.see(seen)) return finding;
  }
  return state.end();
}

}  // namespace properties::oracles
