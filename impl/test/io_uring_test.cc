// The io_uring monitor on the real kernel (R83, R84, R84b). Where the kernel forbids io_uring the
// tests run on what the loop falls back to.
#include <sys/resource.h>

#include <memory>
#include <thread>
#include <utility>

#include "aio/ring_request.h"
#include "aio/timer.h"
#include "support.h"

#if __has_include(<liburing.h>)
#include <liburing.h>
#endif

namespace aio_test {
namespace {

aio::ContextOptions with_ring(unsigned entries = 256) {
  aio::ContextOptions options;
  options.monitor = aio::Monitor::io_uring;
  options.ring_entries = entries;
  options.poll_max_ns = 0;
  return options;
}

class IoUringTest : public WatchesPipes {};

TEST_F(IoUringTest, StaysLevelTriggered) {
  aio::Context context(with_ring());
  say_if_without_io_uring(context);
  Pipe pipe;
  watch(context, pipe);
  pipe.fill();
  for (int i = 1; i <= 5; ++i) {
    EXPECT_TRUE(context.poll(i % 2 == 0));
    EXPECT_EQ(calls, i);
  }
  pipe.drain();
  EXPECT_FALSE(context.poll(false));
  context.remove_fd_handler(pipe.read_fd());
}

// More changes and more completions at once than the rings have room for (R84.5, R84.6).
TEST_F(IoUringTest, SmallRingsServeManyHandlers) {
  aio::Context context(with_ring(2));
  say_if_without_io_uring(context);
  std::vector<std::unique_ptr<Pipe>> pipes;
  for (int i = 0; i < 100; ++i) {
    pipes.push_back(std::make_unique<Pipe>());
    watch(context, *pipes.back());
  }
  EXPECT_FALSE(context.poll(false));
  for (int round = 1; round <= 3; ++round) {
    for (auto& pipe : pipes) pipe->fill();
    EXPECT_TRUE(context.poll(true));
    EXPECT_EQ(calls, 100 * round);
    for (auto& pipe : pipes) pipe->drain();
    // What was asked again before the drain says so once more.
    settle(context);
    calls = 100 * round;
  }
  for (auto& pipe : pipes) context.remove_fd_handler(pipe->read_fd());
}

TEST_F(IoUringTest, HandlersComeAndGoWithoutPoll) {
  aio::Context context(with_ring(2));
  say_if_without_io_uring(context);
  context.bind_home_thread();
  Pipe pipe;
  for (int i = 0; i < 1'000; ++i) {
    watch(context, pipe);
    context.remove_fd_handler(pipe.read_fd());
    if (i % 10 == 0) context.poll(false);
  }
  watch(context, pipe);
  pipe.fill();
  EXPECT_TRUE(context.poll(true));
  EXPECT_EQ(calls, 1);
  context.remove_fd_handler(pipe.read_fd());
  EXPECT_FALSE(context.poll(false));
  EXPECT_EQ(calls, 1);
}

// The fd number comes back for something else while its old registration is still asked for.
TEST_F(IoUringTest, CompletionOfAnOldRegistrationFindsNobody) {
  aio::Context context(with_ring());
  say_if_without_io_uring(context);
  auto old_pipe = std::make_unique<Pipe>();
  watch(context, *old_pipe);
  context.poll(false);  // asked
  old_pipe->fill();
  const int fd = old_pipe->read_fd();
  context.remove_fd_handler(fd);
  old_pipe.reset();
  Pipe pipe;
  ASSERT_EQ(pipe.read_fd(), fd);
  watch(context, pipe);
  EXPECT_FALSE(context.poll(false));
  EXPECT_EQ(calls, 0);
  pipe.fill();
  EXPECT_TRUE(context.poll(true));
  EXPECT_EQ(calls, 1);
  context.remove_fd_handler(fd);
}

// R84.9: an fd that cannot be polled is its handler's error, once.
TEST_F(IoUringTest, ClosedFdIsAnErrorOfItsHandler) {
  aio::Context context(with_ring());
  if (!say_if_without_io_uring(context)) return;  // said
  Pipe pipe;
  const int fd = pipe.read_fd();
  pipe.close_read();
  aio::FdCallbacks callbacks;
  callbacks.io_read = count;
  callbacks.opaque = &calls;
  context.set_fd_handler(fd, callbacks);
  EXPECT_TRUE(context.poll(true));
  EXPECT_EQ(calls, 1);
  for (int i = 0; i < 5; ++i) EXPECT_FALSE(context.poll(false));
  EXPECT_EQ(calls, 1);
  context.remove_fd_handler(fd);
}

// R84.9: a timer and an event in turn; the TIMEOUT's own completion ends nothing.
TEST_F(IoUringTest, TimeoutsThatWereNotNeededEndNoLaterWait) {
  aio::Context context(with_ring());
  say_if_without_io_uring(context);
  Pipe pipe;
  watch(context, pipe);
  int fired = 0;
  aio::Timer timer(context, count, &fired);
  for (int i = 1; i <= 20; ++i) {
    timer.arm_at(aio::now_ns() + 3'600'000'000'000);
    pipe.fill();
    EXPECT_TRUE(context.poll(true));
    pipe.drain();
    timer.arm_at(aio::now_ns() + 100'000);
    while (fired < i) context.poll(true);
    EXPECT_EQ(fired, i);
    calls = i;
  }
  context.remove_fd_handler(pipe.read_fd());
}

// Linux cancels what a thread has asked for when it ends: the next home thread asks again.
TEST_F(IoUringTest, NextHomeThreadTakesOver) {
  aio::Context context(with_ring());
  say_if_without_io_uring(context);
  Pipe pipe;
  watch(context, pipe);
  std::thread first([&] {
    context.bind_home_thread();
    context.poll(false);
  });
  first.join();
  context.bind_home_thread();
  pipe.fill();
  EXPECT_TRUE(context.poll(true));
  EXPECT_EQ(calls, 1);
  context.remove_fd_handler(pipe.read_fd());
  EXPECT_FALSE(context.poll(false));
}

TEST_F(IoUringTest, FallsBackWithoutAnFd) {
  Pipe pipe;
  const int lowest = dup(0);
  ASSERT_GE(lowest, 0);
  close(lowest);
  rlimit limit{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
  const rlimit one_more{static_cast<rlim_t>(lowest) + 1, limit.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &one_more), 0);  // room for the event fd only
  aio::Context context(with_ring());
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
  EXPECT_STREQ(context.monitor_name(), "ppoll");
  aio::RingRequest request(nullptr, nullptr, nullptr);
  EXPECT_FALSE(context.add_request(request));
  watch(context, pipe);
  pipe.fill();
  EXPECT_TRUE(context.poll(true));
  context.remove_fd_handler(pipe.read_fd());
}

#if __has_include(<liburing.h>)
// ---- R84b ----

struct Order {
  std::vector<int> seen;
};

struct Nop {
  Nop(Order& o, int n) : order(o), number(n) {}
  static void prepare(io_uring_sqe* entry, void*) { io_uring_prep_nop(entry); }
  static void complete(void* opaque, int result) {
    auto& self = *static_cast<Nop*>(opaque);
    EXPECT_EQ(result, 0);
    self.order.seen.push_back(self.number);
    if (const Action action = std::exchange(self.then, nullptr)) action();
  }
  Order& order;
  int number;
  Action then;
  aio::RingRequest request{prepare, complete, this};
};

TEST_F(IoUringTest, RequestsCompleteInOrderBeforeBottomHalves) {
  aio::Context context(with_ring());
  if (!say_if_without_io_uring(context)) return;
  Order order;
  Nop one(order, 1);
  Nop two(order, 2);
  Action bottom_half = [&] { order.seen.push_back(3); };
  context.schedule_oneshot(act, &bottom_half);
  ASSERT_TRUE(context.add_request(one.request));
  ASSERT_TRUE(context.add_request(two.request));
  EXPECT_TRUE(context.poll(false));
  EXPECT_EQ(order.seen, (std::vector{1, 2, 3}));
  EXPECT_FALSE(context.poll(false));
}

TEST_F(IoUringTest, NestedPollRunsTheCallersCompletions) {
  aio::Context context(with_ring());
  if (!say_if_without_io_uring(context)) return;
  Order order;
  Nop one(order, 1);
  Nop two(order, 2);
  one.then = [&] {
    EXPECT_TRUE(context.poll(false));
    order.seen.push_back(10);
  };
  ASSERT_TRUE(context.add_request(one.request));
  ASSERT_TRUE(context.add_request(two.request));
  EXPECT_TRUE(context.poll(false));
  EXPECT_EQ(order.seen, (std::vector{1, 2, 10}));
}

TEST_F(IoUringTest, RequestOfAnotherThreadWakesTheSleeper) {
  aio::Context context(with_ring());
  if (!say_if_without_io_uring(context)) return;
  context.bind_home_thread();
  Order order;
  Nop nop(order, 1);
  std::thread producer([&] { EXPECT_TRUE(context.add_request(nop.request)); });
  while (order.seen.empty()) context.poll(true);
  producer.join();
}

struct Read {
  static void prepare(io_uring_sqe* entry, void* opaque) {
    auto& self = *static_cast<Read*>(opaque);
    io_uring_prep_read(entry, self.fd, &self.byte, 1, 0);
  }
  static void complete(void* opaque, int result) { static_cast<Read*>(opaque)->result = result; }
  int fd;
  char byte = 0;
  int result = -1;
  aio::RingRequest request{prepare, complete, this};
};

TEST_F(IoUringTest, RequestReadsWhatComesLater) {
  aio::Context context(with_ring());
  if (!say_if_without_io_uring(context)) return;
  Pipe pipe;
  ASSERT_EQ(fcntl(pipe.read_fd(), F_SETFL, 0), 0);  // or it would say EAGAIN
  Read read{pipe.read_fd()};
  ASSERT_TRUE(context.add_request(read.request));
  EXPECT_FALSE(context.poll(false));
  pipe.fill();
  while (read.result < 0) context.poll(true);
  EXPECT_EQ(read.result, 1);
  EXPECT_EQ(read.byte, 'x');
}

TEST_F(IoUringTest, PendingRequestIsDroppedWithTheContext) {
  Order order;
  Pipe pipe;
  ASSERT_EQ(fcntl(pipe.read_fd(), F_SETFL, 0), 0);
  Read submitted{pipe.read_fd()};
  Nop queued(order, 1);
  {
    aio::Context context(with_ring());
    if (!say_if_without_io_uring(context)) return;
    ASSERT_TRUE(context.add_request(submitted.request));
    EXPECT_FALSE(context.poll(false));
    ASSERT_TRUE(context.add_request(queued.request));
  }
  EXPECT_EQ(submitted.result, -1);
  EXPECT_TRUE(order.seen.empty());
}
#endif

}  // namespace
}  // namespace aio_test
