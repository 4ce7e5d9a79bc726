// What the engine is measured with. Compiled with the hooks; the bench calls it inside a world.
#include "scenario.h"

#include <atomic>
#include <thread>

namespace {

struct Shared {
  std::atomic<int> flag{0};
  std::atomic<int> counter{0};
  std::atomic<int> turn{0};
};

// A read-modify-write, a release store, an acquire load and a seq_cst store, on locations that
// all threads write.
void work(Shared& shared, int self, int rounds) {
  for (int i = 0; i < rounds; ++i) {
    shared.counter.fetch_add(1, std::memory_order_relaxed);
    shared.flag.store(self, std::memory_order_release);
    shared.turn.load(std::memory_order_acquire);
    shared.turn.store(i, std::memory_order_seq_cst);
  }
}

void run(int rounds) {
  Shared shared;
  std::thread a(work, std::ref(shared), 1, rounds);
  std::thread b(work, std::ref(shared), 2, rounds);
  work(shared, 0, rounds);
  a.join();
  b.join();
  static_cast<void>(shared.flag.load());
}

constexpr BenchScenario scenario{run};

}  // namespace

extern "C" {
extern const BenchScenario* const aiosim_backend;
const BenchScenario* const aiosim_backend = &scenario;
}
