// Programs as text and back, what is said of bad ones, and what generators and shrinks may do.
#include "program.h"

#include <gtest/gtest.h>

#include "aiosim/verdict.h"
#include "scenario.h"

namespace properties {

static void PrintTo(const Scenario& scenario, std::ostream* out) { *out << scenario.name; }

namespace {

std::string complaint(const aiosim::Program& program) {
  try {
    parse(program);
  } catch (const aiosim::BadInput& bad) {
    return bad.what();
  }
  return "accepted";
}

TEST(Program, TextOfEveryOperationIsReadBack) {
  const aiosim::Program program{{
      {"options",
       {"poll_max_ns 20000", "callback_calls 3", "first_fd 300", "handler fd 1 pollable write"}},
      {"home",
       {"poll", "poll blocking", "notify", "schedule bh 1", "schedule_idle bh 5", "oneshot 3",
        "cancel bh 2", "delete bh 2", "signal fd 4", "add fd 2", "modify fd 2 pollable",
        "remove fd 2", "hang up fd 2", "set hooks fd 1", "clear hooks fd 4", "arm timer 3 +5000",
        "arm timer 3 -1", "disarm timer 3", "advance 1000", "wait flag 1", "nop request 1",
        "timeout request 2 500", "watch request 3", "bad request 1", "close fd 1", "open fd 1",
        "recycle fd 2", "hold timers", "release timers"}},
      {"request 2", {"again"}},
      {"producer 3", {"set flag 1"}},
      {"fd 1", {"keep"}},
      {"bh 2", {}},
  }};
  EXPECT_EQ(print(parse(program)), program);
}

TEST(Program, BadLinesAreNamedWithWhatWasExpected) {
  EXPECT_EQ(complaint({{{"bh 2", {"notify", "poll", "schedule bh 6"}}}}),
            "program: part 'bh 2' line 3: expected 'schedule bh 1..5', found 'schedule bh 6'");
  EXPECT_EQ(complaint({{{"home", {"pol"}}}}),
            "program: part 'home' line 1: expected an operation, found 'pol'");
  EXPECT_EQ(complaint({{{"producer 1", {"poll"}}}}),
            "program: part 'producer 1' line 1: expected an operation allowed there, found 'poll'");
  EXPECT_EQ(complaint({{{"home", {"arm timer 1 5000"}}}}),
            "program: part 'home' line 1: expected 'arm timer 1..6 +NS or -NS', "
            "found 'arm timer 1 5000'");
  EXPECT_NE(complaint({{{"bh 0", {}}}}).find("found 'bh 0'"), std::string::npos);
  EXPECT_NE(complaint({{{"home", {}}, {"home", {}}}}).find("found 'home' again"),
            std::string::npos);
}

TEST(Program, WhatABackendDoesNotOfferIsLeftOut) {
  const aiosim::Program program{{
      {"options", {"handler fd 1 pollable write"}},
      {"home", {"poll blocking", "schedule_idle bh 1", "arm timer 1 +5", "set hooks fd 1",
                "close fd 1", "wait flag 1"}},
      {"producer 1", {"schedule bh 1", "cancel bh 1", "oneshot 1", "signal fd 1", "set flag 1"}},
      {"bh 1", {"poll", "notify"}},
      {"timer 1", {"notify"}},
      {"request 1", {"again"}},
  }};
  EXPECT_EQ(print(offered(parse(program), ~0U)), program);
  const aiosim::Program bare{{
      {"options", {}},
      {"home", {"poll blocking"}},
      {"producer 1", {"schedule bh 1"}},
      {"bh 1", {"notify"}},
  }};
  EXPECT_EQ(print(offered(parse(program), offers_bottom_halves)), bare);
  const aiosim::Program plain_fds{{
      {"options", {"handler fd 1 write"}},
      {"home", {"poll blocking"}},
      {"producer 1", {"signal fd 1"}},
  }};
  EXPECT_EQ(print(offered(parse(program), offers_fd_handlers | offers_nested_poll)), plain_fds);
}

class Recipes : public testing::TestWithParam<Scenario> {};

TEST_P(Recipes, ProgramsDependOnTheSeedAloneAndAreReadBack) {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    const int size = static_cast<int>(1 + seed % 100);
    const Case drawn = generate(GetParam().recipe, seed, size);
    EXPECT_EQ(drawn, generate(GetParam().recipe, seed, size));
    EXPECT_EQ(parse(print(drawn), GetParam().recipe.subject), drawn);
  }
}

TEST_P(Recipes, ShrinkingEndsAtTheSmallestProgramThatIsKept) {
  const auto kept = [](Verb verb) {  // one or the other is in every recipe
    return verb == Verb::poll || verb == Verb::poll_blocking || verb == Verb::replace;
  };
  const auto count = [&](const Case& program) {
    std::size_t sum = 0;
    for (const Part& part : program.parts) {
      for (const Op& op : part.ops) sum += kept(op.verb) ? 1U : 0U;
    }
    return sum;
  };
  Case drawn;
  for (std::uint64_t seed = 1; count(drawn) < 2; ++seed) {
    drawn = generate(GetParam().recipe, seed, 100);
  }
  Case least = drawn;
  shrink(drawn, [&](const Case& smaller) {
    EXPECT_EQ(parse(print(smaller), GetParam().recipe.subject), smaller);
    if (count(smaller) < 2) return false;
    least = smaller;
    return true;
  });
  EXPECT_EQ(print(least).op_count(), 2u);
}

INSTANTIATE_TEST_SUITE_P(Every, Recipes, testing::ValuesIn(scenarios()),
                         [](const auto& it) { return it.param.name; });

}  // namespace
}  // namespace properties
