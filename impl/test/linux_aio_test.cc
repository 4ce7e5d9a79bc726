#include "aio/linux_aio.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <system_error>
#include <tuple>
#include <vector>

#include "support.h"

namespace aio_test {
namespace {

/// Each monitor, with the ring mapped and by io_getevents.
class LinuxAioTest : public testing::TestWithParam<std::tuple<aio::Monitor, bool>> {
 protected:
  LinuxAioTest() { EXPECT_GE(file, 0); }
  ~LinuxAioTest() override { close(file); }

  static aio::ContextOptions context_options() {
    aio::ContextOptions result;
    result.monitor = std::get<0>(GetParam());
    result.poll_max_ns = 0;
    return result;
  }
  static aio::LinuxAioOptions options(unsigned max_requests = 16) {
    return {.max_requests = max_requests, .map_ring = std::get<1>(GetParam())};
  }

  /// An operation that counts its ends.
  struct Operation : aio::LinuxAioRequest {
    Operation() : LinuxAioRequest(on_done, this) {}
    static void on_done(void* opaque, std::int64_t how) {
      auto* self = static_cast<Operation*>(opaque);
      self->result = how;
      ++self->done;
      if (self->then) self->then();
    }
    Action then;
    std::int64_t result = -1;
    int done = 0;
  };

  void wait_for(const Operation& operation, int times = 1) {
    while (operation.done < times) context.poll(true);
  }

  std::string contents() const {
    std::string out(64, '\0');
    const ssize_t size = pread(file, out.data(), out.size(), 0);
    EXPECT_GE(size, 0);
    out.resize(static_cast<std::size_t>(size));
    return out;
  }

