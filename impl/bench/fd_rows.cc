// Descriptors: N event fds are registered.
//
//   fd_dispatch/of:N     one in the middle becomes ready; a poll calls back, which reads it: a
//   write,
//                        the poll's system calls, a read
//   fd_register/of:N     one more is registered and taken away again
#include <deque>

#include "rows.h"

namespace bench {

namespace {

/// What every row of this file begins with.
template <class Loop>
struct WatchedFds {
  explicit WatchedFds(std::int64_t wanted) : events(static_cast<std::size_t>(wanted)) {
    for (auto& event : events) watches.emplace_back(loop, event.fd(), serve, &event);
    loop.poll();
    loop.poll();  // the epoll upgrade, what is registered late, and the like
  }
  ~WatchedFds() {
    watches.clear();
    loop.settle();
  }
  static void serve(void* event) { static_cast<aio::EventNotifier*>(event)->test_and_clear(); }

  Loop loop;
  std::deque<aio::EventNotifier> events;
  std::deque<typename Loop::Watch> watches;
};

template <class Loop>
void dispatch(benchmark::State& state, std::int64_t fds) {
  WatchedFds<Loop> watched(fds);
  aio::EventNotifier& event = watched.events[watched.events.size() / 2];
  for (auto _ : state) {
    event.set();
    watched.loop.poll();
  }
  state.SetItemsProcessed(state.iterations());
  if (event.test_and_clear()) state.SkipWithError("an event was not served");
}

template <class Loop>
void register_and_remove(benchmark::State& state, std::int64_t fds) {
  WatchedFds<Loop> watched(fds);
  aio::EventNotifier event;
  std::int64_t done = 0;
  for (auto _ : state) {
    { typename Loop::Watch watch(watched.loop, event.fd(), watched.serve, &event); }
    if (++done % 64 == 0) watched.loop.settle();
  }
  state.SetItemsProcessed(state.iterations());
}

}  // namespace

void register_fd_rows() {
  const auto rows = []<class Loop>() {
    for (const std::int64_t fds : {10, 100, 1'000, 9'000}) {
      benchmark::RegisterBenchmark(row_name("fd_dispatch/of", fds, Loop::name).c_str(),
                                   [fds](benchmark::State& state) { dispatch<Loop>(state, fds); });
      benchmark::RegisterBenchmark(
          row_name("fd_register/of", fds, Loop::name).c_str(),
          [fds](benchmark::State& state) { register_and_remove<Loop>(state, fds); });
    }
  };
  for_each_full_loop(rows);
  for_each_loop<BareEpoll>(rows);
}

}  // namespace bench
