// Plans by name, by list and from files; and what is said of a bad one.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <string>

#include "aiosim/verdict.h"
#include "fault/points.h"

namespace aiosim::fault {
namespace {

std::string complaint(const std::string& text) {
  try {
    parse_plan(text);
  } catch (const BadInput& bad) {
    return bad.what();
  }
  return "accepted";
}

class File {
 public:
  explicit File(const std::string& text)
      : path_(testing::TempDir() + "plan_" + std::to_string(getpid()) + ".toml") {
    std::ofstream(path_) << text;
  }
  ~File() { std::remove(path_.c_str()); }
  const std::string& path() const { return path_; }
  std::string at(int line) const { return "plan '" + path_ + "':" + std::to_string(line) + ": "; }

 private:
  std::string path_;
};

TEST(Plan, BuiltInPlansAreWhatTheirNamesSay) {
  EXPECT_TRUE(parse_plan("none").empty());
  EXPECT_EQ(parse_plan("eintr").points.size(), 9u);
  EXPECT_EQ(parse_plan("all").points.size(), point_count - 1);
  EXPECT_EQ(parse_plan("malloc/enomem").points, std::vector{PointId::malloc_enomem});
  EXPECT_EQ(parse_plan("spurious").points.size(), 3u);
  EXPECT_EQ(parse_plan("clock").points.size(), 5u);
  EXPECT_EQ(parse_plan("setup").points.size(), 10u);
  EXPECT_EQ(parse_plan("setup").name, "setup");
}

TEST(Plan, ListJoinsPlansAndPointsWithoutRepeats) {
  const Plan plan = parse_plan("linux/futex/eintr, clock,linux/futex/eintr");
  EXPECT_EQ(plan.points, (std::vector{PointId::futex_eintr, PointId::clock_late_timer,
                                      PointId::clock_slow, PointId::clock_fast,
                                      PointId::clock_coarse, PointId::clock_realtime_jump}));
  EXPECT_EQ(plan.limit, 4u);
}

TEST(Plan, UnknownNameInListIsNamed) {
  EXPECT_EQ(complaint("clock,linux/foo"),
            "plan 'clock,linux/foo': 'linux/foo' is no fault point (see aiosim list), no plan "
            "(none, eintr, spurious, clock, setup, all) and no .toml file");
  EXPECT_NE(complaint("").find("'' is no fault point"), std::string::npos);
  EXPECT_NE(complaint("clock,").find("'' is no fault point"), std::string::npos);
}

TEST(Plan, FileGivesNamePointsAndLimit) {
  const File file("name = 'odd'\npoints = ['linux/read/eintr', 'clock/slow']\nlimit = 9\n");
  const Plan plan = parse_plan(file.path());
  EXPECT_EQ(plan.name, "odd");
  EXPECT_EQ(plan.points, (std::vector{PointId::read_eintr, PointId::clock_slow}));
  EXPECT_EQ(plan.limit, 9u);
}

TEST(Plan, FileComplaintsSayWhereAndWhat) {
  const auto expect = [](const std::string& text, int line, const std::string& what) {
    const File file(text);
    EXPECT_EQ(complaint(file.path()), file.at(line) + what);
  };
  expect("name = 'x'\npoints = [\n  'linux/foo',\n]\n", 3,
         "'linux/foo' names no fault point (see aiosim list)");
  expect("points = 'linux/read/eintr'\n", 1, "'points' must be an array of fault point names");
  expect("points = [\n 7]\n", 2, "'points' may hold strings only");
  expect("points = []\nlimit = 0\n", 2, "'limit' must be a whole number from 1 to 1000000");
  expect("points = []\nlimit = 1.5\n", 2, "'limit' must be a whole number from 1 to 1000000");
  expect("points = []\nname = 3\n", 2, "'name' must be a string");
  expect("points = []\n\npiont = 3\n", 3, "unknown key 'piont', expected name, points or limit");
}

TEST(Plan, MalformedFilesGiveOneLine) {
  for (const char* text : {"points = [", "points = ['a'\nlimit", "= 3", "\x01\x02", "a = \xff"}) {
    const File file(text);
    const std::string said = complaint(file.path());
    EXPECT_EQ(said.rfind("plan '" + file.path() + "':", 0), 0u) << said;
    EXPECT_NE(said.find("not TOML"), std::string::npos) << said;
    EXPECT_EQ(said.find('\n'), std::string::npos) << said;
  }
  const File empty("");
  EXPECT_EQ(complaint(empty.path()), "plan '" + empty.path() + "': has no 'points = [...]'");
}

TEST(Plan, UnreadableFileIsNamed) {
  EXPECT_EQ(complaint("/nowhere/x.toml"),
            "plan '/nowhere/x.toml': cannot be read: No such file or directory");
}

}  // namespace
}  // namespace aiosim::fault