  aio::Context context{context_options()};
  int file = memfd_create("linux_aio_test", MFD_CLOEXEC);
};
INSTANTIATE_TEST_SUITE_P(, LinuxAioTest,
                         testing::Combine(testing::Values(aio::Monitor::ppoll, aio::Monitor::epoll,
                                                          aio::Monitor::io_uring),
                                          testing::Bool()),
                         [](const testing::TestParamInfo<std::tuple<aio::Monitor, bool>>& param) {
                           return testing::PrintToString(std::get<0>(param.param)) +
                                  (std::get<1>(param.param) ? "_mapped" : "_by_call");
                         });

TEST_P(LinuxAioTest, WhatIsWrittenIsReadBack) {
  aio::LinuxAio engine(context, options());
  EXPECT_EQ(engine.ring_mapped(), std::get<1>(GetParam()));
  Operation write;
  engine.write(write, file, "hello", 5, 2);
  EXPECT_EQ(write.done, 0);
  EXPECT_EQ(engine.outstanding(), 1U);
  wait_for(write);
  EXPECT_EQ(write.result, 5);
  EXPECT_EQ(contents(), std::string("\0\0hello", 7));
  Operation read;
  std::array<char, 8> buffer{};
  engine.read(read, file, buffer.data(), buffer.size(), 4);
  wait_for(read);
  EXPECT_EQ(read.result, 3);  // up to the end of the file
  EXPECT_STREQ(buffer.data(), "llo");
  EXPECT_EQ(engine.outstanding(), 0U);
}

TEST_P(LinuxAioTest, Vectors) {
  aio::LinuxAio engine(context, options());
  char first[] = "abc";
  char second[] = "defg";
  const std::array<iovec, 2> from{{{first, 3}, {second, 4}}};
  Operation write;
  engine.writev(write, file, from.data(), 2, 0);
  wait_for(write);
  EXPECT_EQ(write.result, 7);
  std::array<char, 2> head{};
  std::array<char, 5> tail{};
  const std::array<iovec, 2> to{{{head.data(), 2}, {tail.data(), 5}}};
  Operation read;
  engine.readv(read, file, to.data(), 2, 0);
  wait_for(read);
  EXPECT_EQ(read.result, 7);
  EXPECT_EQ(std::memcmp(head.data(), "ab", 2), 0);
  EXPECT_EQ(std::memcmp(tail.data(), "cdefg", 5), 0);
}

TEST_P(LinuxAioTest, FdatasyncEnds) {
  aio::LinuxAio engine(context, options());
  Operation sync;
  engine.fdatasync(sync, file);
  wait_for(sync);
  EXPECT_EQ(sync.result, 0);
}

TEST_P(LinuxAioTest, WhatTheKernelRefusesEndsInAPollAndHindersNobody) {
  aio::LinuxAio engine(context, options());
  Operation bad_fd;
  Operation bad_offset;
  Operation good;
  {
    const aio::LinuxAio::Plug plug(engine);
    engine.write(bad_fd, -1, "x", 1, 0);
    engine.write(bad_offset, file, "x", 1, -1);
    engine.write(good, file, "y", 1, 0);
  }
  EXPECT_EQ(bad_fd.done + bad_offset.done + good.done, 0);
  EXPECT_EQ(engine.queued(), 0U);
  wait_for(good);
  wait_for(bad_offset);
  EXPECT_EQ(bad_fd.result, -EBADF);
  EXPECT_EQ(bad_offset.result, -EINVAL);
  EXPECT_EQ(good.result, 1);
}

TEST_P(LinuxAioTest, APlugQueuesUntilTheLastUnplug) {
  aio::LinuxAio engine(context, options());
  Operation first;
  Operation second;
  engine.plug();
  engine.plug();
  engine.write(first, file, "a", 1, 0);
  engine.unplug();
  engine.write(second, file, "b", 1, 1);
  EXPECT_EQ(engine.queued(), 2U);
  context.poll(false);
  EXPECT_EQ(engine.queued(), 2U);
  engine.unplug();
  EXPECT_EQ(engine.queued(), 0U);
  wait_for(first);
  wait_for(second);
  EXPECT_EQ(contents(), "ab");
}

TEST_P(LinuxAioTest, OnlyWhatIsQueuedCanBeCancelled) {
  aio::LinuxAio engine(context, options());
  Operation given;
  Operation queued;
  engine.write(given, file, "a", 1, 0);
  EXPECT_FALSE(engine.cancel(given));
  engine.plug();
  engine.write(queued, file, "b", 1, 1);
  EXPECT_TRUE(engine.cancel(queued));
  EXPECT_FALSE(engine.cancel(queued));
  engine.unplug();
  EXPECT_EQ(queued.done, 0);
  wait_for(given);
  wait_for(queued);
  EXPECT_EQ(queued.result, -ECANCELED);
  EXPECT_EQ(contents(), "a");
}

TEST_P(LinuxAioTest, MoreThanTheKernelTakesAtOnceAllComplete) {
  aio::LinuxAio engine(context, options(1));
  std::vector<Operation> writes(1000);  // beyond what Linux rounds up to
  writes.front().then = [&] { wait_for(writes.back()); };
  for (std::size_t i = 0; i < writes.size(); ++i) {
    engine.write(writes[i], file, "x", 1, static_cast<std::int64_t>(i));
  }
  EXPECT_TRUE(engine.blocked());
  EXPECT_GT(engine.queued(), 0U);
  while (engine.outstanding() > 0) context.poll(true);
  for (const Operation& write : writes) {
    EXPECT_EQ(write.done, 1);
    EXPECT_EQ(write.result, 1);
  }
  EXPECT_EQ(lseek(file, 0, SEEK_END), 1000);
  EXPECT_FALSE(engine.blocked());
}

TEST_P(LinuxAioTest, AnUnplugWhileBlockedKeepsTheBalance) {
  aio::LinuxAio engine(context, options(1));
  std::vector<Operation> writes(1000);
  for (Operation& write : writes) {
    const aio::LinuxAio::Plug plug(engine);
    engine.write(write, file, "x", 1, 0);
  }
  EXPECT_TRUE(engine.blocked());
  while (engine.outstanding() > 0) context.poll(true);
  Operation last;
  engine.write(last, file, "y", 1, 0);
  EXPECT_EQ(engine.queued(), 0U);  // not plugged any more
  wait_for(last);
}

TEST_P(LinuxAioTest, ACallbackMayWaitForAnotherRequest) {
  aio::LinuxAio engine(context, options());
  Operation first;
  Operation second;
  Operation third;
  first.then = [&] {
    wait_for(second);
    engine.write(third, file, "c", 1, 2);
    wait_for(third);
  };
  {
    const aio::LinuxAio::Plug plug(engine);
    engine.write(first, file, "a", 1, 0);
    engine.write(second, file, "b", 1, 1);
  }
  wait_for(first);
  EXPECT_EQ(third.done, 1);
  EXPECT_EQ(contents(), "abc");
}

TEST_P(LinuxAioTest, CallbacksMayWaitForOneAnotherInTurn) {
  aio::LinuxAio engine(context, options());
  std::array<Operation, 4> writes;
  for (std::size_t i = 0; i + 1 < writes.size(); ++i) {
    writes[i].then = [&, i] { wait_for(writes[i + 1]); };
  }
  {
    const aio::LinuxAio::Plug plug(engine);
    for (Operation& write : writes) engine.write(write, file, "x", 1, 0);
  }
  wait_for(writes[0]);
  EXPECT_EQ(engine.outstanding(), 0U);
}

TEST_P(LinuxAioTest, ACallbackMayWaitForOneBeyondTheBatch) {
  aio::LinuxAio engine(context, options(100));
  std::vector<Operation> writes(aio::LinuxAio::max_batch + 2);
  Operation& waits = writes[aio::LinuxAio::max_batch - 1];
  waits.then = [&] { wait_for(writes.back()); };
  {
    const aio::LinuxAio::Plug plug(engine);
    for (Operation& write : writes) engine.write(write, file, "x", 1, 0);
  }
  while (engine.outstanding() > 0) context.poll(true);
  for (const Operation& write : writes) EXPECT_EQ(write.done, 1);
}

TEST_P(LinuxAioTest, ARequestMayBeUsedAgainOrFreedInItsCallback) {
  aio::LinuxAio engine(context, options());
  Operation again;
  again.then = [&] {
    if (again.done < 100) engine.write(again, file, "x", 1, again.done);
  };
  engine.write(again, file, "x", 1, 0);
  wait_for(again, 100);
  EXPECT_EQ(contents().size(), 64U);

  int freed = 0;
  auto owned = std::make_unique<Operation>();
  owned->then = [&] {
    ++freed;
    const Action keep = std::move(owned->then);
    owned.reset();
  };
  engine.write(*owned, file, "x", 1, 0);
  while (freed == 0) context.poll(true);
  EXPECT_EQ(engine.outstanding(), 0U);
}

TEST_P(LinuxAioTest, RequestsMadeInCallbacksAreSubmittedTogether) {
  aio::LinuxAio engine(context, options());
  std::array<Operation, 3> writes;
  Operation first;
  first.then = [&] {
    for (Operation& write : writes) engine.write(write, file, "x", 1, 0);
    EXPECT_EQ(engine.queued(), 3U);
  };
  engine.write(first, file, "x", 1, 0);
  wait_for(first);
  EXPECT_EQ(engine.queued(), 0U);
  while (engine.outstanding() > 0) context.poll(true);
}

TEST_P(LinuxAioTest, BusyPollingFindsCompletions) {
  aio::LinuxAio engine(context, options());
  context.set_poll_max_ns(1'000'000'000);
  for (int i = 0; i < 100; ++i) {
    Operation write;
    engine.write(write, file, "x", 1, 0);
    wait_for(write);
  }
  EXPECT_EQ(engine.outstanding(), 0U);
  // The handler joins those that are polled at its first dispatch.
  if (engine.ring_mapped()) {
    EXPECT_LE(context.counters().sleeps, 3U);
  }
}

TEST_P(LinuxAioTest, TwoEnginesOfOneContext) {
  aio::LinuxAio one(context, options());
  aio::LinuxAio other(context, options());
  Operation write;
  Operation read;
  char byte = 0;
  one.write(write, file, "x", 1, 0);
  wait_for(write);
  other.read(read, file, &byte, 1, 0);
  wait_for(read);
  EXPECT_EQ(byte, 'x');
}

/// A file system that takes O_DIRECT completes when the device does, not in io_submit.
TEST_P(LinuxAioTest, DirectIo) {
  const char* folder = std::getenv("TMPDIR");
  std::string path = std::string(folder != nullptr ? folder : "/tmp") + "/linux_aio_test.XXXXXX";
  const int made = mkstemp(path.data());
  ASSERT_GE(made, 0);
  int direct = open(path.c_str(), O_RDWR | O_CLOEXEC | O_DIRECT);
  if (direct < 0) {
    std::printf("no O_DIRECT in %s: this test goes through the page cache\n", path.c_str());
    direct = dup(made);
  }
  unlink(path.c_str());
  constexpr std::size_t block = 4096;
  constexpr std::size_t blocks = 64;
  const std::unique_ptr<char, void (*)(void*)> memory(
      static_cast<char*>(std::aligned_alloc(block, block * blocks)),
      [](void* at) { std::free(at); });
  {
    aio::LinuxAio engine(context, options(8));
    std::vector<Operation> operations(blocks);
    for (std::size_t i = 0; i < blocks; ++i) {
      char* const at = memory.get() + i * block;
      std::memset(at, static_cast<int>(i) + 1, block);
      engine.write(operations[i], direct, at, block, static_cast<std::int64_t>(i * block));
    }
    while (engine.outstanding() > 0) context.poll(true);
    std::memset(memory.get(), 0, block * blocks);
    for (std::size_t i = 0; i < blocks; ++i) {
      EXPECT_EQ(operations[i].result, static_cast<std::int64_t>(block));
      engine.read(operations[i], direct, memory.get() + i * block, block,
                  static_cast<std::int64_t>(i * block));
    }
    while (engine.outstanding() > 0) context.poll(true);
  }
  for (std::size_t i = 0; i < blocks; ++i) {
    EXPECT_EQ(memory.get()[i * block], static_cast<char>(i + 1));
    EXPECT_EQ(memory.get()[(i + 1) * block - 1], static_cast<char>(i + 1));
  }
  close(direct);
  close(made);
}

TEST(LinuxAio, WhereTheKernelRefusesTheConstructorSaysWhy) {
  aio::Context context;
  try {
    const aio::LinuxAio engine(context, {.max_requests = 0x10000000});
    FAIL() << "expected an exception";
  } catch (const std::system_error& error) {
    EXPECT_TRUE(error.code().value() == EINVAL || error.code().value() == EAGAIN) << error.what();
  }
}

TEST(LinuxAioDeathTest, Misuse) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  aio::Context context;
  EXPECT_DEATH(
      {
        aio::LinuxAio engine(context);
        engine.unplug();
      },
      "plugged_ > 0");
  EXPECT_DEATH(
      {
        aio::LinuxAioRequest request([](void*, std::int64_t) {}, nullptr);
        aio::LinuxAio engine(context);
        engine.fdatasync(request, 0);
      },
      "outstanding\\(\\) == 0");
}

}  // namespace
}  // namespace aio_test
