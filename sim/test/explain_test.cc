// Explanations of toy failures whose cause is known: a lost wakeup by store buffering, a relaxed
// publication, a check too early, a deadlock of every schedule.
#include "explore/explain.h"

#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "aiosim/observe.h"
#include "explore/explore.h"

extern "C" {
std::uint32_t __tsan_atomic32_load(const volatile std::uint32_t*, int);
void __tsan_atomic32_store(volatile std::uint32_t*, std::uint32_t, int);
void __tsan_atomic_thread_fence(int);
void __tsan_read4(void*);
void __tsan_write4(void*);
}

namespace aiosim {
namespace {

constexpr int relaxed = 0, acquire = 2, seq_cst = 5;

std::uint32_t work, asleep, data;
int wakeup = -1;

void sleep_until_woken() {
  std::uint64_t count = 0;
  if (read(wakeup, &count, sizeof count) < 0) std::abort();
}

void wake_a_sleeper() {
  const std::uint64_t one = 1;
  if (__tsan_atomic32_load(&asleep, relaxed) != 0 && write(wakeup, &one, sizeof one) < 0) {
    std::abort();
  }
}

void two_threads(void (*first)(), void (*second)()) {
  work = asleep = data = 0;
  wakeup = eventfd(0, 0);
  std::thread one(first);
  std::thread two(second);
  one.join();
  two.join();
}

// N-5: no full barrier between raising the flag and the look at the work.
void lost_wakeup() {
  two_threads(
      [] {
        __tsan_atomic32_store(&asleep, 1, relaxed);
        if (__tsan_atomic32_load(&work, relaxed) == 0) sleep_until_woken();
      },
      [] {
        __tsan_atomic32_store(&work, 1, relaxed);
        __tsan_atomic_thread_fence(seq_cst);
        wake_a_sleeper();
      });
}

void relaxed_publication() {
  two_threads(
      [] {
        __tsan_write4(&data);
        data = 1;
        __tsan_atomic32_store(&work, 1, relaxed);
      },
      [] {
        if (__tsan_atomic32_load(&work, acquire) != 0) __tsan_read4(&data);
      });
}

// The flag is raised after the look at the work: no memory order is to blame.
void early_look() {
  two_threads(
      [] {
        if (__tsan_atomic32_load(&work, seq_cst) != 0) return;
        __tsan_atomic32_store(&asleep, 1, seq_cst);
        sleep_until_woken();
      },
      [] {
        __tsan_atomic32_store(&work, 1, seq_cst);
        wake_a_sleeper();
      });
}

void nobody_wakes() {
  two_threads([] { sleep_until_woken(); }, [] { __tsan_atomic32_store(&work, 1, seq_cst); });
}

class Toy final : public Property {
 public:
  explicit Toy(void (*body)()) : body_(body) {}
  std::string_view name() const override { return "toy"; }
  std::string_view sentence() const override { return "It ends."; }
  const std::vector<std::string>& rules() const override { return rules_; }
  bool offered(const Backend&) const override { return true; }
  Program generate(std::uint64_t, int) const override { return {{{"toy", {}}}}; }
  void shrink(const Program&, const std::function<bool(const Program&)>&) const override {}

  std::unique_ptr<Execution> prepare(const Program&, const Backend&) const override {
    class Once final : public Execution {
     public:
      explicit Once(void (*run)()) : body_(run) {}
      void body() override {
        const UnderTestScope scope;
        body_();
      }
      Verdict judge(const RunResult& result) override {
        Verdict verdict = result.verdict;
        if (!verdict.passed()) verdict.rule = "R1";
        return verdict;
      }

     private:
      void (*body_)();
    };
    return std::make_unique<Once>(body_);
  }

