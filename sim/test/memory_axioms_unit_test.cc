// sources: memory/memory.cc memory/location.cc memory/pool.cc memory/race_detector.cc
// sources: memory/race_report.cc memory/shadow.cc memory/store_history.cc names/names.cc
//
// Random programs: every execution of the memory model against the rules of axioms.h. Equal sets.
#include <gtest/gtest.h>

#include <map>
#include <string>

#include "axioms.h"

namespace aiosim::memory::litmus {
namespace {

constexpr int programs = 1500;

Op random_op(Random& random, unsigned& next_value) {
  const Place place = random.below(2) == 0 ? x : y;
  constexpr int loads[] = {rlx, acq, sc};
  constexpr int stores[] = {rlx, rel, sc};
  constexpr int others[] = {rlx, acq, rel, ar, sc};
  constexpr int fences[] = {acq, rel, ar, sc, sc, sc};
  switch (random.below(7)) {
    case 0:
    case 1:
    case 2:
      return R(place, loads[random.below(3)]);
    case 3:
    case 4:
      return W(place, next_value++, stores[random.below(3)]);
    case 5:
      return Add(place, 100 * next_value++, others[random.below(5)]);
    default:
      return F(fences[random.below(6)]);
  }
}

/// Two threads of a fence between two accesses, one of each place.
Program fenced_program(Random& random) {
  constexpr int fences[] = {acq, rel, ar, sc, sc, sc};
  Program program(2);
  unsigned next_value = 1;
  for (auto& thread : program) {
    const Place first = random.below(2) == 0 ? x : y;
    for (const Place place : {first, first == x ? y : x}) {
      const int order = random.below(3) == 0 ? sc : rlx;
      const bool load = random.below(2) == 0;
      thread.push_back(load ? R(place, order) : W(place, next_value++, order));
      if (thread.size() == 1) thread.push_back(F(fences[random.below(6)]));
    }
  }
  return program;
}

/// Two threads of up to four operations, or three of up to three, seven in all at most.
Program random_program(std::uint64_t seed) {
  Random random(mix64(seed));
  if (seed % 2 == 1) return fenced_program(random);
  const std::uint32_t threads = 2 + random.below(2);
  Program program(threads);
  unsigned next_value = 1;
  std::size_t left = 7;
  for (auto& thread : program) {
    const std::size_t most = threads == 2 ? 4 : 3;
    const std::size_t length = 1 + random.below(static_cast<std::uint32_t>(most));
    while (thread.size() < length && left > 0) {
      thread.push_back(random_op(random, next_value));
      --left;
    }
  }
  return program;
}

std::string text_of(const Program& program) {
  std::string text;
  for (const auto& thread : program) {
    for (const Op& op : thread) {
      constexpr const char* names[] = {"R", "W", "Add", "Cas", "F"};
      text += std::string(names[op.type]) + "(" + "xyzd"[op.place] + "," +
              std::to_string(op.value) + "," + std::to_string(op.order) + ") ";
    }
    text += "|| ";
  }
  return text;
}

TEST(MemoryAxioms, RandomProgramsHaveTheOutcomesThatTheRulesAllow) {
  std::size_t outcomes_seen = 0;
  for (int i = 0; i < programs; ++i) {
    const Program program = random_program(static_cast<std::uint64_t>(i));
    const auto found = outcomes(program, {x, y});
    ASSERT_EQ(found, Axioms(program).outcomes()) << "program " << i << ": " << text_of(program);
    outcomes_seen += found.size();
  }
  EXPECT_GT(outcomes_seen, 3u * programs);
}

// Each rule is needed: left out of the axioms, some program of the same ones differs.
TEST(MemoryAxioms, EachRuleIsSeen) {
  const std::map<Rule, const char*> rules = {
      {Rule::write_read, "CoWR, CoRW, CoWW"},
      {Rule::read_read, "CoRR"},
      {Rule::fences, "fences"},
      {Rule::sequences, "release sequences"},
      {Rule::p4_1, "4.1"},
      {Rule::p4_2, "4.2"},
      {Rule::p4_3, "4.3"},
      {Rule::p4_4, "4.4"},
  };
  for (const auto& [rule, name] : rules) {
    bool seen = false;
    for (int i = 0; i < 4 * programs && !seen; ++i) {
      const Program program = random_program(static_cast<std::uint64_t>(i));
      seen = Axioms(program).outcomes() != Axioms(program, rule).outcomes();
    }
    EXPECT_TRUE(seen) << name;
  }
}

}  // namespace
}  // namespace aiosim::memory::litmus
