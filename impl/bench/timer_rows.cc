// timer/live:N: one more timer is started and cancelled while N are live, none of them near its
// time. Their deadlines are spread over an hour, in no order.
#include <deque>
#include <random>
#include <vector>

#include "rows.h"

namespace bench {

namespace {

constexpr std::int64_t hour_ns = 3'600'000'000'000;

std::vector<std::int64_t> delays(std::size_t wanted) {
  std::mt19937_64 random(wanted);
  std::vector<std::int64_t> result(wanted);
  for (auto& delay : result) delay = hour_ns + static_cast<std::int64_t>(random() % hour_ns);
  return result;
}

void nothing(void*) {}

template <class Loop>
void start_and_cancel(benchmark::State& state, std::int64_t live) {
  Loop loop;
  {
    std::deque<typename Loop::Timer> timers;
    for (const std::int64_t delay : delays(static_cast<std::size_t>(live))) {
      timers.emplace_back(loop, nothing, nullptr).start(delay);
    }
    loop.poll();
    typename Loop::Timer one_more(loop, nothing, nullptr);
    const std::vector<std::int64_t> wanted = delays(1024);
    std::size_t i = 0;
    for (auto _ : state) {
      one_more.start(wanted[i++ % wanted.size()]);
      one_more.cancel();
      if (i % 64 == 0) loop.settle();
    }
    state.SetItemsProcessed(state.iterations());
    for (auto& timer : timers) timer.cancel();
  }
  loop.settle();
}

}  // namespace

void register_timer_rows() {
  for_each_loop<AioEpoll, UvLoop, GlibLoop, LibeventLoop, AsioLoop>([]<class Loop>() {
    for (const std::int64_t live : {10, 100, 1'000, 10'000, 100'000}) {
      benchmark::RegisterBenchmark(
          row_name("timer/live", live, Loop::name).c_str(),
          [live](benchmark::State& state) { start_and_cancel<Loop>(state, live); });
    }
  });
}

}  // namespace bench
