// sources: explore/explore.cc explore/host.cc explore/minimise.cc explore/choice_shrink.cc
// sources: explore/trial.cc explore/replay.cc explore/strategy.cc explore/rates.cc
// sources: explore/random.cc explore/pct.cc explore/pos.cc explore/surw.cc explore/profile.cc
// sources: explore/behaviours.cc seed/seed_text.cc names/names.cc
// sources: test/toy/world.cc test/toy/fault.cc
//
// The search over a world small enough to see through: found, minimised to the fewest choices that
// there can be, replayed, the same every time.
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <string>

#include "aiosim/observe.h"
#include "explore/explore.h"
#include "explore/host.h"
#include "explore/replay.h"
#include "explore/strategy.h"
#include "test/toy/world.h"

namespace aiosim {
namespace {

Backend toy_backend() {
  Backend backend;
  backend.name = "toy";
  return backend;
}

ExploreOptions options_for(const std::string& strategy) {
  ExploreOptions options;
  options.strategy = strategy;
  options.root_seed = 42;
  return options;
}

std::string choices_of(const SeedFile& seed) {
  std::string text;
  for (const Choice& choice : seed.choices) {
    text += " T" + std::to_string(choice.key.thread) + ' ' + std::string(name(choice.key.kind)) +
            ' ' + std::to_string(choice.key.number) + '=' + std::to_string(choice.value);
  }
  return text;
}

class EachStrategy : public testing::TestWithParam<const char*> {};

TEST_P(EachStrategy, finds_a_lost_increment_and_shrinks_it_to_one_choice) {
  const toy::Counting property;
  const ExploreResult result = explore(property, toy_backend(), options_for(GetParam()));
  ASSERT_TRUE(result.failure.has_value());
  const SeedFile& seed = *result.failure;
  EXPECT_EQ(result.verdict.kind, VerdictKind::rule_broken);
  EXPECT_EQ(seed.verdict.rule, "R1");
  EXPECT_EQ(seed.choices.size(), 1u) << choices_of(seed);
  EXPECT_LE(seed.program.op_count(), 2u);
  EXPECT_EQ(seed.happens, "an increment is lost");
  EXPECT_EQ(result.runs_to_find, result.done.runs);

  const ReplayResult again = replay(seed, property, toy_backend());
  EXPECT_TRUE(again.verdict.same_failure(seed.verdict));
  EXPECT_EQ(again.run.trace_hash, seed.trace_hash);
  EXPECT_EQ(again.unmatched, 0u);
}

TEST_P(EachStrategy, finds_what_needs_many_switches_and_keeps_few) {
  toy::Counting property;
  property.words = {"tick", "yield", "tick"};
  property.most_changes = 6;
  const ExploreResult result = explore(property, toy_backend(), options_for(GetParam()));
  ASSERT_TRUE(result.failure.has_value());
  EXPECT_EQ(result.verdict.rule, "R3");
  EXPECT_LE(result.failure->choices.size(), 5u) << choices_of(*result.failure);
  EXPECT_LE(result.failure->program.op_count(), 12u);
}

TEST_P(EachStrategy, comes_to_the_same_result_twice) {
  toy::Counting property;
  property.words = {"tick", "io", "yield", "inc"};
  property.most_changes = 5;
  property.threads = 3;
  ExploreOptions options = options_for(GetParam());
  options.plan.points = {fault::PointId::read_eintr};
  const ExploreResult first = explore(property, toy_backend(), options);
  const ExploreResult second = explore(property, toy_backend(), options);
  ASSERT_TRUE(first.failure && second.failure);
  EXPECT_EQ(seed_text(*first.failure), seed_text(*second.failure));
  EXPECT_EQ(first.done.runs, second.done.runs);
  EXPECT_EQ(first.done.distinct, second.done.distinct);
}

// Also one that is not its program's first, whose parameters come from that one.
TEST_P(EachStrategy, comes_to_the_same_runs_one_by_one) {
  toy::Counting property;
  property.words = {"yield", "tick"};
  property.threads = 3;
  ExploreOptions options = options_for(GetParam());
  options.runs = 200;
  const ExploreResult whole = explore(property, toy_backend(), options);
  Behaviours behaviours;
  std::uint64_t points = 0;
  options.runs = 1;
  for (; options.first_run < whole.done.runs; ++options.first_run) {
    const ExploreResult alone = explore(property, toy_backend(), options);
    points += alone.done.points;
    behaviours.merge(alone.behaviours);
  }
  EXPECT_EQ(points, whole.done.points);
  EXPECT_EQ(behaviours.distinct(), whole.done.distinct);
  EXPECT_EQ(behaviours.chance_new(), whole.done.chance_new);
}

TEST_P(EachStrategy, surveys_a_program_by_a_random_walk) {
  const auto strategy = make_strategy(GetParam());
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    strategy->start_survey(seed);
    EXPECT_NE(strategy->describe().find(": random p="), std::string::npos);
  }
}

TEST_P(EachStrategy, says_nothing_of_correct_programs_and_twice_raises_no_alarm) {
  toy::Counting property;
  property.words = {"yield", "tick"};
  ExploreOptions options = options_for(GetParam());
  options.runs = 2000;
  options.twice = true;
  const ExploreResult result = explore(property, toy_backend(), options);
  EXPECT_TRUE(result.verdict.passed()) << result.verdict.text;
  EXPECT_FALSE(result.failure.has_value());
  EXPECT_EQ(result.done.runs, 2000u);
  EXPECT_GT(result.done.distinct, 100u);
  EXPECT_GT(result.done.chance_new, 0);
  EXPECT_LT(result.done.chance_new, 1);
}

TEST_P(EachStrategy, answers_only_what_was_asked_and_the_same_again) {
  const auto strategy = make_strategy(GetParam());
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    strategy->start(seed);
    const auto answers = [&] {
      std::vector<std::uint32_t> all;
      Random random(seed);
      strategy->begin();
      for (std::uint32_t i = 1; i < 300; ++i) {
        std::vector<std::uint32_t> threads;
        for (std::uint32_t t = 0; t < 2 + random.below(4); ++t) threads.push_back(t);
        Question question;
        question.key = {random.below(4), static_cast<Kind>(random.below(kind_count)), i};
        question.answers = static_cast<std::uint32_t>(threads.size());
        question.threads = threads;
        question.yielded = random.below(4) == 0;
        all.push_back(strategy->choose(question));
        EXPECT_LT(all.back(), question.answers);
      }
      return all;
    };
    ASSERT_EQ(answers(), answers()) << strategy->describe();
    EXPECT_EQ(strategy->describe().find('\n'), std::string::npos);
  }
}

