// sources: memory/memory.cc memory/location.cc memory/pool.cc memory/race_detector.cc
// sources: memory/race_report.cc memory/shadow.cc memory/store_history.cc names/names.cc
//
// Races and freed memory byte by byte, odd atomics, and what a new run forgets.
#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <functional>

#include "litmus.h"

namespace aiosim::memory::litmus {
namespace {

const void* pc(std::uintptr_t number) { return reinterpret_cast<const void*>(number); }

/// Two threads that nothing orders, and always the oldest store that may be read.
class MemoryFaults : public testing::Test {
 protected:
  struct Oldest final : ChoiceSource {
    std::uint32_t choose(Kind, std::uint32_t answers) override { return answers - 1; }
    [[noreturn]] void memory_fault(VerdictKind kind, std::string text) override {
      throw Fault{kind, text};
    }
    std::string describe_pc(const void* at) override {
      return "pc" + std::to_string(reinterpret_cast<std::uintptr_t>(at));
    }
  };

  MemoryFaults() : memory(choices) { start(); }

  void start(MemoryMode mode = MemoryMode::weak) {
    memory.reset(mode);
    memory.thread_created(0, 1);
    memory.thread_created(0, 2);
  }

  /// The verdict of `action`; pass if it ends.
  VerdictKind verdict(const std::function<void()>& action) {
    try {
      action();
    } catch (const Fault& fault) {
      text = fault.text;
      return fault.kind;
    }
    return VerdictKind::pass;
  }

  bool says(const std::string& words) const { return text.find(words) != std::string::npos; }

