// notify/STATE/gap:N: another thread asks for a call. Time from the request until the call begins
// in the loop's thread, of which the row gives p50, p90 and p99; and the writes (of an event fd, a
// pipe) per request. The next request comes N us after the call was seen.
//
//   asleep     the loop waits in the kernel (with a small gap: is on its way there)
//   running    the loop polls again and again without waiting
//   polling    the loop polls busily before it sleeps, for longer than the gap
#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "percentiles.h"
#include "rows.h"

namespace bench {

namespace {

enum class State { asleep, running, polling };

/// A thread that runs a loop, and one task of it that tells when it was called.
template <class Loop>
class Notified {
 public:
  explicit Notified(State state) : thread_([this, state] { run(state); }) {
    while (!running_.load()) std::this_thread::yield();
  }
  ~Notified() {
    stop_.store(true);
    task_->schedule();
    woken_.store(true);
    thread_.join();
  }
  Notified(const Notified&) = delete;
  Notified& operator=(const Notified&) = delete;

  /// ns from the request to the call.
  std::int64_t notify() {
    called_ns_.store(0, std::memory_order_relaxed);
    const std::int64_t asked_ns = aio::now_ns();
    task_->schedule();
    std::int64_t called_ns = 0;
    while ((called_ns = called_ns_.load(std::memory_order_acquire)) == 0) {
    }
    return called_ns - asked_ns;
  }

 private:
  static Loop* make(State state) {
    if constexpr (requires(Loop loop) { loop.context.set_poll_max_ns(0); }) {
      return new Loop(state == State::polling ? longest_poll_ns : 0);
    } else {
      return new Loop;
    }
  }

  void run(State state) {
    const std::unique_ptr<Loop> loop(make(state));
    {
      typename Loop::Task task(*loop, called, this);
      task_ = &task;
      running_.store(true);
      while (!stop_.load(std::memory_order_relaxed)) turn(*loop, state);
      while (!woken_.load()) std::this_thread::yield();  // the task is in use until then
    }
    loop->settle();
  }

  static void turn(Loop& loop, State state) {
    if constexpr (requires { loop.wait(); }) {
      if (state != State::running) return loop.wait();
    }
    loop.poll();
  }

  static void called(void* self) {
    static_cast<Notified*>(self)->called_ns_.store(aio::now_ns(), std::memory_order_release);
  }

  static constexpr std::int64_t longest_poll_ns = 100'000'000;

  std::atomic<std::int64_t> called_ns_{0};
  std::atomic<bool> running_{false};
  std::atomic<bool> stop_{false};
  std::atomic<bool> woken_{false};
  typename Loop::Task* task_ = nullptr;
  std::thread thread_;
};

template <class Loop>
void notify(benchmark::State& state, State loop_state, std::int64_t gap_us) {
  Notified<Loop> loop(loop_state);
  sample(state, gap_us, [&] { return loop.notify(); });
}

template <class Loop>
void add(const char* name, State loop_state) {
  for (const std::int64_t gap_us : {0, 10, 100, 1000}) {
    benchmark::RegisterBenchmark(
        row_name(std::string("notify/") + name + "/gap", gap_us, Loop::name).c_str(),
        [=](benchmark::State& state) { notify<Loop>(state, loop_state, gap_us); })
        ->Iterations(1);
  }
}

}  // namespace

void register_notify_rows() {
  const auto asleep = []<class Loop>() { add<Loop>("asleep", State::asleep); };
  const auto running = []<class Loop>() { add<Loop>("running", State::running); };
  const auto polling = []<class Loop>() { add<Loop>("polling", State::polling); };
  for_each_full_loop(asleep);
  for_each_loop<BareEpoll>(asleep);
  for_each_full_loop(running);
  for_each_loop<BareEpoll, BareList>(running);
  for_each_own_loop(polling);
}

}  // namespace bench
