// The hooks, called as instrumented code calls them: in worlds, and outside.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <set>
#include <string>
#include <thread>

#include "aiosim/choice.h"
#include "aiosim/observe.h"
#include "aiosim/run.h"
#include "memory/memory.h"

using Wide = aiosim::memory::Value;

extern "C" {
std::uint32_t __tsan_atomic32_load(const volatile std::uint32_t*, int);
void __tsan_atomic32_store(volatile std::uint32_t*, std::uint32_t, int);
std::uint32_t __tsan_atomic32_fetch_add(volatile std::uint32_t*, std::uint32_t, int);
int __tsan_atomic32_compare_exchange_weak(volatile std::uint32_t*, std::uint32_t*, std::uint32_t,
                                          int, int);
std::uint8_t __tsan_atomic8_fetch_nand(volatile std::uint8_t*, std::uint8_t, int);
std::uint64_t __tsan_atomic64_compare_exchange_val(volatile std::uint64_t*, std::uint64_t,
                                                   std::uint64_t, int, int);
Wide __tsan_atomic128_load(const volatile Wide*, int);
void __tsan_atomic128_store(volatile Wide*, Wide, int);
int __tsan_atomic128_compare_exchange_strong(volatile Wide*, Wide*, Wide, int, int);
void __tsan_atomic_thread_fence(int);
void __tsan_read4(void*);
void __tsan_write4(void*);
void* __tsan_memcpy(void*, const void*, std::size_t);
}

namespace aiosim {
namespace {

constexpr int relaxed = 0, acquire = 2, release = 3, seq_cst = 5;

class RandomChooser final : public Chooser {
 public:
  explicit RandomChooser(std::uint64_t seed) : random_(seed) {}
  void begin() override {}
  std::uint32_t choose(const Question& question) override {
    return random_.below(question.answers);
  }

 private:
  Random random_;
};

class Dull final : public Chooser {
 public:
  void begin() override {}
  std::uint32_t choose(const Question&) override { return 0; }
};

RunResult run_with(std::uint64_t seed, const std::function<void()>& body, RunOptions options = {}) {
  RandomChooser chooser(seed);
  return run(
      [&] {
        const UnderTestScope scope;
        body();
      },
      chooser, options);
}

template <class First, class Second>
void two_threads(First first, Second second) {
  std::thread one(first);
  std::thread two(second);
  one.join();
  two.join();
}

std::set<std::string> store_buffering(bool fences, MemoryMode mode) {
  std::set<std::string> seen;
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    static std::uint32_t x, y;
    std::uint32_t a = 9, b = 9;
    RunOptions options;
    options.memory = mode;
    const RunResult result = run_with(
        seed,
        [&] {
          x = y = 0;
          const auto side = [fences](std::uint32_t& mine, std::uint32_t& other,
                                     std::uint32_t& got) {
            __tsan_atomic32_store(&mine, 1, relaxed);
            if (fences) __tsan_atomic_thread_fence(seq_cst);
            got = __tsan_atomic32_load(&other, relaxed);
          };
          two_threads([&] { side(x, y, a); }, [&] { side(y, x, b); });
        },
        options);
    EXPECT_TRUE(result.verdict.passed()) << result.verdict.text;
    seen.insert(std::to_string(a) + std::to_string(b));
  }
  return seen;
}

TEST(TsanAbi, StoreBufferingShowsWeakMemory) {
  EXPECT_EQ(store_buffering(false, MemoryMode::weak),
            (std::set<std::string>{"00", "01", "10", "11"}));
}

TEST(TsanAbi, FencesAndSequentialConsistencyForbidIt) {
  const std::set<std::string> strong{"01", "10", "11"};
  EXPECT_EQ(store_buffering(true, MemoryMode::weak), strong);
  EXPECT_EQ(store_buffering(false, MemoryMode::sc), strong);
}

std::set<VerdictKind> message_passing(int store, int load, std::string& text) {
  std::set<VerdictKind> seen;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    static std::uint32_t flag, data;
    const RunResult result = run_with(seed, [&] {
      flag = data = 0;
      two_threads(
          [&] {
            __tsan_write4(&data);
            data = 7;
            __tsan_atomic32_store(&flag, 1, store);
          },
          [&] {
            while (__tsan_atomic32_load(&flag, load) == 0) {
            }
            __tsan_read4(&data);
          });
    });
    seen.insert(result.verdict.kind);
    if (!result.verdict.passed()) text = result.verdict.text;
  }
  return seen;
}

