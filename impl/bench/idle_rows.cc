// idle/Ns: nothing happens for N seconds: what that costs, in CPU time and in wake-ups (voluntary
// switches of the thread). All loops idle at the same time, each in a thread of its own.
//
// Subjects called "...-polled" poll busily for at most 1 ms before they sleep, and have something
// to poll, which is never ready.
#include <sys/resource.h>
#include <time.h>

#include <atomic>
#include <deque>
#include <memory>
#include <sstream>
#include <string>
#include <thread>

#include "rows.h"

namespace bench {

namespace {

constexpr std::int64_t longest_poll_ns = 1'000'000;

struct Cost {
  double cpu_us = 0;
  double wakeups = 0;
};

Cost cost_of_this_thread() {
  timespec cpu{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &cpu);
  rusage usage{};
  getrusage(RUSAGE_THREAD, &usage);
  return {static_cast<double>(cpu.tv_sec) * 1e6 + static_cast<double>(cpu.tv_nsec) * 1e-3,
          static_cast<double>(usage.ru_nvcsw)};
}

/// A loop with nothing to do, in a thread of its own.
class Idler {
 public:
  explicit Idler(std::string shown_as) : name(std::move(shown_as)) {}
  virtual ~Idler() = default;
  virtual void stop() = 0;

  const std::string name;
  std::atomic<bool> asleep{false};
  Cost cost;
};

template <class Loop>
class IdlerOf : public Idler {
 public:
  IdlerOf(const char* suffix, std::int64_t poll_max_ns)
      : Idler(std::string(Loop::name) + suffix),
        thread_([this, poll_max_ns] { run(poll_max_ns); }) {}
  void stop() override {
    stop_.store(true);
    task_->schedule();
    woken_.store(true);
    thread_.join();
  }

 private:
  void run(std::int64_t poll_max_ns) {
    if constexpr (requires { Loop(poll_max_ns); }) {
      Loop loop(poll_max_ns);
      aio::FdCallbacks polled;
      polled.io_read = clear;
      polled.io_poll = [](void*) { return false; };
      polled.io_poll_ready = clear;
      polled.opaque = &event_;
      if (poll_max_ns != 0) loop.context.set_fd_handler(event_.fd(), polled);
      event_.set();
      idle(loop);
    } else {
      Loop loop;
      idle(loop);
    }
  }

  static void clear(void* event) { static_cast<aio::EventNotifier*>(event)->test_and_clear(); }

  void idle(Loop& loop) {
    {
      typename Loop::Task task(
          loop, [](void*) {}, nullptr);
      task_ = &task;
      for (int i = 0; i < 4; ++i) loop.poll();
      const Cost before = cost_of_this_thread();
      asleep.store(true);
      while (!stop_.load()) loop.wait();
      const Cost after = cost_of_this_thread();
      cost = {after.cpu_us - before.cpu_us, after.wakeups - before.wakeups};
      while (!woken_.load()) std::this_thread::yield();  // the task is in use until then
    }
    loop.settle();
  }

  std::atomic<bool> stop_{false};
  std::atomic<bool> woken_{false};
  typename Loop::Task* task_ = nullptr;
  aio::EventNotifier event_;
  std::thread thread_;
};

void idle(benchmark::State& state, double seconds) {
  std::deque<std::unique_ptr<Idler>> idlers;
  for_each_own_loop([&]<class Loop>() {
    idlers.push_back(std::make_unique<IdlerOf<Loop>>("", 0));
    idlers.push_back(std::make_unique<IdlerOf<Loop>>("-polled", longest_poll_ns));
  });
  for_each_loop<UvLoop, GlibLoop, LibeventLoop, AsioLoop, BareEpoll>(
      [&]<class Loop>() { idlers.push_back(std::make_unique<IdlerOf<Loop>>("", 0)); });
  for (const auto& idler : idlers) {
    while (!idler->asleep.load()) std::this_thread::yield();
  }
  for (auto _ : state) {
    const auto whole = static_cast<time_t>(seconds);
    const timespec wanted{whole, static_cast<long>((seconds - static_cast<double>(whole)) * 1e9)};
    clock_nanosleep(CLOCK_MONOTONIC, 0, &wanted, nullptr);
  }
  for (const auto& idler : idlers) {
    idler->stop();
    state.counters["row:cpu_us@" + idler->name] = idler->cost.cpu_us;
    state.counters["row:wakeups@" + idler->name] = idler->cost.wakeups;
  }
}

}  // namespace

void register_idle_rows(double seconds) {
  std::ostringstream name;
  name << "idle/" << seconds << 's';
  benchmark::RegisterBenchmark(
      name.str().c_str(), [seconds](benchmark::State& state) { idle(state, seconds); })
      ->Iterations(1);
}

}  // namespace bench
