#include "oracles/buffers.h"

#include <array>
#include <deque>
#include <string>

namespace properties::oracles {
namespace {

using Seen = Event<QueueWhat>;

std::string buffer(int number) { return "buffer " + std::to_string(number); }

class Buffers {
 public:
  Finding see(const Seen& seen) {
    switch (seen.what) {
      case QueueWhat::adding:
        added_.push_back(seen.index);
        return {};
      case QueueWhat::refused:
        added_.pop_back();
        return {};
      case QueueWhat::attached:
      case QueueWhat::detached:
        attached_ = seen.what == QueueWhat::attached;
        return {};
      case QueueWhat::handler:
        if (attached_) return {};
        return broken("R75", "the handler of a queue that was detached is called");
      case QueueWhat::popped:
        if (added_.empty() || added_.front() != seen.index) {
          return broken("R96", buffer(seen.index) + " was popped out of order, or twice");
        }
        added_.pop_front();
        ++with_device_;
        if (seen.a == 0) return broken("R96", buffer(seen.index) + " was popped with stale data");
        return {};
      case QueueWhat::used:
        if (--with_device_ < 0) return broken("R96", buffer(seen.index) + " came back twice");
        if (seen.a == 0) return broken("R96", buffer(seen.index) + " came back with stale data");
        return {};
      case QueueWhat::silent:
        return broken("S14.10", "the device asks for no kicks while its loop sleeps");
      case QueueWhat::end:
        if (added_.empty() && with_device_ == 0) return {};
        return broken("R96", "buffers did not come back");
    }
    return {};
  }

 private:
  std::deque<int> added_;  // not popped
  int with_device_ = 0;
  bool attached_ = false;
};

}  // namespace

Finding buffers(const std::vector<Event<QueueWhat>>& events) {
  Buffers state;
  for (const Seen& seen : events) {
    if (Finding finding = state.see(seen)) return finding;
  }
  return {};
}

}  // namespace properties::oracles