TEST(TsanAbi, RelaxedMessagePassingRacesAndNamesTheEdge) {
  std::string text;
  EXPECT_EQ(message_passing(relaxed, acquire, text), (std::set{VerdictKind::data_race}));
  EXPECT_NE(text.find("plain read of 4 bytes by thread 2"), std::string::npos) << text;
  EXPECT_NE(text.find("plain write of 4 bytes by thread 1"), std::string::npos) << text;
  EXPECT_NE(text.find("the relaxed store to atomic 1 by thread 1"), std::string::npos) << text;
}

TEST(TsanAbi, ReleaseAndAcquirePassTheMessage) {
  std::string text;
  EXPECT_EQ(message_passing(release, acquire, text), (std::set{VerdictKind::pass})) << text;
}

TEST(TsanAbi, WeakCompareExchangeMayFailForNoReason) {
  std::set<int> seen;
  for (std::uint64_t seed = 0; seed < 30; ++seed) {
    int exchanged = 2;
    const RunResult result = run_with(seed, [&] {
      std::uint32_t x = 3, expected = 3;
      exchanged = __tsan_atomic32_compare_exchange_weak(&x, &expected, 4, seq_cst, relaxed);
      if (expected != 3 || x != (exchanged != 0 ? 4u : 3u)) stop_run({VerdictKind::crash, "", ""});
    });
    seen.insert(exchanged);
    EXPECT_TRUE(result.verdict.passed());
  }
  EXPECT_EQ(seen, (std::set{0, 1}));
}

TEST(TsanAbi, SameAnswersSameHash) {
  const auto hash = [] {
    return run_with(5,
                    [] {
                      auto counter = std::make_unique<std::uint32_t>(0);
                      const auto add = [&] {
                        for (int i = 0; i < 20; ++i)
                          __tsan_atomic32_fetch_add(counter.get(), 1, relaxed);
                      };
                      two_threads(add, add);
                      note("sum", *counter);
                    })
        .trace_hash;
  };
  const std::uint64_t first = hash();
  EXPECT_EQ(first, hash());
  EXPECT_EQ(first, hash());
}

TEST(TsanAbi, TraceSaysWhichStoreWasRead) {
  RunOptions options;
  options.record_trace = true;
  static std::uint32_t x;
  const RunResult result = run_with(
      1,
      [] {
        x = 5;
        __tsan_atomic32_load(&x, acquire);
      },
      options);
  ASSERT_FALSE(result.trace.empty());
  const TraceEvent& event = result.trace.front();
  EXPECT_STREQ(event.operation, "atomic load");
  EXPECT_EQ(event.object, "atomic 1");
  EXPECT_EQ(event.a, 5);
  EXPECT_EQ(event.detail, "acquire");
}

TEST(TsanAbi, LoopWithoutPointIsALivelock) {
  const RunResult result = run_with(1, [] {
    std::uint32_t x = 0;
    while (true) __tsan_read4(&x);
  });
  EXPECT_EQ(result.verdict.kind, VerdictKind::livelock);
  EXPECT_NE(result.verdict.text.find("without a scheduling point"), std::string::npos);
}

// The watchdog's two seconds of processor time.
TEST(TsanAbi, ALoopWithoutAHookIsALivelock) {
  const RunResult result = run_with(1, [] {
    while (true) asm volatile("");
  });
  EXPECT_EQ(result.verdict.kind, VerdictKind::livelock);
  EXPECT_NE(result.verdict.text.find("without a scheduling point"), std::string::npos);
  EXPECT_GT(result.unseen_points, 0U);
}

