// Every execution of the smallest program that a loop is for: producers schedule a bottom half
// each, which notifies, and home polls, blocking, until all of them have run. Nothing of the
// harness is shared between threads, and nothing reads a clock. The program ends there: the loop is
// left to the run's end, as its destruction takes atomic steps that no other thread can see.
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <string>
#include <thread>

#include "aiosim/exhaustive.h"
#include "aiosim/module.h"
#include "aiosim/observe.h"
#include "properties/backend.h"

namespace properties {
namespace {

using aiosim::ExhaustiveOptions;
using aiosim::ExhaustiveResult;
using aiosim::VerdictKind;

constexpr std::size_t most_producers = 2;

/// Producers and home.
class Program {
 public:
  Program(const std::string& backend, std::size_t producers)
      : module_(std::string(AIOSIM_MODULE_DIR) + '/' + backend + ".so", "aiosim_backend"),
        backend_(*static_cast<const BackendModule*>(module_.entry())),
        producers_(producers) {}

  void run() {
    const aiosim::UnderTestScope scope;
    calls_ = 0;
    Loop* loop = backend_.create({});
    std::array<Bh*, most_producers> bhs{};
    for (std::size_t i = 0; i < producers_; ++i) {
      bhs[i] = loop->new_bh([](void* calls) { ++*static_cast<std::size_t*>(calls); }, &calls_);
    }
    std::array<std::thread, most_producers> threads;
    for (std::size_t i = 0; i < producers_; ++i) {
      threads[i] = std::thread([loop, bh = bhs[i]] { loop->schedule(bh); });
    }
    while (calls_ < producers_) loop->poll(true);
    for (std::size_t i = 0; i < producers_; ++i) threads[i].join();
  }

  bool is_done() const { return calls_ == producers_; }

 private:
  aiosim::Module module_;
  const BackendModule& backend_;
  const std::size_t producers_;
  std::size_t calls_ = 0;
};

/// One home thread and another (hand_over.cc).
class HandOver {
 public:
  explicit HandOver(bool release) : module_(HAND_OVER, "aiosim_backend"), release_(release) {}

  void run() {
    const aiosim::UnderTestScope scope;
    calls_ = (*static_cast<int (*const*)(bool)>(module_.entry()))(release_);
  }

  bool is_done() const { return calls_ == 1; }

 private:
  aiosim::Module module_;
  const bool release_;
  int calls_ = 0;
};

struct Found {
  ExhaustiveResult result;
  VerdictKind verdict = VerdictKind::pass;
  std::string text;
};

template <typename AnyProgram>
Found search(const std::string& name, AnyProgram program, const ExhaustiveOptions& options) {
  const auto one = [&](aiosim::Chooser& chooser) {
    aiosim::RunOptions run = aiosim::exhaustive_run_options();
    run.leaks = false;
    return aiosim::run([&] { program.run(); }, chooser, run);
  };
  Found found;
  found.result = aiosim::search_exhaustively(one, options, [&](const aiosim::RunResult& run) {
    found.verdict = run.verdict.kind;
    found.text = run.verdict.text;
    return run.verdict.passed() && program.is_done();
  });
  std::printf("%s: %s, %llu cut\n", name.c_str(), found.result.text.c_str(),
              static_cast<unsigned long long>(found.result.done.cut));
  return found;
}

Found search(const std::string& backend, std::size_t producers, const ExhaustiveOptions& options) {
  return search(backend + ", " + std::to_string(producers) + " producers",
                Program(backend, producers), options);
}

TEST(ExhaustiveLoop, the_correct_loop_is_searched_to_the_end) {
  for (std::size_t producers = 1; producers <= most_producers; ++producers) {
    const Found found = search("reference-epoll", producers, {});
    EXPECT_EQ(found.verdict, VerdictKind::pass) << found.text;
    EXPECT_EQ(found.result.end, ExhaustiveResult::End::complete) << found.result.text;
    EXPECT_FALSE(found.result.spurious_limited) << found.result.text;
  }
}

TEST(ExhaustiveLoop, even_one_producer_is_beyond_the_naive_search) {
  ExhaustiveOptions options;
  options.reduction = false;
  options.max_executions = 20'000;
  for (std::size_t producers = 1; producers <= most_producers; ++producers) {
    const Found found = search("reference-epoll", producers, options);
    EXPECT_EQ(found.verdict, VerdictKind::pass) << found.text;
    EXPECT_EQ(found.result.end, ExhaustiveResult::End::limit) << found.result.text;
  }
}

TEST(ExhaustiveLoop, without_the_barrier_after_notify_me_a_deadlock_is_found) {
  for (std::size_t producers = 1; producers <= most_producers; ++producers) {
    const Found found = search("exhibits/skip_barrier_after_notify_me", producers, {});
    EXPECT_EQ(found.result.end, ExhaustiveResult::End::stopped) << found.result.text;
    EXPECT_EQ(found.verdict, VerdictKind::deadlock) << found.text;
  }
}

TEST(ExhaustiveLoop, home_is_handed_over_and_its_old_thread_schedules) {
  const Found found = search("hand over", HandOver(true), {});
  EXPECT_EQ(found.verdict, VerdictKind::pass) << found.text;
  EXPECT_EQ(found.result.end, ExhaustiveResult::End::complete) << found.result.text;
}

TEST(ExhaustiveLoop, who_binds_before_the_old_thread_has_released_races_with_it) {
  const Found found = search("taken over", HandOver(false), {});
  EXPECT_EQ(found.result.end, ExhaustiveResult::End::stopped) << found.result.text;
  EXPECT_EQ(found.verdict, VerdictKind::data_race) << found.text;
}

}  // namespace
}  // namespace properties
