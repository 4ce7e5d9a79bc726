#include "aio/lock_count.h"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <mutex>
#include <thread>

namespace aio_test {
namespace {

using aio::LockCount;

TEST(LockCountTest, CountsVisitsBesideTheLock) {
  LockCount count;
  count.inc();
  count.inc();
  EXPECT_EQ(count.visits(), 2U);
  count.lock();
  count.inc();  // visits come and go beside the lock while there are others
  EXPECT_EQ(count.visits(), 3U);
  count.dec();
  count.unlock();
  EXPECT_EQ(count.visits(), 2U);
  count.dec();
  count.dec();
  EXPECT_EQ(count.visits(), 0U);
}

TEST(LockCountTest, TheOnlyVisitBecomesTheLock) {
  LockCount count;
  count.inc();
  count.inc();
  EXPECT_FALSE(count.dec_if_lock());
  EXPECT_EQ(count.visits(), 2U);
  EXPECT_FALSE(count.dec_and_lock());
  EXPECT_EQ(count.visits(), 1U);
  EXPECT_TRUE(count.dec_if_lock());
  EXPECT_EQ(count.visits(), 0U);
  count.unlock();
  count.inc();
  EXPECT_TRUE(count.dec_and_lock());
  count.unlock();
  count.lock();  // it was free
  count.unlock();
}

TEST(LockCountTest, AVisitWaitsForTheLockWhileThereIsNone) {
  LockCount count;
  count.lock();
  std::atomic<bool> inside{false};
  std::thread visitor([&] {
    count.inc();
    inside.store(true);
    count.dec();
  });
  for (int i = 0; i < 1'000; ++i) {
    std::this_thread::yield();
    EXPECT_FALSE(inside.load());
  }
  count.unlock();
  visitor.join();
  EXPECT_TRUE(inside.load());
  EXPECT_EQ(count.visits(), 0U);
}

TEST(LockCountTest, NothingIsFreedUnderAVisitorByManyThreads) {
  constexpr int rounds = 3'000;
  constexpr std::uint64_t right = 0x5eed;
  struct Node {
    std::uint64_t value = right;
    Node* next = nullptr;
    ~Node() { value = 0; }
  };
  LockCount count;
  std::atomic<Node*> current{new Node};
  Node* replaced = nullptr;  // under the lock
  const auto collect = [&] {
    while (Node* node = replaced) {
      replaced = node->next;
      delete node;
    }
  };
  std::array<std::thread, 4> threads;
  for (std::size_t t = 0; t < threads.size(); ++t) {
    threads[t] = std::thread([&, t] {
      for (int i = 0; i < rounds; ++i) {
        if (t == 0) {
          const std::lock_guard guard(count);
          Node* old = current.exchange(new Node);
          old->next = replaced;
          replaced = old;
          if (count.visits() == 0) collect();
          continue;
        }
        count.inc();
        EXPECT_EQ(current.load()->value, right);
        if (t == 1 ? count.dec_if_lock() : count.dec_and_lock()) {
          collect();
          count.unlock();
        } else if (t == 1) {
          count.dec();
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(count.visits(), 0U);
  count.lock();
  collect();
  count.unlock();
  delete current.load();
}

}  // namespace
}  // namespace aio_test
