// The heap of a run: addresses, uses of freed memory, and what belongs to the host.
#include <gtest/gtest.h>
#include <malloc.h>

#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "aiosim/choice.h"
#include "aiosim/observe.h"
#include "aiosim/run.h"

extern "C" {
std::uint32_t __tsan_atomic32_load(const volatile std::uint32_t*, int);
void __tsan_read4(void*);
void __tsan_write4(void*);
}

namespace aiosim {
namespace {

class Dull final : public Chooser {
 public:
  void begin() override {}
  std::uint32_t choose(const Question&) override { return 0; }
};

RunResult run_under_test(const std::function<void()>& body) {
  Dull chooser;
  return run(
      [&] {
        const UnderTestScope scope;
        body();
      },
      chooser);
}

// g++ knows what malloc and free do, and would take these programs apart.
template <class T>
T* opaque(T* pointer) {
  asm volatile("" : "+r"(pointer) : : "memory");
  return pointer;
}

bool in_arena(const void* at) {
  return reinterpret_cast<std::uintptr_t>(at) - 0x100000000000 < (std::uintptr_t{1} << 30);
}

TEST(Heap, SameAddressesInEveryRun) {
  std::vector<void*> addresses[2];
  for (auto& seen : addresses) {
    seen.reserve(8);  // before the run: of the host
    const RunResult result = run_under_test([&] {
      seen.push_back(std::malloc(24));
      seen.push_back(::operator new(100));
      seen.push_back(std::aligned_alloc(256, 512));
      seen.push_back(std::calloc(3, 7));
      std::memset(seen[0], 0xff, 24);
      std::memset(seen[2], 0xff, 512);
      std::free(opaque(seen[0]));
      ::operator delete(opaque(seen[1]));
      std::free(opaque(seen[2]));
      std::free(opaque(seen[3]));
    });
    EXPECT_TRUE(result.verdict.passed()) << result.verdict.text;
  }
  EXPECT_EQ(addresses[0], addresses[1]);
  for (const void* at : addresses[0]) EXPECT_TRUE(in_arena(at));
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(addresses[0][2]) % 256, 0u);
}

TEST(Heap, ANewRunSeesZeroes) {
  for (int i = 0; i < 2; ++i) {
    bool zero = false;
    run_under_test([&] {
      auto* bytes = opaque(static_cast<unsigned char*>(std::malloc(3'000'000)));
      zero = bytes[0] == 0 && bytes[4095] == 0 && bytes[2'999'999] == 0;
      std::memset(bytes, 0xee, 3'000'000);
    });
    EXPECT_TRUE(zero) << "run " << i;
  }
}

TEST(Heap, FreedBlocksAreNotReused) {
  run_under_test([] {
    void* first = opaque(std::malloc(64));
    std::free(first);
    void* second = opaque(std::malloc(64));
    const HarnessScope scope;
    EXPECT_NE(first, second);
  });
}

TEST(Heap, UseAfterFreeNamesAllThree) {
  const RunResult result = run_under_test([] {
    auto* block = opaque(static_cast<std::uint32_t*>(std::malloc(64)));
    auto* stale = opaque(block);
    std::free(block);
    __tsan_read4(stale + 3);
  });
  EXPECT_EQ(result.verdict.kind, VerdictKind::use_after_free);
  EXPECT_NE(result.verdict.text.find("plain read of 4 bytes by thread 0"), std::string::npos);
  EXPECT_NE(result.verdict.text.find("block of 64 bytes freed by thread 0"), std::string::npos);
  EXPECT_NE(result.verdict.text.find("byte 12"), std::string::npos) << result.verdict.text;
  EXPECT_NE(result.verdict.text.find("allocated by thread 0"), std::string::npos);
}

TEST(Heap, AtomicUseAfterDelete) {
  const RunResult result = run_under_test([] {
    auto* word = opaque(new std::uint32_t(1));
    __tsan_atomic32_load(word, 0);
    auto* stale = opaque(word);
    delete word;
    __tsan_atomic32_load(stale, 0);
  });
  EXPECT_EQ(result.verdict.kind, VerdictKind::use_after_free) << result.verdict.text;
  EXPECT_NE(result.verdict.text.find("atomic load of 4 bytes"), std::string::npos);
}

TEST(Heap, ReallocLeavesAFreedBlock) {
  const RunResult result = run_under_test([] {
    auto* small = opaque(static_cast<std::uint32_t*>(std::malloc(8)));
    auto* stale = opaque(small);
    small[1] = 42;
    auto* large = opaque(static_cast<std::uint32_t*>(std::realloc(small, 80)));
    if (large[1] != 42) stop_run({VerdictKind::crash, "", "realloc lost the contents"});
    __tsan_write4(stale);
  });
  EXPECT_EQ(result.verdict.kind, VerdictKind::use_after_free) << result.verdict.text;
}

TEST(Heap, DoubleFree) {
  const RunResult result = run_under_test([] {
    void* block = opaque(std::malloc(64));
    void* stale = opaque(block);
    std::free(block);
    std::free(stale);
  });
  EXPECT_EQ(result.verdict.kind, VerdictKind::double_free);
  EXPECT_NE(result.verdict.text.find("freed before"), std::string::npos) << result.verdict.text;
}

TEST(Heap, FreeOfTheMiddleOfABlock) {
  const RunResult result = run_under_test([] {
    auto* block = opaque(static_cast<char*>(std::malloc(64)));
    std::free(opaque(block + 16));
  });
  EXPECT_EQ(result.verdict.kind, VerdictKind::invalid_free);
  EXPECT_NE(result.verdict.text.find("never gave"), std::string::npos) << result.verdict.text;
}

// What another thread did to a block must happen before its free.
TEST(Heap, FreeRacesWithAnUnorderedAccess) {
  const RunResult result = run_under_test([] {
    auto* block = opaque(new std::uint32_t(1));
    std::thread reader([block] { __tsan_read4(block); });
    std::thread([block] { delete block; }).join();
    reader.join();
  });
  EXPECT_TRUE(result.verdict.kind == VerdictKind::data_race ||
              result.verdict.kind == VerdictKind::use_after_free)
      << result.verdict.text;
  const RunResult ordered = run_under_test([] {
    auto* block = opaque(new std::uint32_t(1));
    std::thread([block] { __tsan_read4(block); }).join();
    std::thread([block] { delete block; }).join();
  });
  EXPECT_TRUE(ordered.verdict.passed()) << ordered.verdict.text;
}

TEST(Heap, HarnessAllocatesOnTheHost) {
  run_under_test([] {
    const HarnessScope scope;
    const auto block = std::make_unique<int>(3);
    EXPECT_FALSE(in_arena(block.get()));
  });
}

TEST(Heap, EitherSideMayFree) {
  std::uint32_t* of_the_host = new std::uint32_t(5);
  const RunResult result = run_under_test([&] {
    delete opaque(of_the_host);
    auto* of_the_run = opaque(new std::uint32_t(6));
    auto* stale = opaque(of_the_run);
    {
      const HarnessScope scope;
      delete of_the_run;
    }
    __tsan_read4(stale);
  });
  EXPECT_EQ(result.verdict.kind, VerdictKind::use_after_free) << result.verdict.text;
}

TEST(Heap, ABlockMayOutliveItsRunUntouched) {
  void* kept = nullptr;
  run_under_test([&] { kept = std::malloc(16); });
  std::free(kept);
  EXPECT_TRUE(run_under_test([] { std::free(opaque(std::malloc(16))); }).verdict.passed());
}

TEST(Heap, TheArenaEndsWithEnomem) {
  const RunResult result = run_under_test([] {
    if (opaque(std::malloc(std::size_t{2} << 30)) != nullptr) {
      stop_run({VerdictKind::crash, "", "2 GiB from an arena of 1 GiB"});
    }
    void* block = nullptr;
    if (posix_memalign(&block, 24, 8) == 0) stop_run({VerdictKind::crash, "", "alignment 24"});
  });
  EXPECT_TRUE(result.verdict.passed()) << result.verdict.text;
}

TEST(Heap, UsableSizeIsWhatWasAskedFor) {
  std::size_t size = 0;
  run_under_test([&] { size = malloc_usable_size(opaque(std::malloc(33))); });
  EXPECT_EQ(size, 33u);
}

// stdio's buffer outlives the run: libc's own allocations are the host's.
TEST(Heap, LibcKeepsItsOwn) {
  void* copy = nullptr;
  run_under_test([&] { copy = strdup("kept by the host"); });
  EXPECT_FALSE(in_arena(copy));
  EXPECT_STREQ(static_cast<char*>(copy), "kept by the host");
  std::free(copy);
}

}  // namespace
}  // namespace aiosim
