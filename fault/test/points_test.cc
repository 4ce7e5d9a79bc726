// The way of a question: gate, limit, subset, decider.
#include "fault/points.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace aiosim::fault {
namespace {

struct Points : testing::Test {
  ~Points() override {
    arm({});
    set_decider(nullptr);
  }
};

std::uint32_t strikes_of(PointId id, int questions) {
  std::uint32_t struck = 0;
  for (int i = 0; i < questions; ++i) struck += strikes(id) ? 1u : 0u;
  return struck;
}

TEST_F(Points, CatalogueNamesAreDistinctAndFound) {
  std::set<std::string> names;
  for (const Point& point : catalogue()) {
    EXPECT_TRUE(names.insert(point.name).second) << point.name;
    EXPECT_EQ(find(point.name), &point);
    EXPECT_NE(std::string(point.sentence), "");
  }
  EXPECT_EQ(find("linux/read/"), nullptr);
  EXPECT_EQ(find(""), nullptr);
}

TEST_F(Points, DisarmedPointNeverAsks) {
  int asked = 0;
  set_decider([&](PointId) { return ++asked > 0; });
  EXPECT_EQ(strikes_of(PointId::read_eintr, 10), 0u);
  EXPECT_EQ(asked, 0);
}

TEST_F(Points, LimitCountsPerPointAndRun) {
  set_decider([](PointId) { return true; });
  arm({"two", {PointId::read_eintr, PointId::write_eintr}, 2});
  EXPECT_EQ(strikes_of(PointId::read_eintr, 10), 2u);
  EXPECT_EQ(strikes_of(PointId::write_eintr, 10), 2u);
  EXPECT_EQ(strikes_of(PointId::futex_eintr, 10), 0u);
  begin_run();
  EXPECT_EQ(strikes_of(PointId::read_eintr, 10), 2u);
}

TEST_F(Points, ARefusalIsNoStrike) {
  int asked = 0;
  set_decider([&](PointId id) {
    EXPECT_EQ(id, PointId::clock_fast);
    return ++asked % 3 == 0;
  });
  arm({"some", {PointId::clock_fast}, 100});
  EXPECT_EQ(strikes_of(PointId::clock_fast, 9), 3u);
}

TEST_F(Points, SubsetSwitchesPointsOffForOneRun) {
  set_decider([](PointId) { return true; });
  arm({"two", {PointId::write_eintr, PointId::read_eintr}, 1});
  begin_run(0b10);  // the plan's order counts, not the catalogue's
  EXPECT_FALSE(strikes(PointId::write_eintr));
  EXPECT_TRUE(strikes(PointId::read_eintr));
  begin_run();
  EXPECT_TRUE(strikes(PointId::write_eintr));
}

TEST_F(Points, PassedOverHearsOfQuestionsThatCannotStrike) {
  int passed = 0;
  set_world_decider([](PointId) { return true; }, [&](PointId) { ++passed; });
  arm({"one", {PointId::read_eintr}, 1});
  EXPECT_EQ(strikes_of(PointId::read_eintr, 5), 1u);
  EXPECT_EQ(passed, 4);
  begin_run(0);
  EXPECT_EQ(strikes_of(PointId::read_eintr, 5), 0u);
  EXPECT_EQ(passed, 9);
}

TEST_F(Points, ArmingAgainDisarmsTheOldPlan) {
  set_decider([](PointId) { return true; });
  arm({"a", {PointId::read_eintr}, 1});
  arm({"b", {PointId::write_eintr, PointId::write_eintr}, 1});
  EXPECT_FALSE(strikes(PointId::read_eintr));
  EXPECT_TRUE(strikes(PointId::write_eintr));
}

TEST_F(Points, HostDeciderIsAFunctionOfItsSeed) {
  const auto answers = [](std::uint64_t seed, std::uint32_t per_million) {
    auto decider = host_decider(seed, per_million);
    std::string out;
    for (int i = 0; i < 200; ++i) out += decider(PointId::read_eintr) ? '1' : '0';
    return out;
  };
  EXPECT_EQ(answers(7, 500'000), answers(7, 500'000));
  EXPECT_NE(answers(7, 500'000), answers(8, 500'000));
  EXPECT_EQ(answers(7, 0), std::string(200, '0'));
  EXPECT_EQ(answers(7, 1'000'000), std::string(200, '1'));
}

}  // namespace
}  // namespace aiosim::fault