TEST_P(EachStrategy, lets_a_thread_that_spins_wait_for_another_in_bounded_time) {
  const auto strategy = make_strategy(GetParam());
  const std::uint32_t threads[] = {1, 2, 0};
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    strategy->set_length(20);
    strategy->start(seed);
    std::set<std::uint32_t> ran;
    for (std::uint32_t i = 1; i <= 200; ++i) {
      Question question;
      question.key = {0, Kind::sched, i};
      question.answers = 3;
      question.threads = threads;
      question.current_enabled = false;
      question.yielded = true;
      const std::uint32_t pick = strategy->choose(question);
      EXPECT_NE(threads[pick], 0u);
      ran.insert(threads[pick]);
    }
    EXPECT_EQ(ran.size(), 2u) << strategy->describe();
  }
}

INSTANTIATE_TEST_SUITE_P(Explore, EachStrategy,
                         testing::Values("random", "pct", "pos", "surw", "portfolio", "sparse"),
                         [](const auto& one) { return std::string(one.param); });

TEST(Explore, run_i_does_not_depend_on_the_runs_before_it) {
  const toy::Counting property;
  ExploreOptions options = options_for("portfolio");
  options.size = 10;
  options.minimise = false;
  const ExploreResult whole = explore(property, toy_backend(), options);
  ASSERT_TRUE(whole.failure.has_value());
  options.first_run = whole.failure->run_number;
  options.runs = 1;
  const ExploreResult alone = explore(property, toy_backend(), options);
  ASSERT_TRUE(alone.failure.has_value());
  EXPECT_EQ(seed_text(*alone.failure), seed_text(*whole.failure));
}

TEST(Explore, unknown_strategy_is_bad_input) {
  const toy::Counting property;
  EXPECT_THROW(explore(property, toy_backend(), options_for("luck")), BadInput);
}

