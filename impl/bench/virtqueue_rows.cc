// virtqueue/HOW: a guest thread adds a buffer, kicks and spins until it is given back; 10 us later
// the next. Round trip times; the writes are the kicks.
//
//   blocking    the loop sleeps in the kernel between two kicks
//   polling     the loop polls the ring; kicks are suppressed
#include <atomic>
#include <thread>

#include "aio/virtqueue.h"
#include "percentiles.h"
#include "rows.h"

namespace bench {

namespace {

/// A thread that serves a ring: each buffer goes back as it came.
template <class Loop>
class Device {
 public:
  Device(aio::VirtqueueRing& ring, std::int64_t poll_max_ns)
      : thread_([this, &ring, poll_max_ns] { run(ring, poll_max_ns); }) {
    while (context_.load() == nullptr) std::this_thread::yield();
  }
  ~Device() {
    stop_.store(true);
    context_.load()->notify();
    woken_.store(true);
    thread_.join();
  }
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;

 private:
  void run(aio::VirtqueueRing& ring, std::int64_t poll_max_ns) {
    Loop loop(poll_max_ns);
    aio::Virtqueue queue(ring);
    queue.attach(loop.context, serve, &queue);
    context_.store(&loop.context);
    while (!stop_.load(std::memory_order_relaxed)) loop.wait();
    while (!woken_.load()) std::this_thread::yield();  // the context is in use until then
  }

  static void serve(void* opaque) {
    auto& queue = *static_cast<aio::Virtqueue*>(opaque);
    while (const auto element = queue.pop()) queue.push(element->id, element->buffer.size);
    queue.notify_driver();
  }

  std::atomic<aio::Context*> context_{nullptr};
  std::atomic<bool> stop_{false};
  std::atomic<bool> woken_{false};
  std::thread thread_;
};

template <class Loop>
void round_trip(benchmark::State& state, std::int64_t poll_max_ns) {
  aio::VirtqueueRing ring(64);
  Device<Loop> device(ring, poll_max_ns);
  aio::VirtqueueDriver driver(ring);
  driver.suppress_calls();
  sample(state, 10, [&] {
    char data = 0;
    const std::int64_t start_ns = aio::now_ns();
    driver.add(&data, 1);
    driver.kick();
    while (!driver.take_used()) {
    }
    return aio::now_ns() - start_ns;
  });
}

template <class Loop>
void add(const std::string& name, std::int64_t poll_max_ns) {
  benchmark::RegisterBenchmark((name + "@" + Loop::name).c_str(), [poll_max_ns](
                                                                      benchmark::State& state) {
    round_trip<Loop>(state, poll_max_ns);
  })->Iterations(1);
}

}  // namespace

void register_virtqueue_rows() {
  for_each_own_loop([]<class Loop>() {
    add<Loop>("virtqueue/blocking", 0);
    add<Loop>("virtqueue/polling", 100'000'000);
  });
}

}  // namespace bench
