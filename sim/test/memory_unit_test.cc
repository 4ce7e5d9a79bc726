// sources: memory/memory.cc memory/location.cc memory/pool.cc memory/race_detector.cc
// sources: memory/race_report.cc memory/shadow.cc memory/store_history.cc names/names.cc
//
// The memory model against litmus tests: for each, the exact set of outcomes of all executions.
// Modification order and S are execution order here, so three kinds of outcome that C++20 allows
// are never seen: load buffering (LB), and the ones that need a modification order against
// execution order (2+2W, relaxed S). The tests state those sets too.

#include <gtest/gtest.h>

#include "litmus.h"

namespace aiosim::memory::litmus {
namespace {

using Set = std::set<std::string>;
const Set two_bits{"00", "01", "10", "11"};

// --- store buffering: does a full barrier between a store and a load hold?
// ------------------------

TEST(StoreBuffering, BothMayMissWithoutSeqCst) {
  EXPECT_EQ(outcomes({{W(x, 1, rlx), R(y, rlx)}, {W(y, 1, rlx), R(x, rlx)}}), two_bits);
  EXPECT_EQ(outcomes({{W(x, 1, rel), R(y, acq)}, {W(y, 1, rel), R(x, acq)}}), two_bits);
  EXPECT_EQ(outcomes({{W(x, 1, sc), R(y, acq)}, {W(y, 1, sc), R(x, acq)}}), two_bits);
  EXPECT_EQ(outcomes({{W(x, 1, rlx), R(y, sc)}, {W(y, 1, rlx), R(x, sc)}}), two_bits);
}

TEST(StoreBuffering, SeqCstOperationsForbidBothMissing) {
  EXPECT_EQ(outcomes({{W(x, 1, sc), R(y, sc)}, {W(y, 1, sc), R(x, sc)}}), (Set{"01", "10", "11"}));
}

TEST(StoreBuffering, TwoSeqCstFencesForbidBothMissing) {
  EXPECT_EQ(outcomes({{W(x, 1, rlx), F(sc), R(y, rlx)}, {W(y, 1, rlx), F(sc), R(x, rlx)}}),
            (Set{"01", "10", "11"}));
}

TEST(StoreBuffering, OneFenceOrAcqRelFencesAreNotEnough) {
  EXPECT_EQ(outcomes({{W(x, 1, rlx), F(sc), R(y, rlx)}, {W(y, 1, rlx), R(x, rlx)}}), two_bits);
  EXPECT_EQ(outcomes({{W(x, 1, rlx), F(ar), R(y, rlx)}, {W(y, 1, rlx), F(ar), R(x, rlx)}}),
            two_bits);
}

// [atomics.order] 4.2 and 4.3: a fence on one side pairs with seq_cst operations on the other.
TEST(StoreBuffering, FencePairsWithSeqCstOperations) {
  EXPECT_EQ(outcomes({{W(x, 1, rlx), F(sc), R(y, rlx)}, {W(y, 1, sc), R(x, sc)}}),
            (Set{"01", "10", "11"}));
  EXPECT_EQ(outcomes({{W(x, 1, rlx), F(sc), R(y, rlx)}, {W(y, 1, sc), R(x, acq)}}), two_bits);
  EXPECT_EQ(outcomes({{W(x, 1, rlx), F(sc), R(y, rlx)}, {W(y, 1, rlx), R(x, sc)}}), two_bits);
}

TEST(StoreBuffering, ReadModifyWriteReadsTheNewest) {
  EXPECT_EQ(outcomes({{W(x, 1, rlx), Add(y, 0, ar)}, {W(y, 1, rlx), Add(x, 0, ar)}}),
            (Set{"01", "10", "11"}));
}

TEST(StoreBuffering, SequentiallyConsistentModeReadsTheNewest) {
  EXPECT_EQ(outcomes({{W(x, 1, rlx), R(y, rlx)}, {W(y, 1, rlx), R(x, rlx)}}, {}, MemoryMode::sc),
            (Set{"01", "10", "11"}));
}

// A fence orders what happens after it, in other threads too (C++20; C++11 said sequenced after).
TEST(StoreBuffering, FenceReachesThroughHappensBefore) {
  const auto seen = outcomes({{W(x, 1, rlx), F(sc), W(z, 1, rel)},
                              {R(z, acq), If(1, R(y, rlx))},
                              {W(y, 1, rlx), F(sc), R(x, rlx)}});
  EXPECT_EQ(seen, (Set{"00", "01", "101", "110", "111"}));  // not 100
  const auto relaxed = outcomes({{W(x, 1, rlx), F(sc), W(z, 1, rlx)},
                                 {R(z, rlx), If(1, R(y, rlx))},
                                 {W(y, 1, rlx), F(sc), R(x, rlx)}});
  EXPECT_EQ(relaxed, (Set{"00", "01", "100", "101", "110", "111"}));
}

// --- message passing
// ------------------------------------------------------------------------------

TEST(MessagePassing, NeedsReleaseAndAcquire) {
  EXPECT_EQ(outcomes({{W(x, 1, rlx), W(y, 1, rlx)}, {R(y, rlx), R(x, rlx)}}), two_bits);
  EXPECT_EQ(outcomes({{W(x, 1, rlx), W(y, 1, rel)}, {R(y, rlx), R(x, rlx)}}), two_bits);
  EXPECT_EQ(outcomes({{W(x, 1, rlx), W(y, 1, rlx)}, {R(y, acq), R(x, rlx)}}), two_bits);
  EXPECT_EQ(outcomes({{W(x, 1, rlx), W(y, 1, rel)}, {R(y, acq), R(x, rlx)}}),
            (Set{"00", "01", "11"}));
  EXPECT_EQ(outcomes({{W(x, 1, rlx), W(y, 1, sc)}, {R(y, sc), R(x, rlx)}}),
            (Set{"00", "01", "11"}));
}

TEST(MessagePassing, FencesSynchroniseThroughRelaxedAccesses) {
  const Set ordered{"00", "01", "11"};
  EXPECT_EQ(outcomes({{W(x, 1, rlx), F(rel), W(y, 1, rlx)}, {R(y, rlx), F(acq), R(x, rlx)}}),
            ordered);
  EXPECT_EQ(outcomes({{W(x, 1, rlx), F(rel), W(y, 1, rlx)}, {R(y, acq), R(x, rlx)}}), ordered);
  EXPECT_EQ(outcomes({{W(x, 1, rlx), W(y, 1, rel)}, {R(y, rlx), F(acq), R(x, rlx)}}), ordered);
  EXPECT_EQ(outcomes({{W(x, 1, rlx), F(acq), W(y, 1, rlx)}, {R(y, rlx), F(acq), R(x, rlx)}}),
            two_bits);
}

TEST(MessagePassing, PlainDataRacesWithoutTheEdge) {
  const auto pass = [](int store, int load) {
    return outcomes({{Write(data, 7), W(y, 1, store)}, {R(y, load), If(1, Read(data))}});
  };
  EXPECT_EQ(pass(rel, acq), (Set{"0", "17"}));
  EXPECT_EQ(pass(sc, sc), (Set{"0", "17"}));
  EXPECT_EQ(pass(rlx, acq), (Set{"0", "race"}));
  EXPECT_EQ(pass(rel, rlx), (Set{"0", "race"}));
}

// What a thread does after a release is not published by it.
TEST(MessagePassing, WritesAfterTheReleaseRace) {
  EXPECT_EQ(outcomes({{W(y, 1, rel), Write(data, 7)}, {R(y, acq), If(1, Read(data))}}),
            (Set{"0", "race"}));
  EXPECT_EQ(outcomes({{F(rel), W(y, 1, rlx), Write(data, 7)}, {R(y, acq), If(1, Read(data))}}),
            (Set{"0", "race"}));
}

TEST(MessagePassing, SequentialConsistencyKeepsTheRace) {
  EXPECT_EQ(outcomes({{Write(data, 7), W(y, 1, rlx)}, {R(y, rlx), If(1, Read(data))}}, {},
                     MemoryMode::sc),
            (Set{"0", "race"}));
}

// --- coherence
// ------------------------------------------------------------------------------------

TEST(Coherence, ReadsDoNotGoBack) {
  EXPECT_EQ(outcomes({{W(x, 1, rlx), W(x, 2, rlx)}, {R(x, rlx), R(x, rlx)}}),
            (Set{"00", "01", "02", "11", "12", "22"}));
}

TEST(Coherence, ReadersAgreeOnTheOrderOfStores) {
  const auto seen =
      outcomes({{W(x, 1, rlx)}, {W(x, 2, rlx)}, {R(x, rlx), R(x, rlx)}, {R(x, rlx), R(x, rlx)}});
  EXPECT_TRUE(seen.contains("1212"));
  EXPECT_TRUE(seen.contains("2121"));
  EXPECT_TRUE(seen.contains("0012"));
  EXPECT_FALSE(seen.contains("1221"));
  EXPECT_FALSE(seen.contains("2112"));
}

// CoRR through another thread: a read that happens before mine is a floor for mine.
TEST(Coherence, ReadsOfOthersBind) {
  const auto seen = outcomes({{W(x, 1, rlx)}, {R(x, rlx), W(y, 1, rel)}, {R(y, acq), R(x, rlx)}});
  EXPECT_EQ(seen, (Set{"000", "001", "010", "011", "100", "101", "111"}));  // not 110
}

TEST(Coherence, OwnAccessesBind) {
  EXPECT_EQ(outcomes({{W(x, 1, rlx), R(x, rlx)}, {W(x, 2, rlx)}}), (Set{"1", "2"}));
  EXPECT_EQ(outcomes({{R(x, rlx), W(x, 1, rlx)}, {W(x, 2, rlx)}}), (Set{"0", "2"}));
  EXPECT_EQ(outcomes({{W(x, 1, rlx), W(x, 2, rlx)}}, {x}), (Set{"2"}));
}

// --- independent reads of independent writes
// --------------------------------------------------------

Program iriw(int store, int load, bool fences) {
  Program program{{W(x, 1, store)}, {W(y, 1, store)}, {R(x, load)}, {R(y, load)}};
  if (fences) program[2].push_back(F(sc));
  if (fences) program[3].push_back(F(sc));
  program[2].push_back(R(y, load));
  program[3].push_back(R(x, load));
  return program;
}

TEST(IndependentReads, AcquireDoesNotOrderTheWrites) {
  const auto seen = outcomes(iriw(rel, acq, false));
  EXPECT_EQ(seen.size(), 16u);
  EXPECT_TRUE(seen.contains("1010"));
}

TEST(IndependentReads, SeqCstLoadsDo) {
  for (const int store : {int{sc}, int{rlx}}) {
    const auto seen = outcomes(iriw(store, sc, false));
    EXPECT_EQ(seen.size(), 15u) << store;
    EXPECT_FALSE(seen.contains("1010")) << store;
  }
}

TEST(IndependentReads, SeqCstFencesDo) {
  const auto seen = outcomes(iriw(rlx, rlx, true));
  EXPECT_EQ(seen.size(), 15u);
  EXPECT_FALSE(seen.contains("1010"));
}

// --- release sequences
// ------------------------------------------------------------------------------

TEST(ReleaseSequence, ReadModifyWritesContinueIt) {
  EXPECT_EQ(outcomes({{Write(data, 7), W(y, 1, rel)},
                      {R(y, rlx), If(1, Add(y, 1, rlx))},
                      {R(y, acq), If(2, Read(data))}}),
            (Set{"00", "01", "110", "111", "1127"}));
}

TEST(ReleaseSequence, AStoreOfTheSameThreadEndsIt) {
  const auto seen =
      outcomes({{Write(data, 7), W(y, 1, rel), W(y, 2, rlx)}, {R(y, acq), If(2, Read(data))}});
  EXPECT_EQ(seen, (Set{"0", "1", "race"}));
}

TEST(ReleaseSequence, ChainOfReadModifyWrites) {
  const auto seen = outcomes({{Write(data, 7), Add(y, 1, rel)},
                              {Add(y, 1, rlx)},
                              {Add(y, 1, rlx)},
                              {R(y, acq), If(3, Read(data))}});
  EXPECT_FALSE(seen.contains("race"));
  EXPECT_TRUE(seen.contains("01237"));
  EXPECT_TRUE(seen.contains("20137"));
}

TEST(ReadModifyWrite, IsAtomic) {
  EXPECT_EQ(outcomes({{Add(x, 1, rlx)}, {Add(x, 1, rlx)}}, {x}), (Set{"012", "102"}));
}

// --- causality
// --------------------------------------------------------------------------------------

TEST(Causality, WriteToReadIsTransitive) {
  EXPECT_EQ(outcomes({{W(x, 1, rel)}, {R(x, acq), W(y, 1, rel)}, {R(y, acq), R(x, rlx)}}),
            (Set{"000", "001", "010", "011", "100", "101", "111"}));
  EXPECT_EQ(outcomes({{W(x, 1, rlx)}, {R(x, rlx), W(y, 1, rlx)}, {R(y, rlx), R(x, rlx)}}).size(),
            8u);
}

// R: the last store to y, then what the second thread read of x.
TEST(Causality, R) {
  EXPECT_EQ(outcomes({{W(x, 1, rlx), W(y, 1, rlx)}, {W(y, 2, rlx), R(x, rlx)}}, {y}),
            (Set{"01", "02", "11", "12"}));
  EXPECT_EQ(outcomes({{W(x, 1, sc), W(y, 1, sc)}, {W(y, 2, sc), R(x, sc)}}, {y}),
            (Set{"01", "11", "12"}));
  EXPECT_EQ(outcomes({{W(x, 1, rlx), F(sc), W(y, 1, rlx)}, {W(y, 2, rlx), F(sc), R(x, rlx)}}, {y}),
            (Set{"01", "11", "12"}));
}

// S: 12 is forbidden with release and acquire. Relaxed accesses allow it, but only against
// execution order in x.
TEST(Causality, S) {
  const Set seen{"01", "02", "11"};
  EXPECT_EQ(outcomes({{W(x, 2, rlx), W(y, 1, rel)}, {R(y, acq), W(x, 1, rlx)}}, {x}), seen);
  EXPECT_EQ(outcomes({{W(x, 2, rlx), W(y, 1, rlx)}, {R(y, rlx), W(x, 1, rlx)}}, {x}), seen);
}

TEST(OutOfReach, LoadBuffering) {
  EXPECT_EQ(outcomes({{R(x, rlx), W(y, 1, rlx)}, {R(y, rlx), W(x, 1, rlx)}}),
            (Set{"00", "01", "10"}));
}

TEST(OutOfReach, TwoPlusTwoWrites) {
  EXPECT_EQ(outcomes({{W(x, 1, rlx), W(y, 2, rlx)}, {W(y, 1, rlx), W(x, 2, rlx)}}, {x, y}),
            (Set{"12", "21", "22"}));
}

// --- compare-exchange
// -------------------------------------------------------------------------------

TEST(CompareExchange, FailsOnAStaleStoreThatDiffers) {
  EXPECT_EQ(outcomes({{W(x, 1, rlx)}, {Cas(x, 1, 5, ar)}}, {x}), (Set{"01", "15"}));
  // x == 0 is what is expected: a stale 0 does not make it succeed.
  EXPECT_EQ(outcomes({{W(x, 1, rlx)}, {Cas(x, 0, 5, ar)}}, {x}), (Set{"01", "11"}));
}

TEST(CompareExchange, OneOfTwoWins) {
  const auto seen = outcomes({{Cas(x, 0, 1, ar)}, {Cas(x, 0, 2, ar)}}, {x});
  EXPECT_EQ(seen, (Set{"011", "202"}));
}

// --- behaviour
// --------------------------------------------------------------------------------------

// One signature for all executions of one set of reads-from edges, however they are interleaved.
TEST(Behaviour, CountsReadsFromRelations) {
  Litmus litmus({{W(x, 1, rlx), R(y, rlx)}, {W(y, 1, rlx), R(x, rlx)}});
  litmus.outcomes();
  EXPECT_EQ(litmus.behaviours.size(), 4u);
  EXPECT_GT(litmus.executions, 4u);
}

}  // namespace
}  // namespace aiosim::memory::litmus
