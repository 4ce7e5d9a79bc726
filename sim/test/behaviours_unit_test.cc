// Distinct behaviours and the chance of a new one.
//
// sources: explore/behaviours.cc
#include "explore/behaviours.h"

#include <gtest/gtest.h>

#include "aiosim/choice.h"

namespace aiosim {
namespace {

TEST(Behaviours, are_counted_exactly_until_full_and_estimated_beyond) {
  Behaviours exact;
  for (std::uint64_t i = 0; i < 10'000; ++i) exact.add(i % 3000);
  EXPECT_EQ(exact.distinct(), 3000u);
  EXPECT_EQ(exact.chance_new(), 0);
  for (std::uint64_t i = 0; i < 10'000; ++i) exact.add(1'000'000 + i);
  EXPECT_EQ(exact.distinct(), 13'000u);
  EXPECT_DOUBLE_EQ(exact.chance_new(), 0.5);

  Behaviours bounded(1000);
  for (std::uint64_t i = 0; i < 200'000; ++i) bounded.add(i % 50'000 + (i < 50'000 ? 50'000 : 0));
  EXPECT_NEAR(static_cast<double>(bounded.distinct()), 100'000, 15'000);
  EXPECT_NEAR(bounded.chance_new(), 0.25, 0.05);
}

TEST(Behaviours, merged_parts_come_to_what_the_whole_comes_to) {
  for (const std::size_t capacity : {100'000u, 1000u}) {
    Behaviours whole(capacity);
    Behaviours parts(capacity);
    for (std::uint64_t part = 0; part < 7; ++part) {
      Behaviours one(capacity);
      for (std::uint64_t i = 0; i < 300 * (part + 1); ++i) {
        const std::uint64_t behaviour = mix64(i * part) % 5000;
        whole.add(behaviour);
        one.add(behaviour);
      }
      if (part % 2 == 0) {
        parts.merge(one);
      } else {
        parts.merge_bytes(one.bytes());
      }
    }
    EXPECT_EQ(parts.distinct(), whole.distinct());
    EXPECT_EQ(parts.chance_new(), whole.chance_new());
    EXPECT_GT(whole.chance_new(), 0);
  }
}

}  // namespace
}  // namespace aiosim
