// sources: cli/words.cc
// Words of the command line: what they take, and what they refuse.
#include "cli/words.h"

#include <gtest/gtest.h>

#include "aiosim/verdict.h"

namespace aiosim::cli {
namespace {

TEST(Words, NumbersAreWholeAndBounded) {
  EXPECT_EQ(parse_number("--runs", "17", 1), 17u);
  EXPECT_EQ(parse_number("--runs", "0xff", 1), 255u);
  EXPECT_EQ(parse_number("--seed", "18446744073709551615", 0), ~std::uint64_t{0});
  for (const char* bad : {"", "0", "-1", "+1", "1.5", "0x", "1 ", " 1", "18446744073709551616"}) {
    EXPECT_THROW(parse_number("--runs", bad, 1), BadInput) << bad;
  }
}

TEST(Words, DurationsHaveUnits) {
  EXPECT_DOUBLE_EQ(parse_duration("--for", "30s"), 30);
  EXPECT_DOUBLE_EQ(parse_duration("--for", "2.5m"), 150);
  EXPECT_DOUBLE_EQ(parse_duration("--for", "2h"), 7200);
  EXPECT_DOUBLE_EQ(parse_duration("--for", "500ms"), 0.5);
  EXPECT_DOUBLE_EQ(parse_duration("--for", "7"), 7);
  for (const char* bad : {"", "s", "0", "-1s", "5x", "5 s", "inf", "nan", "1e400", "99999999h"}) {
    EXPECT_THROW(parse_duration("--for", bad), BadInput) << bad;
  }
}

TEST(Words, NearMissesAreNamedAndFarOnesAreNot) {
  const std::vector<std::string> known = {"explore", "explain", "replay"};
  EXPECT_EQ(closest("explor", known), "explore");
  EXPECT_EQ(closest("replya", known), "replay");
  EXPECT_EQ(closest("museum", known), "");
  EXPECT_EQ(closest("", known), "");
}

TEST(Words, SlugsAreFileNames) {
  EXPECT_EQ(slug("Home sleeps: for ever! (fd 4)", 60), "home_sleeps_for_ever_fd_4");
  EXPECT_EQ(slug("one two three", 9), "one_two");
  EXPECT_EQ(slug("../../etc/passwd", 60), "etc_passwd");
  EXPECT_EQ(slug("\xff\n", 60), "");
}

TEST(Words, MessagesStayOnOneLine) {
  EXPECT_EQ(one_line("a\nb"), "a");
  EXPECT_EQ(one_line("a\x1b[2J\tb"), "a?[2J?b");
  EXPECT_EQ(with_commas(0), "0");
  EXPECT_EQ(with_commas(999), "999");
  EXPECT_EQ(with_commas(1234567), "1,234,567");
}

}  // namespace
}  // namespace aiosim::cli
