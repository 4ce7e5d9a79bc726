#include "oracles/coroutines.h"

#include <array>
#include <deque>
#include <map>
#include <string>

#include "program.h"

namespace properties::oracles {
namespace {

using Seen = Event<CoroutineWhat>;

std::string coroutine(int number) { return "coroutine " + std::to_string(number); }

/// What runs in one thread, in a poll of some depth.
struct Frame {
  int running = 0;
  std::deque<int> waiting;  // entered by the running one
  std::deque<int> pending;  // to run when it yields
};

class Coroutines {
 public:
  explicit Coroutines(const std::vector<Seen>& events) : events_(events) {
    for (const Seen& seen : events) {
      if (seen.what == CoroutineWhat::loop_thread) {
        homes_[static_cast<std::size_t>(seen.a)] = seen.thread;
      }
    }
  }

  Finding judge() {
    for (std::size_t at = 0; at < events_.size(); ++at) {
      if (Finding finding = see(at)) return finding;
    }
    for (const auto& [thread, frames] : frames_) {
      if (!frames.back().pending.empty()) {
        return broken("R87", coroutine(frames.back().pending.front()) +
                                 " was entered by another, which yielded, and does not run");
      }
    }
    for (int number = 1; number <= max_coroutines; ++number) {
      if (wakes_[static_cast<std::size_t>(number)].open) {
        return broken("R85", coroutine(number) + " was woken and never entered");
      }
    }
    return {};
  }

 private:
  struct Wake {
    bool open = false;  // not entered yet
    std::int64_t loop = 0;
    bool queued = false;    // by way of the loop's queue
    std::size_t began = 0;  // place among the events
    std::size_t returned = ~std::size_t{0};
  };

  Finding see(std::size_t at) {
    const Seen& seen = events_[at];
    std::vector<Frame>& frames = frames_[seen.thread];
    if (frames.empty()) frames.emplace_back();
    Frame& frame = frames.back();
    Wake& wake = wakes_[static_cast<std::size_t>(seen.index)];
    switch (seen.what) {
      case CoroutineWhat::wake: {
        const bool here = seen.thread == home_of(seen.a);
        wake = {true, seen.a, seen.b == by_schedule || !here, at};
        calls_[seen.thread].push_back(at);
        if (!wake.queued && seen.b == by_enter_inside) frame.waiting.push_back(seen.index);
        return {};
      }
      case CoroutineWhat::woken:
        return woken(at, wake);
      case CoroutineWhat::resumed:
        return resumed(at, frame, wake);
      case CoroutineWhat::moving:
        wake = {true, seen.a, false, at};
        [[fallthrough]];
      case CoroutineWhat::suspended:
        frame.waiting.insert(frame.waiting.end(), frame.pending.begin(), frame.pending.end());
        frame.pending.swap(frame.waiting);
        frame.waiting.clear();
        frame.running = 0;
        return {};
      case CoroutineWhat::poll:
        frames.emplace_back();
        return {};
      case CoroutineWhat::polled:
        frames.pop_back();
        return {};
      default:
        return {};
    }
  }

  std::uint64_t home_of(std::int64_t loop) const { return homes_[static_cast<std::size_t>(loop)]; }

  Finding woken(std::size_t at, Wake& wake) {
    const Seen& seen = events_[at];
    std::vector<std::size_t>& calls = calls_[seen.thread];
    const bool latest = wake.began == calls.back();  // it may have been woken again meanwhile
    calls.pop_back();
    if (!latest) return {};
    wake.returned = at;
    if (seen.b == by_enter && seen.thread == home_of(seen.a) && wake.open) {
      return broken("R87", coroutine(seen.index) + " was entered outside of any and did not run");
    }
    return {};
  }

  Finding resumed(std::size_t at, Frame& frame, Wake& wake) {
    const Seen& seen = events_[at];
    const std::string who = coroutine(seen.index);
    if (!wake.open) return broken("R85", who + " was entered twice for one wake");
    wake.open = false;
    if (seen.thread != home_of(wake.loop)) {
      return broken("R85", who + " runs in another thread than its loop's home");
    }
    if (seen.b == 0) return broken("R85", who + " does not see what its waker wrote");
    if (seen.a == 0) return broken("R87", who + " takes another loop for the one that it runs in");
    if (frame.running != 0) {
      return broken("R87", who + " was entered while " + coroutine(frame.running) + " runs");
    }
    if (!frame.pending.empty()) {
      if (frame.pending.front() != seen.index) {
        return broken("R87", who + " runs before " + coroutine(frame.pending.front()) +
                                 ", which the one that has yielded had entered");
      }
      frame.pending.pop_front();
    }
    frame.running = seen.index;
    return wake.queued ? fifo(seen.index, wake) : Finding{};
  }

  /// Nobody whose schedule had returned before this one's began may still wait.
  Finding fifo(int number, const Wake& wake) const {
    for (int other = 1; other <= max_coroutines; ++other) {
      const Wake& earlier = wakes_[static_cast<std::size_t>(other)];
      if (earlier.open && earlier.queued && earlier.loop == wake.loop &&
          earlier.returned < wake.began) {
        return broken("R85", coroutine(number) + " was entered before " + coroutine(other) +
                                 ", which had been scheduled to that loop first");
      }
    }
    return {};
  }

  const std::vector<Seen>& events_;
  std::array<std::uint64_t, max_loop_threads + 1> homes_{};
  std::array<Wake, max_coroutines + 1> wakes_{};
  std::map<std::uint64_t, std::vector<Frame>> frames_;
  std::map<std::uint64_t, std::vector<std::size_t>> calls_;  // wakes that have not returned
};

}  // namespace

Finding coroutines(const std::vector<Event<CoroutineWhat>>& events) {
  return Coroutines(events).judge();
}

}  // namespace properties::oracles
