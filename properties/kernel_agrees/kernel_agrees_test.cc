// The simulated kernel agrees with Linux: the same calls give the same results.
//
//   AIOSIM_KERNEL_SEQUENCES=100000 [AIOSIM_KERNEL_SEED=first] kernel_agrees_test
//       --gtest_filter='*Random*'
//
// A sequence that tells them apart is shortened, printed, and written to
// kernel_agrees_failure.calls in the working directory; keep it in corpus/kernel_agrees.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "kernel_agrees/draw.h"
#include "kernel_agrees/steps.h"
#include "kernel_agrees/worlds.h"

namespace kernel_agrees {
namespace {

Worlds& worlds() {
  static Worlds instance;
  instance.prepare();
  return instance;
}

struct Comparison {
  std::string difference;  // empty: none
  bool linux_varies = false;
};

/// Linux may answer differently each time where it leaves the order open (two threads woken at
/// once, say): then one of a few answers has to be ours.
Comparison compare(const Sequence& steps, Plant plant = Plant::none) {
  Comparison comparison;
  std::string failure;
  const Results& ours = worlds().run_simulated(steps, plant, failure);
  if (!failure.empty()) return {to_text(steps) + "# " + failure + '\n'};
  constexpr int tries = 4;
  for (int i = 0; i < tries; ++i) {
    const Results& real = worlds().run_on_linux(steps);
    comparison.difference = first_difference(steps, real, ours);
    if (comparison.difference.empty()) break;
    comparison.linux_varies = true;
  }
  comparison.linux_varies &= comparison.difference.empty();
  return comparison;
}

Sequence shortest(const Sequence& steps, Plant plant = Plant::none) {
  return shrink(steps, [plant](const Sequence& candidate) {
    return !candidate.empty() && !compare(candidate, plant).difference.empty();
  });
}

struct Tally {
  std::uint64_t sequences = 0;
  std::uint64_t calls = 0;
  std::uint64_t fds = 0;
  std::uint64_t varied = 0;
  std::uint64_t ended = 0;  // calls of other threads that blocked or not, and ended
  std::array<std::uint64_t, call_count> succeeded{};

  void add(const Sequence& steps, const Results& results) {
    ++sequences;
    calls += steps.size();
    for (std::size_t i = 0; i < steps.size(); ++i) {
      const bool worked = results.steps[i].count > 0 && results.steps[i].at[0] >= 0;
      if (worked) ++succeeded[static_cast<std::size_t>(steps[i].call)];
      const Call call = steps[i].call;
      const bool makes = call <= Call::timerfd_create || call == Call::socket ||
                         call == Call::accept || (call >= Call::dup && call <= Call::dup_from);
      if (worked && makes) ++fds;
      if (worked && (call == Call::pipe2 || call == Call::socketpair)) fds += 2;
      for (const Figures& figures : results.ended[i]) ended += figures.count > 0 ? 1 : 0;
    }
  }
};

std::uint64_t setting(const char* variable, std::uint64_t usual) {
  const char* const asked = std::getenv(variable);
  return asked != nullptr ? std::strtoull(asked, nullptr, 10) : usual;
}
std::uint64_t wanted_sequences(std::uint64_t usual) {
  return setting("AIOSIM_KERNEL_SEQUENCES", usual);
}

void report(const Sequence& steps) {
  const Sequence least = shortest(steps);
  const std::string text = compare(least).difference;
  std::ofstream("kernel_agrees_failure.calls") << text;
  FAIL() << "the worlds differ (kernel_agrees_failure.calls):\n" << text;
}

void compare_many(std::uint64_t sequences, bool threads, Tally& tally) {
  const std::uint64_t first = setting("AIOSIM_KERNEL_SEED", 1);
  for (std::uint64_t seed = first; seed < first + sequences; ++seed) {
    const Sequence steps = draw(seed, threads);
    const Comparison comparison = compare(steps);
    tally.varied += comparison.linux_varies ? 1 : 0;
    if (!comparison.difference.empty()) {
      std::cout << "seed " << seed << '\n';
      return report(steps);
    }
    std::string failure;
    tally.add(steps, worlds().run_simulated(steps, Plant::none, failure));
  }
  std::cout << tally.sequences << " sequences, " << tally.calls << " calls, " << tally.fds
            << " fds, " << tally.ended << " calls of other threads ended, " << tally.varied
            << " sequences in which Linux itself varies"
            << (worlds().counts_alike() ? "" : "; AF_UNIX by small pieces only") << '\n';
}

TEST(KernelAgrees, RandomSequencesOnOneThread) {
  Tally tally;
  compare_many(wanted_sequences(1500), false, tally);
  if (HasFatalFailure()) return;
  for (std::size_t i = 0; i < call_count; ++i) {
    EXPECT_GT(tally.succeeded[i], tally.sequences / 40)
        << name(static_cast<Call>(i)) << " hardly ever succeeded: a weak comparison";
  }
}

TEST(KernelAgrees, RandomSequencesOnThreads) {
  Tally tally;
  compare_many(wanted_sequences(500), true, tally);
  if (HasFatalFailure()) return;
  EXPECT_GT(tally.ended, tally.sequences * 2);
}

// --- the comparison itself --------------------------------------------------------------------

/// An error planted in one world is found, and its shortest sequence is short.
void finds(Plant plant, std::size_t most_calls) {
  for (std::uint64_t seed = 1; seed <= 2000; ++seed) {
    const Sequence steps = draw(seed, false);
    if (compare(steps, plant).difference.empty()) continue;
    const Sequence least = shortest(steps, plant);
    EXPECT_LE(least.size(), most_calls) << compare(least, plant).difference;
    return;
  }
  FAIL() << "not found in 2000 sequences";
}

TEST(KernelAgrees, FindsAnEdgeThatIsALevel) { finds(Plant::edge_is_level, 6); }
TEST(KernelAgrees, FindsACloseThatForgetsDups) { finds(Plant::close_forgets_dup, 10); }
TEST(KernelAgrees, FindsAHangUpThatIsNotSeen) { finds(Plant::hang_up_unseen, 3); }

TEST(KernelAgrees, TextOfASequenceIsReadBack) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    Sequence steps = draw(seed, true);
    const Sequence again = parse(to_text(steps), "text");
    EXPECT_EQ(to_text(again), to_text(steps));
  }
  const auto complaint = [](const char* text) -> std::string {
    try {
      parse(text, "x.calls");
    } catch (const std::runtime_error& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_EQ(complaint("dup fd=3\nraed fd=4\n"),
            "x.calls:2: 'raed' is no call, or no field of this call with such a value");
  EXPECT_EQ(complaint("read fd=x"),
            "x.calls:1: 'fd=x' is no call, or no field of this call with such a value");
}

// --- what was found once ----------------------------------------------------------------------

std::vector<std::string> kept() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(AIOSIM_KEPT_CALLS)) {
    if (entry.path().extension() == ".calls") names.push_back(entry.path().stem().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

class Kept : public testing::TestWithParam<std::string> {};

TEST_P(Kept, GivesLinuxsResults) {
  const std::string path = std::string(AIOSIM_KEPT_CALLS) + "/" + GetParam() + ".calls";
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  const Sequence steps = parse(text.str(), path);
  ASSERT_FALSE(steps.empty());
  EXPECT_EQ(compare(steps).difference, "");
}

INSTANTIATE_TEST_SUITE_P(KernelAgrees, Kept, testing::ValuesIn(kept()),
                         [](const auto& kept_file) { return kept_file.param; });

}  // namespace
}  // namespace kernel_agrees
