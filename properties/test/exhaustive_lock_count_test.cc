// Every execution of two threads that use a lock count at once, weak memory included: no wake-up is
// lost (a deadlock), nothing is freed under a visitor (use after free, a data race), and in the end
// no visit is left. Three are too many for this: the property nothing_visited_is_freed draws them.
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "aiosim/exhaustive.h"
#include "aiosim/module.h"
#include "aiosim/observe.h"
#include "properties/backend.h"
#include "properties/parts.h"

namespace properties {
namespace {

using aiosim::ExhaustiveResult;
using aiosim::VerdictKind;
using Leave = Guarded::Leave;
using Act = std::function<void(Guarded&)>;

constexpr std::uint64_t before = 1;
constexpr std::uint64_t after = 2;
constexpr std::size_t most_threads = 2;

/// A visit that ends so.
Act visit(Leave how) {
  return [how](Guarded& guarded) {
    guarded.enter();
    const std::uint64_t value = guarded.look();
    EXPECT_TRUE(value == before || value == after) << value;
    guarded.leave(how);
  };
}

void replace(Guarded& guarded) { guarded.replace(after); }

struct Found {
  ExhaustiveResult result;
  VerdictKind verdict = VerdictKind::pass;
  std::string text;
};

Found search(const std::string& backend, const std::vector<Act>& acts) {
  aiosim::Module module(std::string(AIOSIM_MODULE_DIR) + '/' + backend + ".so", "aiosim_backend");
  const Parts& parts = *static_cast<const BackendModule*>(module.entry())->parts;
  std::uint32_t visits_left = 0;
  const auto program = [&] {
    const aiosim::UnderTestScope scope;
    Guarded* guarded = parts.make_guarded(before);
    std::array<std::thread, most_threads> threads;
    for (std::size_t i = 1; i < acts.size(); ++i) {
      threads[i] = std::thread([&, i] { acts[i](*guarded); });
    }
    acts[0](*guarded);
    for (std::size_t i = 1; i < acts.size(); ++i) threads[i].join();
    visits_left = guarded->visits();
    delete guarded;
  };
  const auto one = [&](aiosim::Chooser& chooser) {
    return aiosim::run(program, chooser, aiosim::exhaustive_run_options());
  };
  Found found;
  found.result = aiosim::search_exhaustively(one, {}, [&](const aiosim::RunResult& run) {
    found.verdict = run.verdict.kind;
    found.text = run.verdict.text;
    return run.verdict.passed() && visits_left == 0;
  });
  std::printf("%s, %zu threads: %s\n", backend.c_str(), acts.size(), found.result.text.c_str());
  return found;
}

void expect_complete(const std::vector<Act>& acts) {
  const Found found = search("reference-epoll", acts);
  EXPECT_EQ(found.verdict, VerdictKind::pass) << found.text;
  EXPECT_EQ(found.result.end, ExhaustiveResult::End::complete) << found.result.text;
}

TEST(ExhaustiveLockCount, two_threads_are_searched_to_the_end) {
  for (const Leave how : {Leave::plainly, Leave::if_alone, Leave::in_any_case}) {
    expect_complete({replace, visit(how)});
    expect_complete({visit(Leave::if_alone), visit(how)});
  }
  expect_complete({replace, replace});
}

TEST(ExhaustiveLockCount, what_was_taken_out_is_found) {
  EXPECT_EQ(search("exhibits/compare_with_what_is_there_now", {replace, replace}).verdict,
            VerdictKind::deadlock);
  const Found found =
      search("exhibits/begin_a_visit_beside_the_lock", {replace, visit(Leave::plainly)});
  EXPECT_EQ(found.result.end, ExhaustiveResult::End::stopped) << found.result.text;
  EXPECT_NE(found.verdict, VerdictKind::pass);
}

}  // namespace
}  // namespace properties
