// The reduction against the naive search, on random programs: of up to three threads with a few
// operations each on atomics, fences, a mutex, a condition, event descriptors and an epoll. Both
// must come to the same outcomes: what each thread read, the final values, the verdict. The naive
// search does without what else makes a search smaller: no thread that tries again is given up,
// and in every other program a wait begins by itself.
//
// AIOSIM_PROGRAMS and AIOSIM_FIRST_PROGRAM say how many programs, from which.
#include <gtest/gtest.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "aiosim/exhaustive.h"
#include "aiosim/observe.h"
#include "test/hooks.h"
#include "test/random_programs.h"

namespace aiosim {
namespace {

// --- running one ------------------------------------------------------------------------------

/// What the threads of the run under way share. Its code is not instrumented: only operations are
/// seen.
struct Shared {
  struct alignas(64) Cell {
    std::uint32_t value;
  };
  std::array<Cell, 4> cells;  // the last is plain
  pthread_mutex_t mutex;
  pthread_cond_t condition;
  std::array<int, 2> fds;
  int epoll;
  std::array<std::array<std::uint32_t, 16>, 3> reads;
  std::array<std::uint32_t, 3> read_count;
};
Shared g;

class Interpreter {
 public:
  explicit Interpreter(std::size_t thread) : thread_(thread) {}

  void run(const std::vector<Op>& ops) {
    for (const Op& op : ops) {
      if (op.type == Op::if_read && last_ == 0) break;
      if (op.type <= Op::plain_write) {
        memory(op);
      } else {
        call(op);
      }
    }
  }

  static void watch(std::size_t fd, std::uint32_t value, bool exclusive = false) {
    epoll_event event{value == 1 ? EPOLLIN : EPOLLIN | EPOLLET, {}};
    if (exclusive) event.events |= EPOLLEXCLUSIVE;
    event.data.u32 = static_cast<std::uint32_t>(fd);
    epoll_ctl(g.epoll, EPOLL_CTL_ADD, g.fds[fd], &event);
  }

 private:
  void got(std::uint32_t value) {
    last_ = value;
    g.reads[thread_][g.read_count[thread_]++] = value;
  }

  static int failure_of(int order) {
    return order == acq_rel ? acquire : order == release ? relaxed : order;
  }

  void memory(const Op& op) {
    std::uint32_t* at = &g.cells[op.at].value;
    std::uint32_t expected = op.value - 1;
    switch (op.type) {
      case Op::load:
        return got(__tsan_atomic32_load(at, op.order));
      case Op::store:
        return __tsan_atomic32_store(at, op.value, op.order);
      case Op::add:
        return got(__tsan_atomic32_fetch_add(at, op.value, op.order));
      case Op::exchange:
        return got(__tsan_atomic32_exchange(at, op.value, op.order));
      case Op::strong:
        __tsan_atomic32_compare_exchange_strong(at, &expected, op.value, op.order,
                                                failure_of(op.order));
        return got(expected);
      case Op::weak:
        got(static_cast<std::uint32_t>(__tsan_atomic32_compare_exchange_weak(
            at, &expected, op.value, op.order, failure_of(op.order))));
        return;
      case Op::until_added:
      case Op::count_tries:
        return add_in_loop(op);
      case Op::fence:
        return __tsan_atomic_thread_fence(op.order);
      case Op::plain_read:
        __tsan_read4(&g.cells[3].value);
        return got(g.cells[3].value);
      default:
        __tsan_write4(&g.cells[3].value);
        g.cells[3].value = op.value;
        return;
    }
  }

  // Fewer than those after which a thread spins.
  static constexpr std::uint32_t most_tries = 3;

  void add_in_loop(const Op& op) {
    if (op.type == Op::count_tries) sched_yield();  // what it read before is no part of spinning
    std::uint32_t* at = &g.cells[op.at].value;
    std::uint32_t expected = __tsan_atomic32_load(at, relaxed);
    std::uint32_t tries = 1;
    while (!__tsan_atomic32_compare_exchange_weak(at, &expected, expected + op.value, op.order,
                                                  failure_of(op.order))) {
      if (op.type == Op::count_tries && ++tries == most_tries) break;
    }
    got(expected);
    if (op.type == Op::count_tries) {
      got(tries);
      sched_yield();
    }
  }

  void call(const Op& op) {
    std::uint64_t count = op.value;
    switch (op.type) {
      case Op::lock:
        pthread_mutex_lock(&g.mutex);
        holds_ = true;
        return;
      case Op::try_lock:
        if (holds_) return;
        holds_ = pthread_mutex_trylock(&g.mutex) == 0;
        got(holds_);
        if (holds_) pthread_mutex_unlock(&g.mutex);
        holds_ = false;
        return;
      case Op::unlock:
        pthread_mutex_unlock(&g.mutex);
        holds_ = false;
        return;
      case Op::wait:
        pthread_cond_wait(&g.condition, &g.mutex);
        return;
      case Op::signal:
        pthread_cond_signal(&g.condition);
        return;
      case Op::broadcast:
        pthread_cond_broadcast(&g.condition);
        return;
      case Op::write_fd:
        if (::write(g.fds[op.at % 2], &count, sizeof count) < 0) got(99);
        return;
      case Op::read_fd:
        got(::read(g.fds[op.at % 2], &count, sizeof count) < 0 ? 98u
                                                               : static_cast<std::uint32_t>(count));
        return;
      case Op::add_fd:
        return watch(op.at % 2, op.value, op.order == acq_rel);
      case Op::wait_fd:
        return wait_for_fds(op.at == 0 ? -1 : 0);
      case Op::yield:
        sched_yield();
        return;
      default:
        return;
    }
  }