 private:
  void (*body_)();
  std::vector<std::string> rules_ = {"R1"};
};

Explanation explained(void (*body)(), VerdictKind expected) {
  const Toy toy(body);
  const Backend backend{"toy", nullptr, "", {}};
  const ExploreResult found = explore(toy, backend, {});
  EXPECT_EQ(found.verdict.kind, expected) << found.verdict.text;
  if (!found.failure) return {};
  ExplainOptions options;
  options.what_if_runs = 3'000;
  return explain(*found.failure, toy, backend, options);
}

std::string words(const Explanation& why, std::size_t event) {
  const ExplainedEvent& one = why.events[event];
  return one.thread_name + " " + one.operation + " " + one.object;
}

std::string words(const Explanation& why, const Ordering& one) {
  return words(why, one.first) + (one.unseen ? " does not see " : " before ") +
         words(why, one.second);
}

TEST(Explain, lost_wakeup_names_the_missing_fence) {
  const Explanation why = explained(lost_wakeup, VerdictKind::deadlock);
  EXPECT_EQ(why.guilt.answer, Guilt::Answer::found);
  ASSERT_EQ(why.guilt.remedies.size(), 2u);
  const Remedy& after = why.guilt.remedies[0];
  EXPECT_EQ(after.kind, Strengthening::Kind::fence_after);
  EXPECT_EQ(after.operation, "atomic store");
  EXPECT_EQ(after.order, "relaxed");
  const Remedy& before = why.guilt.remedies[1];
  EXPECT_EQ(before.kind, Strengthening::Kind::fence_before);
  EXPECT_EQ(before.operation, "atomic load");
  EXPECT_EQ(after.runs, 3'000u);

  // Each side misses the other's store: the cycle of store buffering, and nothing else.
  ASSERT_TRUE(why.orderings.sufficient);
  ASSERT_EQ(why.orderings.minimal.size(), 2u);
  EXPECT_EQ(why.orderings.failed, why.orderings.schedules);
  for (const Ordering& one : why.orderings.minimal) {
    EXPECT_TRUE(one.unseen) << words(why, one);
    EXPECT_EQ(why.events[one.first].operation, "atomic load");
    EXPECT_EQ(why.events[one.second].operation, "atomic store");
    EXPECT_NE(why.events[one.first].thread, why.events[one.second].thread);
  }
  ASSERT_NE(why.no_return.how, PointOfNoReturn::How::from_the_start);
  EXPECT_EQ(why.events[why.no_return.event].operation, "atomic load");
  EXPECT_LT(why.no_return.lost_before, why.no_return.before);
}

TEST(Explain, relaxed_publication_names_the_store) {
  const Explanation why = explained(relaxed_publication, VerdictKind::data_race);
  EXPECT_EQ(why.guilt.answer, Guilt::Answer::found);
  ASSERT_EQ(why.guilt.remedies.size(), 1u);
  EXPECT_EQ(why.guilt.remedies[0].change, "release");
  EXPECT_EQ(why.guilt.remedies[0].operation, "atomic store");
  ASSERT_EQ(why.orderings.minimal.size(), 1u);
  EXPECT_EQ(words(why, why.orderings.minimal[0]),
            "T1 atomic store atomic 1 before T2 atomic load atomic 1");
}

TEST(Explain, early_look_is_no_matter_of_memory_order) {
  const Explanation why = explained(early_look, VerdictKind::deadlock);
  EXPECT_EQ(why.guilt.answer, Guilt::Answer::no_order);
  EXPECT_TRUE(why.guilt.remedies.empty());
  ASSERT_TRUE(why.orderings.sufficient);
  ASSERT_EQ(why.orderings.minimal.size(), 2u);
  for (const Ordering& one : why.orderings.minimal) {
    EXPECT_EQ(why.events[one.first].operation, "atomic load") << words(why, one);
  }
}

TEST(Explain, some_programs_are_lost_from_the_start) {
  const Explanation why = explained(nobody_wakes, VerdictKind::deadlock);
  EXPECT_EQ(why.no_return.how, PointOfNoReturn::How::from_the_start);
  EXPECT_TRUE(why.orderings.sufficient);
  EXPECT_TRUE(why.orderings.minimal.empty());
  EXPECT_EQ(why.guilt.answer, Guilt::Answer::no_order);
}

TEST(Explain, the_same_file_has_the_same_explanation) {
  const Explanation one = explained(lost_wakeup, VerdictKind::deadlock);
  const Explanation two = explained(lost_wakeup, VerdictKind::deadlock);
  EXPECT_EQ(one.no_return.event, two.no_return.event);
  EXPECT_EQ(one.no_return.lost_before, two.no_return.lost_before);
  EXPECT_EQ(one.guilt.base_runs, two.guilt.base_runs);
  EXPECT_EQ(one.guilt.changes_tried, two.guilt.changes_tried);
  ASSERT_EQ(one.orderings.minimal.size(), two.orderings.minimal.size());
  for (std::size_t i = 0; i < one.orderings.minimal.size(); ++i) {
    EXPECT_EQ(words(one, one.orderings.minimal[i]), words(two, two.orderings.minimal[i]));
  }
}

TEST(Explain, refuses_what_does_not_fail) {
  const Toy toy(lost_wakeup);
  const Backend backend{"toy", nullptr, "", {}};
  SeedFile seed;
  seed.program = toy.generate(0, 1);
  EXPECT_THROW(explain(seed, toy, backend, {}), BadInput);
  seed.verdict = {VerdictKind::deadlock, "R1", ""};
  EXPECT_THROW(explain(seed, toy, backend, {}), BadInput);
}

TEST(Explain, ends_early_when_told_to) {
  const Toy toy(lost_wakeup);
  const Backend backend{"toy", nullptr, "", {}};
  const ExploreResult found = explore(toy, backend, {});
  ASSERT_TRUE(found.failure.has_value());
  ExplainOptions options;
  options.keep_going = [](const std::string&) { return false; };
  const Explanation why = explain(*found.failure, toy, backend, options);
  EXPECT_TRUE(why.interrupted);
  EXPECT_EQ(why.guilt.answer, Guilt::Answer::not_asked);
}

}  // namespace
}  // namespace aiosim
