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
  std::string kind;        // of the difference: at which call
  bool again = false;      // agreed at another try
  std::size_t open_at = nowhere;
};

/// Tried again with patience, as Linux delays acknowledgements; and some more: another process may
/// take the CPU from a call of the main thread, and the thread that the call has just woken run
/// before its end; and the port that a socket is given may be that of an ended connection
/// (TIME_WAIT), so that it is in use once the socket gives it up.
Comparison compare(const Sequence& steps, Plant plant = Plant::none) {
  Comparison comparison;
  Ending ending;
  const Results& ours = worlds().run_simulated(steps, plant, ending);
  comparison.open_at = ending.open_at;
  if (!ending.failure.empty()) {
    comparison.difference = to_text(steps) + "# " + ending.failure + '\n';
    comparison.kind = "ended";
    return comparison;
  }
  constexpr int tries = 5;
  for (int i = 0; i < tries; ++i) {
    const Results& real = worlds().run_on_linux(steps, i > 0);
    const Difference found = first_difference(steps, real, ours);
    comparison.difference = found.text;
    if (found.text.empty()) break;
    comparison.kind = name(steps[found.at].call);
    comparison.again = true;
  }
  comparison.again &= comparison.difference.empty();
  return comparison;
}

/// A sequence that differs in the same call, for the same reason as far as one can tell.
Sequence shortest(const Sequence& steps, const std::string& kind, Plant plant = Plant::none) {
  return shrink(steps, [&kind, plant](const Sequence& candidate) {
    if (candidate.empty()) return false;
    const Comparison again = compare(candidate, plant);
    return !again.difference.empty() && again.kind == kind && again.open_at == nowhere;
  });
}

/// Without the calls that wake two threads at once.
Sequence ordered(Sequence steps) {
  Ending ending;
  for (worlds().run_simulated(steps, Plant::none, ending); ending.open_at < steps.size();
       worlds().run_simulated(steps, Plant::none, ending)) {
    steps.erase(steps.begin() + static_cast<std::ptrdiff_t>(ending.open_at));
  }
  return steps;
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

void report(const Sequence& steps, const Comparison& seen) {
  std::string text = compare(shortest(steps, seen.kind)).difference;
  if (text.empty()) text = seen.difference + "# (made again, the same calls agreed)\n";
  std::ofstream("kernel_agrees_failure.calls") << text;
  FAIL() << "the worlds differ (kernel_agrees_failure.calls):\n" << text;
}

void compare_many(std::uint64_t sequences, bool threads, Tally& tally) {
  const std::uint64_t first = setting("AIOSIM_KERNEL_SEED", 1);
  for (std::uint64_t seed = first; seed < first + sequences; ++seed) {
    const Sequence steps = ordered(draw(seed, threads));
    const Comparison comparison = compare(steps);
    tally.varied += comparison.again ? 1 : 0;
    if (!comparison.difference.empty()) {
      std::cout << "seed " << seed << '\n';
      return report(steps, comparison);
    }
    Ending ending;
    tally.add(steps, worlds().run_simulated(steps, Plant::none, ending));
  }
  std::cout << tally.sequences << " sequences, " << tally.calls << " calls, " << tally.fds
            << " fds, " << tally.ended << " calls of other threads ended, " << tally.varied
            << " sequences that agreed at another try only"
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
    const Comparison seen = compare(steps, plant);
    if (seen.difference.empty()) continue;
    const Sequence least = shortest(steps, seen.kind, plant);
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