  // Which of them, in the kernel's order.
  void wait_for_fds(int timeout_ms) {
    epoll_event events[2];
    const int count = epoll_wait(g.epoll, events, 2, timeout_ms);
    std::uint32_t seen = 0;
    for (int i = 0; i < count; ++i) seen = 10 * seen + 1 + events[i].data.u32;
    got(seen);
  }

  std::size_t thread_;
  std::uint32_t last_ = 1;
  bool holds_ = false;
};

void run_threads(const Threads& threads) {
  const UnderTestScope scope;
  for (Shared::Cell& cell : g.cells) cell.value = 0;
  g.mutex = PTHREAD_MUTEX_INITIALIZER;
  g.condition = PTHREAD_COND_INITIALIZER;
  g.read_count = {};
  for (int& fd : g.fds) fd = ::eventfd(0, threads.size() == 2 ? EFD_NONBLOCK : 0);
  g.epoll = ::epoll_create1(0);
  Interpreter::watch(0, 1);
  if (threads[0].size() % 2 == 0) Interpreter::watch(1, 1 + threads[1].size() % 2);
  std::array<std::thread, 3> running;
  for (std::size_t i = 0; i < threads.size(); ++i) {
    running[i] = std::thread([i, &threads] { Interpreter(i).run(threads[i]); });
  }
  for (std::size_t i = 0; i < threads.size(); ++i) running[i].join();
}

// Which of two plain accesses a race is reported at is not a matter of operations' order.
std::string outcome(const RunResult& run) {
  std::string text(name(run.verdict.kind));
  if (run.verdict.kind == VerdictKind::data_race) return text;
  for (std::size_t i = 0; i < 3; ++i) {
    text += '|';
    for (std::size_t k = 0; k < g.read_count[i]; ++k) text += std::to_string(g.reads[i][k]) + ' ';
  }
  for (const Shared::Cell& cell : g.cells) text += ' ' + std::to_string(cell.value);
  return text;
}

/// The first thread only creates and joins the others: when does not matter, so that the naive
/// search need not try it all.
class FirstThreadFirst final : public Chooser {
 public:
  explicit FirstThreadFirst(Chooser& inner) : inner_(inner) {}
  void begin() override { inner_.begin(); }
  std::uint32_t choose(const Question& question) override {
    const auto& threads = question.threads;
    const auto first = std::find(threads.begin(), threads.end(), 0u);
    if (first == threads.end()) return inner_.choose(question);
    return static_cast<std::uint32_t>(first - threads.begin());
  }

 private:
  Chooser& inner_;
};

struct Found {
  ExhaustiveResult result;
  std::set<std::string> outcomes;
  std::set<std::uint64_t> behaviours;
};

Found search(const Threads& threads, bool reduction, std::uint64_t limit, bool waits_unseen) {
  const auto body = [&] { run_threads(threads); };
  Found found;
  ExhaustiveOptions options;
  options.reduction = reduction;
  options.max_executions = limit;
  const auto run_once = [&](Chooser& chooser) {
    FirstThreadFirst first(chooser);
    RunOptions run_options = exhaustive_run_options();
    run_options.spin_blocks = reduction;
    run_options.waits_unseen = waits_unseen;
    return run(body, reduction ? chooser : first, run_options);
  };
  found.result = search_exhaustively(run_once, options, [&](const RunResult& run) {
    found.outcomes.insert(outcome(run));
    found.behaviours.insert(run.behaviour);
    return true;
  });
  return found;
}

std::string listed(const std::set<std::string>& set, const std::set<std::string>& without) {
  std::string text;
  for (const std::string& one : set) {
    if (!without.contains(one)) text += "\n  " + one;
  }
  return text;
}

std::uint64_t from_environment(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text != nullptr ? std::strtoull(text, nullptr, 10) : otherwise;
}

TEST(ExhaustiveRandom, the_reduction_comes_to_the_outcomes_of_the_naive_search) {
  const std::uint64_t first = from_environment("AIOSIM_FIRST_PROGRAM", 0);
  const std::uint64_t programs = from_environment("AIOSIM_PROGRAMS", 1500);
  const std::uint64_t limit = from_environment("AIOSIM_EXECUTIONS", 3000);
  std::uint64_t compared = 0, naive_runs = 0, reduced_runs = 0, cut = 0, behaviours = 0;
  int wrong = 0;
  for (std::uint64_t i = first; i < first + programs && wrong < 5; ++i) {
    const Threads threads = Generator(i).program();
    const Found naive = search(threads, false, limit, i % 2 == 0);
    if (naive.result.end != ExhaustiveResult::End::complete) continue;
    const Found reduced = search(threads, true, 100 * limit, true);
    ++compared;
    naive_runs += naive.result.done.executions;
    reduced_runs += reduced.result.done.executions;
    cut += reduced.result.done.cut;
    behaviours += naive.behaviours.size();
    if (naive.outcomes == reduced.outcomes) continue;
    ++wrong;
    ADD_FAILURE() << "program " << i << ": " << text_of(threads)
                  << "\nnaive only: " << listed(naive.outcomes, reduced.outcomes)
                  << "\nreduced only: " << listed(reduced.outcomes, naive.outcomes) << '\n'
                  << naive.result.text << " / " << reduced.result.text;
  }
  std::printf("%lu programs compared: %lu executions, reduced to %lu and %lu cut; %lu behaviours\n",
              compared, naive_runs, reduced_runs, cut, behaviours);
  EXPECT_GT(compared, programs / 4);
}

}  // namespace
}  // namespace aiosim