TEST(TsanAbi, ANullPointersCrashIsToldWhereItIs) {
  const RunResult result = run_with(1, [] {
    auto* volatile nowhere = reinterpret_cast<std::uint32_t*>(8);
    __tsan_write4(nowhere);
    *nowhere = 1;
  });
  EXPECT_EQ(result.verdict.kind, VerdictKind::crash);
  EXPECT_NE(result.verdict.text.find("null pointer access at 0x8 "), std::string::npos)
      << result.verdict.text;
}

TEST(TsanAbi, AnExitBehindTheRunsBackEndsTheRunAlone) {
  const RunResult result = run_with(1, [] { _exit(0); });
  EXPECT_EQ(result.verdict.kind, VerdictKind::crash);
  EXPECT_NE(result.verdict.text.find("calls _exit()"), std::string::npos) << result.verdict.text;
}

TEST(TsanAbi, TimePassesWithoutAPoint) {
  const RunResult result = run_with(1, [] {
    const std::int64_t before_ns = now_ns();
    const std::uint64_t before = step();
    pass_time(500);
    if (now_ns() != before_ns + 500 || step() != before) std::abort();
  });
  EXPECT_TRUE(result.verdict.passed()) << result.verdict.text;
}

TEST(TsanAbi, MisalignedAtomicEndsTheRun) {
  const RunResult result = run_with(1, [] {
    alignas(8) unsigned char bytes[8] = {};
    __tsan_atomic32_load(reinterpret_cast<std::uint32_t*>(bytes + 1), relaxed);
  });
  EXPECT_EQ(result.verdict.kind, VerdictKind::crash);
  EXPECT_NE(result.verdict.text.find("misaligned"), std::string::npos) << result.verdict.text;
}

// The same code gives the same values outside a world, and in one.
void atomics_of_all_sizes() {
  std::uint8_t byte = 0x0f;
  ASSERT_EQ(__tsan_atomic8_fetch_nand(&byte, 0x3c, seq_cst), 0x0f);
  ASSERT_EQ(byte, 0xf3);
  std::uint64_t word = 7;
  ASSERT_EQ(__tsan_atomic64_compare_exchange_val(&word, 7, 8, seq_cst, relaxed), 7u);
  ASSERT_EQ(__tsan_atomic64_compare_exchange_val(&word, 7, 9, seq_cst, relaxed), 8u);
  ASSERT_EQ(word, 8u);
  alignas(16) Wide wide = Wide{3} << 64 | 4;
  Wide expected = wide;
  ASSERT_EQ(__tsan_atomic128_compare_exchange_strong(&wide, &expected, Wide{5} << 64, seq_cst, 0),
            1);
  ASSERT_EQ(__tsan_atomic128_compare_exchange_strong(&wide, &expected, 1, seq_cst, 0), 0);
  ASSERT_TRUE(expected == Wide{5} << 64);
  __tsan_atomic128_store(&wide, ~Wide{0}, release);
  ASSERT_TRUE(__tsan_atomic128_load(&wide, acquire) == ~Wide{0});
}

TEST(TsanAbi, AtomicsOfAllSizes) {
  atomics_of_all_sizes();
  Dull dull;
  const RunResult result = run(
      [] {
        const UnderTestScope scope;
        atomics_of_all_sizes();
      },
      dull);
  EXPECT_TRUE(result.verdict.passed()) << result.verdict.text;
  EXPECT_EQ(result.points, 7u);
}

TEST(TsanAbi, CopiesAreChecked) {
  std::set<VerdictKind> seen;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    static char from[64], to[64];
    seen.insert(run_with(seed, [] {
                  two_threads([] { __tsan_memcpy(to, from, 40); },
                              [] { __tsan_memcpy(from + 39, to + 41, 2); });
                }).verdict.kind);
  }
  EXPECT_EQ(seen, (std::set{VerdictKind::data_race}));
}

}  // namespace
}  // namespace aiosim
