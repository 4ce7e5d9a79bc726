// What the engine is measured with: three threads, about fifty atomic operations in all. Compiled
// with the hooks; the bench calls it inside a world.
#include <atomic>
#include <thread>

namespace {

struct Shared {
  std::atomic<int> flag{0};
  std::atomic<int> counter{0};
  std::atomic<int> turn{0};
};

void work(Shared& shared, int self) {
  for (int i = 0; i < 4; ++i) {
    shared.counter.fetch_add(1, std::memory_order_relaxed);
    shared.flag.store(self, std::memory_order_release);
    shared.turn.load(std::memory_order_acquire);
    shared.turn.store(i, std::memory_order_seq_cst);
  }
}

void run_scenario() {
  Shared shared;
  std::thread a(work, std::ref(shared), 1);
  std::thread b(work, std::ref(shared), 2);
  work(shared, 0);
  a.join();
  b.join();
  static_cast<void>(shared.flag.load());
}

}  // namespace

extern "C" {
extern void (*const aiosim_backend)();
void (*const aiosim_backend)() = run_scenario;
}