  Oldest choices;
  Memory memory;
  std::string text;
  alignas(64) std::array<unsigned char, 256> bytes{};
};

TEST_F(MemoryFaults, RacesAreExactToTheByte) {
  for (unsigned first = 0; first < 16; ++first) {
    for (unsigned second = 0; second < 16; ++second) {
      start();
      memory.plain_write(1, &bytes[first], 3, pc(1));
      const bool overlap = first < second + 2 && second < first + 3;
      EXPECT_EQ(verdict([&] { memory.plain_read(2, &bytes[second], 2, pc(2)); }),
                overlap ? VerdictKind::data_race : VerdictKind::pass)
          << first << ' ' << second;
    }
  }
}

TEST_F(MemoryFaults, ReadsDoNotRaceWithReads) {
  memory.plain_read(1, bytes.data(), 8, pc(1));
  EXPECT_EQ(verdict([&] { memory.plain_read(2, bytes.data(), 8, pc(2)); }), VerdictKind::pass);
  // Both are kept: a write is checked against each.
  EXPECT_EQ(verdict([&] { memory.plain_write(1, bytes.data(), 1, pc(3)); }),
            VerdictKind::data_race);
  EXPECT_TRUE(says("plain read of 8 bytes by thread 2 before it at pc2")) << text;
}

// A later read by one thread must not hide the earlier write of the same bytes by another.
TEST_F(MemoryFaults, AReadDoesNotHideAWrite) {
  Message lock;
  memory.plain_write(1, bytes.data(), 4, pc(1));
  memory.release(1, lock);
  memory.acquire(0, lock);
  memory.plain_read(0, bytes.data(), 4, pc(2));
  EXPECT_EQ(verdict([&] { memory.plain_read(2, bytes.data(), 4, pc(3)); }), VerdictKind::data_race);
}

TEST_F(MemoryFaults, ManyAccessorsOfOneCell) {
  constexpr std::uint32_t last = max_threads - 1;
  for (std::uint32_t thread = 3; thread <= last; ++thread) memory.thread_created(0, thread);
  for (std::uint32_t thread = 1; thread <= last; ++thread) {
    for (unsigned i = 0; i < 8; ++i) memory.plain_read(thread, &bytes[i], 1, pc(thread));
  }
  for (std::uint32_t thread = 1; thread < last; ++thread) memory.thread_joined(0, thread);
  EXPECT_EQ(verdict([&] { memory.plain_write(0, &bytes[7], 1, pc(1)); }), VerdictKind::data_race);
  EXPECT_TRUE(says("by thread 31")) << text;
}

TEST_F(MemoryFaults, PlainAndAtomicRace) {
  memory.store(1, bytes.data(), 4, 1, rlx, pc(1));
  EXPECT_EQ(verdict([&] { memory.plain_read(2, &bytes[3], 1, pc(2)); }), VerdictKind::data_race);
  EXPECT_TRUE(says("atomic write of 4 bytes by thread 1")) << text;
  start();
  memory.load(1, bytes.data(), 4, rlx, pc(1));
  EXPECT_EQ(verdict([&] { memory.plain_read(2, bytes.data(), 4, pc(2)); }), VerdictKind::pass);
  EXPECT_EQ(verdict([&] { memory.plain_write(2, bytes.data(), 4, pc(2)); }),
            VerdictKind::data_race);
  start();
  memory.plain_write(1, bytes.data(), 4, pc(1));
  EXPECT_EQ(verdict([&] { memory.load(2, bytes.data(), 4, acq, pc(2)); }), VerdictKind::data_race);
  start();
  memory.plain_read(1, bytes.data(), 4, pc(1));
  EXPECT_EQ(verdict([&] { memory.load(2, bytes.data(), 4, acq, pc(2)); }), VerdictKind::pass);
  EXPECT_EQ(verdict([&] { memory.rmw(2, bytes.data(), 4, Rmw::add, 1, ar, pc(2)); }),
            VerdictKind::data_race);
}

TEST_F(MemoryFaults, RangesAreChecked) {
  memory.plain_write(1, &bytes[100], 1, pc(1));
  EXPECT_EQ(verdict([&] { memory.plain_read(2, &bytes[3], 97, pc(2)); }), VerdictKind::pass);
  EXPECT_EQ(verdict([&] { memory.plain_read(2, &bytes[3], 98, pc(2)); }), VerdictKind::data_race);
  EXPECT_TRUE(says("plain read of 98 bytes by thread 2")) << text;
}

TEST_F(MemoryFaults, ReportNamesTheMissingEdge) {
  memory.tick(1);
  memory.plain_write(1, bytes.data(), 4, pc(11));
  memory.tick(1);
  memory.store(1, &bytes[64], 4, 1, rlx, pc(12));
  memory.tick(2);
  while (memory.load(2, &bytes[64], 4, acq, pc(13)).value == 0) memory.tick(2);
  EXPECT_EQ(verdict([&] { memory.plain_write(2, bytes.data(), 4, pc(14)); }),
            VerdictKind::data_race);
  EXPECT_TRUE(says("plain write of 4 bytes by thread 2 at pc14")) << text;
  EXPECT_TRUE(says("plain write of 4 bytes by thread 1 before it at pc11")) << text;
  EXPECT_TRUE(
      says("the relaxed store to atomic 1 by thread 1 at pc12 was read by the acquire load "
           "of thread 2 at pc13"))
      << text;
}

TEST_F(MemoryFaults, ReportSaysWhenNothingWasAcquired) {
  memory.plain_write(1, bytes.data(), 4, pc(11));
  EXPECT_EQ(verdict([&] { memory.plain_read(2, bytes.data(), 4, pc(14)); }),
            VerdictKind::data_race);
  EXPECT_TRUE(says("thread 2 has acquired nothing that thread 1 released after its access"));
}

// --- freed memory
// ---------------------------------------------------------------------------------

TEST_F(MemoryFaults, UseAfterFree) {
  memory.allocated(1, bytes.data(), 48, pc(1));
  memory.store(1, bytes.data(), 8, 1, rlx, pc(2));
  memory.freed(1, bytes.data(), 48, pc(3));
  for (const unsigned at : {0u, 7u, 40u, 47u}) {
    EXPECT_EQ(verdict([&] { memory.plain_read(1, &bytes[at], 1, pc(4)); }),
              VerdictKind::use_after_free);
    EXPECT_TRUE(says(("place: byte " + std::to_string(at)).c_str())) << text;
  }
  EXPECT_TRUE(says("plain read of 1 byte by thread 1 at pc4")) << text;
  EXPECT_TRUE(says("a block of 48 bytes freed by thread 1 at pc3")) << text;
  EXPECT_TRUE(says("allocated by thread 1 at pc1")) << text;
  EXPECT_EQ(verdict([&] { memory.load(1, bytes.data(), 8, acq, pc(4)); }),
            VerdictKind::use_after_free);
  EXPECT_EQ(verdict([&] { memory.plain_write(1, &bytes[48], 1, pc(4)); }), VerdictKind::pass);
  EXPECT_EQ(memory.object_of(bytes.data(), 8), 0u);
}

TEST_F(MemoryFaults, FreeRacesWithWhatCameBefore) {
  memory.allocated(1, bytes.data(), 48, pc(1));
  memory.plain_read(2, &bytes[20], 4, pc(2));
  EXPECT_EQ(verdict([&] { memory.freed(1, bytes.data(), 48, pc(3)); }), VerdictKind::data_race);
  EXPECT_TRUE(says("place: byte 0 of a block of 48 bytes")) << text;
  start();
  memory.load(2, &bytes[24], 8, acq, pc(2));
  EXPECT_EQ(verdict([&] { memory.freed(1, bytes.data(), 48, pc(3)); }), VerdictKind::data_race);
}

TEST_F(MemoryFaults, DiscardingLooksForNoRace) {
  memory.plain_write(2, &bytes[20], 4, pc(2));
  EXPECT_EQ(verdict([&] { memory.discarded(1, bytes.data(), 48, pc(3)); }), VerdictKind::pass);
  EXPECT_EQ(verdict([&] { memory.plain_read(2, &bytes[20], 4, pc(4)); }),
            VerdictKind::use_after_free);
}

// --- odd atomics
// ----------------------------------------------------------------------------------

TEST_F(MemoryFaults, WaitingForAValueEnds) {
  memory.store(1, bytes.data(), 4, 1, rlx, pc(1));
  unsigned stale = 0;
  while (memory.load(2, bytes.data(), 4, rlx, pc(2)).value == 0) ASSERT_LT(++stale, 100u);
  EXPECT_EQ(stale, 8u);
}

TEST_F(MemoryFaults, AWeakExchangeInALoopEnds) {
  unsigned failures = 0;
  while (!memory.compare_exchange(1, bytes.data(), 4, 0, 1, ar, rlx, true, pc(1)).exchanged) {
    ASSERT_LT(++failures, 100u);
  }
  EXPECT_EQ(failures, 4u);
}

TEST_F(MemoryFaults, SixteenBytes) {
  const Value big = Value{7} << 64 | 9;
  memory.store(1, bytes.data(), 16, big, rel, pc(1));
  EXPECT_EQ(bytes[8], 7);
  EXPECT_TRUE(memory.load(2, bytes.data(), 16, acq, pc(2)).value == 0);  // the older store
  EXPECT_TRUE(memory.rmw(2, bytes.data(), 16, Rmw::add, 1, ar, pc(2)).value == big);
  EXPECT_EQ(verdict([&] { memory.plain_read(0, &bytes[15], 1, pc(3)); }), VerdictKind::data_race);
  start();
  memory.plain_write(1, &bytes[15], 1, pc(1));
  EXPECT_EQ(verdict([&] { memory.load(2, bytes.data(), 16, acq, pc(2)); }), VerdictKind::data_race);
}

TEST_F(MemoryFaults, MixedSizesRace) {
  for (const unsigned wide : {8u, 16u}) {
    for (const bool first_writes : {true, false}) {
      start();
      if (first_writes) {
        memory.store(1, bytes.data(), wide, 1, sc, pc(1));
        EXPECT_EQ(verdict([&] { memory.load(2, &bytes[2], 2, sc, pc(2)); }),
                  VerdictKind::data_race);
        EXPECT_TRUE(says("atomic read of 2 bytes by thread 2 at pc2")) << text;
      } else {
        memory.load(1, bytes.data(), wide, sc, pc(1));
        memory.load(2, &bytes[wide - 2], 2, sc, pc(2));
        EXPECT_EQ(verdict([&] { memory.rmw(2, &bytes[wide - 2], 2, Rmw::add, 1, sc, pc(3)); }),
                  VerdictKind::data_race);
        EXPECT_TRUE(says("atomic read of " + std::to_string(wide) + " bytes by thread 1")) << text;
      }
      EXPECT_TRUE(says("both are atomic, but not of one object")) << text;
    }
  }
}

// Accesses that are ordered meet in the newest value; a load ends nobody's history.
TEST_F(MemoryFaults, OrderedMixedSizesMeetInTheNewestValue) {
  for (const unsigned wide : {8u, 16u}) {
    bytes.fill(0);
    start();
    memory.tick(1);
    EXPECT_TRUE(memory.load(1, bytes.data(), wide, rlx, pc(1)).value == 0);
    memory.store(1, bytes.data(), wide, 0x0102'0304, rlx, pc(2));
    Message message;
    memory.release(1, message);
    memory.acquire(2, message);
    EXPECT_TRUE(memory.load(2, &bytes[2], 2, rlx, pc(3)).value == 0x0102);
    memory.thread_created(0, 3);
    EXPECT_TRUE(memory.load(3, bytes.data(), wide, rlx, pc(4)).value == 0);  // the stale one
    start();
    bytes.fill(0);
    memory.store(1, bytes.data(), wide, 0x0102'0304, rlx, pc(2));
    message = {};
    memory.release(1, message);
    memory.acquire(2, message);
    memory.store(2, &bytes[wide - 2], 2, 0xffff, rlx, pc(5));
    message = {};
    memory.release(2, message);
    memory.acquire(1, message);
    EXPECT_TRUE(memory.load(1, bytes.data(), wide, rlx, pc(6)).value ==
                ((Value{0xffff} << (8 * wide - 16)) | 0x0102'0304));
  }
}

TEST_F(MemoryFaults, MisalignedAtomic) {
  EXPECT_EQ(verdict([&] { memory.load(1, &bytes[2], 4, rlx, pc(1)); }), VerdictKind::crash);
  EXPECT_TRUE(says("misaligned atomic load of 4 bytes")) << text;
}

// A constructor, or code that is not instrumented, gives the location a new first value.
TEST_F(MemoryFaults, PlainWritesStartTheHistoryAnew) {
  memory.store(1, bytes.data(), 4, 1, rlx, pc(1));
  memory.store(1, bytes.data(), 4, 2, rlx, pc(1));
  memory.plain_write(1, bytes.data(), 4, pc(2));
  const int five = 5;
  std::memcpy(bytes.data(), &five, 4);
  memory.thread_created(1, 3);
  EXPECT_EQ(memory.load(3, bytes.data(), 4, rlx, pc(3)).candidates, 1u);
  const int six = 6;
  std::memcpy(bytes.data(), &six, 4);
  EXPECT_TRUE(memory.load(3, bytes.data(), 4, rlx, pc(3)).value == 6);
}

TEST_F(MemoryFaults, LongHistoriesLoseTheOldest) {
  for (unsigned i = 1; i <= 1000; ++i) memory.store(1, bytes.data(), 4, i, rlx, pc(1));
  const Outcome outcome = memory.load(2, bytes.data(), 4, rlx, pc(2));
  EXPECT_EQ(outcome.candidates, 32u);
  EXPECT_TRUE(outcome.value == 969);
}

TEST_F(MemoryFaults, OrdinalsFollowFirstUse) {
  EXPECT_EQ(memory.object_of(&bytes[32], 4), 1u);
  EXPECT_EQ(memory.store(1, &bytes[0], 4, 1, rlx, pc(1)).object, 2u);
  EXPECT_EQ(memory.load(1, &bytes[32], 4, rlx, pc(1)).object, 1u);
  start();
  EXPECT_EQ(memory.load(1, &bytes[0], 4, rlx, pc(1)).object, 1u);
}

// --- runs
// -----------------------------------------------------------------------------------------

TEST_F(MemoryFaults, ANewRunForgetsEverything) {
  memory.plain_write(1, bytes.data(), 8, pc(1));
  memory.store(1, &bytes[64], 4, 1, rlx, pc(1));
  memory.allocated(1, &bytes[128], 16, pc(1));
  memory.freed(1, &bytes[128], 16, pc(1));
  memory.release_at(1, &bytes[200]);
  for (int i = 0; i < 100; ++i) start();
  EXPECT_EQ(verdict([&] {
              memory.plain_write(2, bytes.data(), 8, pc(2));
              memory.plain_write(2, &bytes[64], 4, pc(2));
              memory.plain_write(2, &bytes[128], 16, pc(2));
              memory.acquire_at(2, &bytes[200]);
            }),
            VerdictKind::pass);
  EXPECT_EQ(memory.behaviour(), 0u);
}

TEST_F(MemoryFaults, SynchronisationObjectsOrder) {
  Message lock;
  memory.plain_write(1, bytes.data(), 8, pc(1));
  memory.release(1, lock);
  memory.plain_write(1, &bytes[8], 8, pc(1));  // after the release
  memory.acquire(2, lock);
  EXPECT_EQ(verdict([&] { memory.plain_write(2, bytes.data(), 8, pc(2)); }), VerdictKind::pass);
  EXPECT_EQ(verdict([&] { memory.plain_write(2, &bytes[8], 8, pc(2)); }), VerdictKind::data_race);
  start();
  memory.plain_write(1, bytes.data(), 8, pc(1));
  memory.release_at(1, &bytes[200]);
  memory.acquire_at(2, &bytes[200]);
  EXPECT_EQ(verdict([&] { memory.plain_write(2, bytes.data(), 8, pc(2)); }), VerdictKind::pass);
}

}  // namespace
}  // namespace aiosim::memory::litmus