TEST(Explore, stops_when_told_to) {
  toy::Counting property;
  property.words = {"yield"};
  ExploreOptions options = options_for("random");
  options.runs = UINT64_MAX;
  int calls = 0;
  options.progress = [&](const Progress&) { return ++calls < 3; };
  const ExploreResult result = explore(property, toy_backend(), options);
  EXPECT_TRUE(result.interrupted);
  EXPECT_EQ(calls, 3);
}

TEST(Explore, hidden_state_is_not_deterministic) {
  toy::Counting property;
  property.words = {"yield", "tick"};
  std::uint64_t runs = 0;
  property.also = [&] {
    if (++runs % 7 == 0) toy::current->ask(Kind::time, 0, 2);
    toy::current->result.trace_hash ^= runs % 7 == 0 ? 1u : 0u;
  };
  ExploreOptions options = options_for("random");
  options.twice = true;
  const ExploreResult result = explore(property, toy_backend(), options);
  EXPECT_EQ(result.verdict.kind, VerdictKind::not_deterministic);
  ASSERT_TRUE(result.failure.has_value());
}

TEST(Explore, trace_difference_is_cut_at_the_first_event) {
  toy::Counting property;
  property.words = {"tick"};
  std::uint64_t runs = 0;
  property.also = [&] {
    toy::current->result.trace_hash += ++runs;
    toy::current->result.trace.push_back(
        {9, 0, 0, "secret", "", static_cast<std::int64_t>(runs), 0, "", nullptr});
  };
  ExploreOptions options = options_for("random");
  options.twice = true;
  const ExploreResult result = explore(property, toy_backend(), options);
  ASSERT_EQ(result.verdict.kind, VerdictKind::not_deterministic);
  EXPECT_NE(result.verdict.text.find("\nfirst run: step 9, 0 ns, T0: secret"), std::string::npos);
  EXPECT_NE(result.verdict.text.find("\nsecond run: step 9, 0 ns, T0: secret"), std::string::npos);
}

TEST(Explore, faults_that_never_strike_are_left_out) {
  toy::Counting property;
  property.words = {"io", "tick", "yield"};
  ExploreOptions options = options_for("portfolio");
  options.plan.points = {fault::PointId::write_eintr, fault::PointId::read_eintr};
  const ExploreResult result = explore(property, toy_backend(), options);
  ASSERT_TRUE(result.failure.has_value());
  EXPECT_EQ(result.failure->faults, std::vector<std::string>{"linux/read/eintr"});
  ASSERT_EQ(result.failure->choices.size(), 1u);
  EXPECT_EQ(result.failure->choices[0].key.kind, Kind::fault);
  EXPECT_EQ(replay(*result.failure, property, toy_backend()).run.trace_hash,
            result.failure->trace_hash);
}

SeedFile lost_increment() {
  SeedFile seed;
  seed.property = "every_increment_counts";
  seed.verdict = {VerdictKind::rule_broken, "R1", ""};
  seed.program.parts = {{"a", {"inc", "inc"}}, {"b", {"inc"}}};
  seed.choices = {{{0, Kind::sched, 2}, 2, 1, "step", "counter"}};
  return seed;
}

std::string replay_complaint(const SeedFile& seed) {
  try {
    replay(seed, toy::Counting(), toy_backend());
    return "";
  } catch (const BadInput& bad) {
    return bad.what();
  }
}

TEST(Replay, strict_names_the_first_choice_that_does_not_fit) {
  EXPECT_EQ(replay_complaint(lost_increment()), "");
  SeedFile seed = lost_increment();
  seed.choices[0].answers = 3;
  EXPECT_EQ(replay_complaint(seed),
            "choice 1 (T0 sched 2, step of counter) does not fit at step 1: expected 3 answers, "
            "found 2");
  seed = lost_increment();
  seed.choices.push_back({{7, Kind::time, 1}, 2, 1, "", ""});
  EXPECT_EQ(replay_complaint(seed),
            "choice 2 (T7 time 1) does not fit: expected such a question, found the run's end at "
            "step 6");
  seed = lost_increment();
  seed.choices[0].object = "fd 5";
  EXPECT_EQ(replay_complaint(seed),
            "choice 1 (T0 sched 2, step of fd 5) does not fit at step 1: expected fd 5, found "
            "counter");
  seed = lost_increment();
  seed.choices[0].object = seed.choices[0].operation = "";
  EXPECT_EQ(replay_complaint(seed), "");
  seed.program.parts[0].ops[0] = "dance";
  EXPECT_EQ(replay_complaint(seed), "a: expected an operation, found dance");
  seed = lost_increment();
  seed.faults = {"linux/nothing"};
  EXPECT_NE(replay_complaint(seed).find("found \"linux/nothing\""), std::string::npos);
}

