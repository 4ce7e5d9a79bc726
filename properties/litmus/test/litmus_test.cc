// What the simulator shows of each litmus program is what the program's file allows: no more, no
// less. Prints a table at the end.
//
// AIOSIM_LITMUS_RUNS  random runs of each program, 2,000 if not given
// AIOSIM_LITMUS_NAIVE most executions of the search without reduction, 5,000 if not given
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <vector>

#include "searches.h"

namespace litmus {
namespace {

std::uint64_t number_from(const char* variable, std::uint64_t otherwise) {
  const char* const text = std::getenv(variable);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

struct Row {
  const Program* program;
  Found all, naive, random;
};

class Table final : public testing::Environment {
 public:
  Row& operator[](const Program& program) {
    const auto known = std::find_if(rows_.begin(), rows_.end(),
                                    [&](const Row& row) { return row.program == &program; });
    if (known != rows_.end()) return *known;
    rows_.push_back({&program, {}, {}, {}});
    return rows_.back();
  }

  void TearDown() override {
    if (rows_.empty()) return;
    std::printf("%-32s %10s %6s %10s %9s  %s\n", "program", "executions", "cut", "naive", "ms",
                "allowed = found [C++20 besides] (not met at random)");
    for (const Row& row : rows_) print(row);
  }

 private:
  static void print(const Row& row) {
    const std::string naive =
        (row.naive.complete ? "" : ">") + std::to_string(row.naive.executions);
    std::string text = row.program->allowed;
    const Outcomes allowed = parse_outcomes(text);
    if (allowed != row.all.outcomes) text += " BUT FOUND " + join(row.all.outcomes);
    if (*row.program->stronger != '\0') text += std::string(" [") + row.program->stronger + "]";
    if (row.random.executions != 0) {
      const Outcomes missed = without(allowed, row.random.outcomes);
      if (!missed.empty()) text += " (" + join(missed) + ")";
    }
    std::printf("%-32s %10llu %6llu %10s %9.1f  %s\n", row.program->name,
                static_cast<unsigned long long>(row.all.executions),
                static_cast<unsigned long long>(row.all.cut), naive.c_str(), row.all.milliseconds,
                text.c_str());
  }

  std::vector<Row> rows_;
};

Table& table() {
  static auto* const all =
      static_cast<Table*>(testing::AddGlobalTestEnvironment(new Table));  // gtest's from here on
  return *all;
}

std::vector<const Program*> all_programs() {
  std::vector<const Program*> all;
  for (const Family* const family : families()) {
    for (const Program& program : family->programs) all.push_back(&program);
  }
  table();
  return all;
}

class Litmus : public testing::TestWithParam<const Program*> {
 protected:
  const Program& program() const { return *GetParam(); }
  Outcomes allowed() const { return parse_outcomes(program().allowed); }
};

TEST_P(Litmus, FindsWhatIsAllowed) {
  Row& row = table()[program()];
  row.all = search_all(program(), true);
  EXPECT_TRUE(row.all.complete);
  EXPECT_EQ(difference(allowed(), row.all.outcomes), "");
}

// The reduction loses nothing: the same set, where the search of every choice comes to its end; and
// nothing new, where it does not.
TEST_P(Litmus, FindsTheSameWithoutReduction) {
  Row& row = table()[program()];
  row.naive = search_all(program(), false, number_from("AIOSIM_LITMUS_NAIVE", 5'000));
  if (row.naive.complete) {
    EXPECT_EQ(difference(allowed(), row.naive.outcomes), "");
  } else {
    EXPECT_EQ(join(without(row.naive.outcomes, allowed())), "");
  }
}

TEST_P(Litmus, RandomRunsStayInside) {
  Row& row = table()[program()];
  row.random = search_randomly(program(), number_from("AIOSIM_LITMUS_RUNS", 2'000), 1);
  EXPECT_EQ(join(without(row.random.outcomes, allowed())), "");
}

// What C++20 allows besides is out of reach: were it found, the file would be wrong.
TEST_P(Litmus, StrongerIsApart) {
  const Outcomes besides = parse_outcomes(program().stronger);
  EXPECT_EQ(without(besides, allowed()), besides);
}

INSTANTIATE_TEST_SUITE_P(Programs, Litmus, testing::ValuesIn(all_programs()),
                         [](const testing::TestParamInfo<const Program*>& test) {
                           return std::string(test.param->name);
                         });

TEST(LitmusSuite, NamesEachProgramOnce) {
  std::map<std::string, int> names;
  for (const Program* const program : all_programs()) ++names[program->name];
  EXPECT_GE(names.size(), 40u);
  for (const auto& [name, count] : names) EXPECT_EQ(count, 1) << name;
}

// --- can it fail? -----------------------------------------------------------------------------

// A program judged by the set of its stronger sibling: the difference is seen, by either search.
TEST(LitmusSuite, SeesAWeakenedOrder) {
  const struct {
    const char* weaker;
    const char* judged_as;
    const char* outcome;
  } plants[] = {
      {"SB_rel_acq", "SB_sc", "00"},
      {"SB_one_fence", "SB_fences", "00"},
      {"MP_rel_rlx", "MP_rel_acq", "10"},
      {"MP_plain_rlx", "MP_plain_rel_acq", "race"},
      {"CoRR_through_rlx", "CoRR_through_hb", "110"},
      {"WRC_first_edge", "WRC_rel_acq", "110"},
      {"RWC_first_fence", "RWC_fences", "100"},
      {"ISA2_middle_only_releases", "ISA2_fences", "110"},
      {"IRIW_rel_acq", "IRIW_sc", "1010"},
      {"R_sc_but_x", "R_sc", "20"},
      {"ReleaseSequence_own_store", "ReleaseSequence_own_rmw", "race"},
      {"RMW_try_unlock_rlx", "RMW_try_lock", "race"},
      {"CAS_failure_relaxed", "CAS_failure_acquires", "race"},
      {"Dekker_fences_acq_rel", "Dekker_fences", "race"},
      {"Seqlock_no_reader_fence", "Seqlock", "101"},
  };
  for (const auto& plant : plants) {
    const Outcomes judged_as = parse_outcomes(program(plant.judged_as).allowed);
    const std::string all = difference(judged_as, search_all(program(plant.weaker), true).outcomes);
    EXPECT_NE(all.find(plant.outcome), std::string::npos) << plant.weaker << ": " << all;
    const Outcomes random = search_randomly(program(plant.weaker), 2'000, 1).outcomes;
    EXPECT_TRUE(without(random, judged_as).contains(plant.outcome)) << plant.weaker;
  }
}

// And one that cannot be: an outcome too many in the written set.
TEST(LitmusSuite, SeesAnOutcomeThatNeverComes) {
  EXPECT_EQ(difference(parse_outcomes("??"), search_all(program("SB_sc"), true).outcomes),
            "allowed and not found: 00");
  EXPECT_EQ(difference(parse_outcomes("01 10 11"), search_all(program("SB_rlx"), true).outcomes),
            "found and not allowed: 00");
}

TEST(LitmusSuite, RefusesASetThatMakesNoSense) {
  EXPECT_THROW(parse_outcomes("0x"), std::invalid_argument);
  EXPECT_THROW(parse_outcomes("00 but 11"), std::invalid_argument);
  EXPECT_EQ(join(parse_outcomes("?? race but 10")), "00 01 11 race");
}

}  // namespace
}  // namespace litmus
