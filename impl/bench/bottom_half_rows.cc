// Bottom halves, or what each library has in their place: asked for and run in one thread.
//
//   bh/single        one exists, is scheduled and run
//   bh/batch:1000    1,000 exist, all are scheduled, then all are run
//   bh/one_of:N      N exist, one in the middle is scheduled and run (GLib and Asio keep nothing
//                    between two calls, so nothing can exist)
#include <deque>
#include <memory>

#include "rows.h"

namespace bench {

namespace {

template <class Loop>
void schedule_and_run(benchmark::State& state, std::int64_t created, std::int64_t batch) {
  Loop loop;
  std::int64_t calls = 0;
  {
    std::deque<typename Loop::Task> tasks;
    for (std::int64_t i = 0; i < created; ++i) tasks.emplace_back(loop, count, &calls);
    const auto first = tasks.begin() + (created - batch) / 2;
    for (auto _ : state) {
      auto task = first;
      for (std::int64_t i = 0; i < batch; ++i, ++task) task->schedule();
      loop.poll();
    }
    for (int i = 0; i < 100 && calls < batch * state.iterations(); ++i) loop.poll();
    expect_calls(state, calls, batch * state.iterations());
  }
  loop.settle();
}

template <class Loop>
void add(const std::string& name, std::int64_t created, std::int64_t batch) {
  benchmark::RegisterBenchmark(name.c_str(), [=](benchmark::State& state) {
    schedule_and_run<Loop>(state, created, batch);
  });
}

}  // namespace

void register_bottom_half_rows() {
  const auto single_and_batch = []<class Loop>() {
    add<Loop>(std::string("bh/single@") + Loop::name, 1, 1);
    add<Loop>(row_name("bh/batch", 1000, Loop::name), 1000, 1000);
  };
  for_each_full_loop(single_and_batch);
  for_each_loop<WalkLoop, BareList>(single_and_batch);

  const auto one_of_many = []<class Loop>() {
    for (const std::int64_t created : {10, 100, 1'000, 10'000, 100'000, 1'000'000}) {
      add<Loop>(row_name("bh/one_of", created, Loop::name), created, 1);
    }
  };
  for_each_own_loop(one_of_many);
  for_each_loop<UvLoop, LibeventLoop, WalkLoop>(one_of_many);
}

}  // namespace bench