TEST(Replay, loose_counts_what_does_not_fit) {
  SeedFile seed = lost_increment();
  seed.choices.push_back({{7, Kind::time, 1}, 2, 1, "", ""});
  seed.choices.push_back({{1, Kind::sched, 1}, 9, 8, "", ""});
  ReplayOptions loose;
  loose.strict = false;
  const ReplayResult result = replay(seed, toy::Counting(), toy_backend(), loose);
  EXPECT_EQ(result.unmatched, 2u);
  EXPECT_EQ(result.verdict.rule, "R1");
}

TEST(Minimise, keeps_a_persons_words_and_refuses_what_does_not_fail) {
  const toy::Counting property;
  SeedFile seed = lost_increment();
  seed.happens = "b's increment is overwritten";
  const SeedFile small = minimise(seed, property, toy_backend());
  EXPECT_EQ(small.happens, seed.happens);
  EXPECT_EQ(small.program.op_count(), 2u);
  EXPECT_EQ(small.choices.size(), 1u);
  seed.choices.clear();
  EXPECT_THROW(minimise(seed, property, toy_backend()), BadInput);
  seed.verdict = {};
  EXPECT_THROW(minimise(seed, property, toy_backend()), BadInput);
}

HostBatch batch_of(std::uint64_t runs, int patience_ms) {
  HostBatch batch;
  batch.end_run = runs;
  batch.patience_ms = patience_ms;
  return batch;
}

std::optional<HostFailure> on_host(const toy::Counting& property, const HostBatch& batch) {
  toy::current = nullptr;
  return run_on_host(property, toy_backend(), property.generate(1, 1), ExploreOptions{}, batch,
                     [](bool) { return true; });
}

TEST(Host, runs_that_end_pass) {
  toy::Counting property;
  EXPECT_FALSE(on_host(property, batch_of(20, 20'000)).has_value());
  toy::current = nullptr;
  ExploreOptions options = options_for("portfolio");
  options.host_world = true;
  options.runs = 120;
  const ExploreResult result = explore(property, toy_backend(), options);
  EXPECT_TRUE(result.verdict.passed());
  EXPECT_EQ(result.done.runs, 120u);
}

TEST(Host, a_verdict_comes_back_with_its_run) {
  toy::Counting property;
  int runs = 0;
  property.also = [&] {
    if (++runs == 5) throw RunStopped{{VerdictKind::rule_broken, "R36", "two\nlines"}};
  };
  const auto failure = on_host(property, batch_of(20, 20'000));
  ASSERT_TRUE(failure.has_value());
  EXPECT_EQ(failure->run, 4u);
  EXPECT_EQ(failure->verdict.rule, "R36");
  EXPECT_EQ(failure->verdict.text, "two\nlines");
}

TEST(Host, a_crash_a_hang_and_an_exception_are_verdicts) {
  toy::Counting property;
  property.also = [] { ::raise(SIGSEGV); };
  auto failure = on_host(property, batch_of(3, 20'000));
  ASSERT_TRUE(failure.has_value());
  EXPECT_EQ(failure->verdict.kind, VerdictKind::crash);
  EXPECT_NE(failure->verdict.text.find("signal 11"), std::string::npos);

  property.also = [] {
    for (;;) ::pause();
  };
  failure = on_host(property, batch_of(3, 200));
  ASSERT_TRUE(failure.has_value());
  EXPECT_EQ(failure->verdict.kind, VerdictKind::deadlock);

  property.also = [] { throw std::runtime_error("lost"); };
  failure = on_host(property, batch_of(3, 20'000));
  ASSERT_TRUE(failure.has_value());
  EXPECT_EQ(failure->verdict.kind, VerdictKind::escaped_exception);
  EXPECT_EQ(failure->verdict.text, "lost");
}

}  // namespace
}  // namespace aiosim
