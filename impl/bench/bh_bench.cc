// Bottom halves on the real kernel: one of N created is scheduled and run; next to it a bare
// multi-producer list, push and drain (DESIGN.md section 9, row 3). Ratios are what counts.
#include <benchmark/benchmark.h>

#include <atomic>
#include <vector>

#include "aio/context.h"

namespace {

void count(void* calls) { ++*static_cast<std::int64_t*>(calls); }

// `batch` of the `created` are scheduled, then one non-blocking poll runs them.
void schedule_and_run(benchmark::State& state) {
  const auto created = static_cast<std::size_t>(state.range(0));
  const auto batch = static_cast<std::size_t>(state.range(1));
  aio::Context context;
  std::int64_t calls = 0;
  std::vector<aio::BottomHalf*> bhs(created);
  for (auto& bh : bhs) bh = context.new_bh(count, &calls);
  for (auto _ : state) {
    for (std::size_t i = 0; i < batch; ++i) bhs[i]->schedule();
    context.poll(false);
  }
  state.SetItemsProcessed(calls);
  if (calls != static_cast<std::int64_t>(batch) * state.iterations()) {
    state.SkipWithError("a bottom half was lost");
  }
  for (auto* bh : bhs) bh->delete_();
  context.poll(false);
}

struct Node {
  Node* next = nullptr;
};

void bare_push_and_drain(benchmark::State& state) {
  const auto batch = static_cast<std::size_t>(state.range(0));
  std::atomic<Node*> head{nullptr};
  std::vector<Node> nodes(batch);
  std::int64_t calls = 0;
  for (auto _ : state) {
    for (Node& node : nodes) {
      node.next = head.load(std::memory_order_relaxed);
      while (!head.compare_exchange_weak(node.next, &node, std::memory_order_release,
                                         std::memory_order_relaxed)) {
      }
    }
    for (Node* node = head.exchange(nullptr, std::memory_order_acquire); node != nullptr;
         node = node->next) {
      ++calls;
    }
    benchmark::DoNotOptimize(calls);
  }
  state.SetItemsProcessed(calls);
}

BENCHMARK(bare_push_and_drain)->Arg(1)->Arg(1000);
BENCHMARK(schedule_and_run)
    ->ArgNames({"created", "batch"})
    ->Args({10, 1})
    ->Args({1'000'000, 1})
    ->Args({1'000, 1'000})
    ->Args({1'000'000, 1'000});

}  // namespace

BENCHMARK_MAIN();
