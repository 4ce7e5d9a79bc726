#include <pthread.h>
#include <sys/resource.h>

#include <atomic>
#include <csignal>
#include <memory>
#include <system_error>
#include <thread>

#include "aio/trace.h"
#include "support.h"

namespace aio_test {
namespace {

aio::ContextOptions upgrade_at(std::size_t fds) {
  aio::ContextOptions options;
  options.upgrade_threshold = fds;
  options.poll_max_ns = 0;
  return options;
}

class FdMonitorTest : public WatchesPipes {};

TEST_F(FdMonitorTest, UpgradesAtTheThresholdAndStays) {
  aio::Context context(upgrade_at(4));  // the context's own fd is one of them
  std::vector<std::unique_ptr<Pipe>> pipes;
  for (int i = 0; i < 3; ++i) {
    EXPECT_STREQ(context.monitor_name(), "ppoll");
    pipes.push_back(std::make_unique<Pipe>());
    watch(context, *pipes.back());
    context.poll(false);
  }
  EXPECT_STREQ(context.monitor_name(), "epoll");
  for (auto& pipe : pipes) pipe->fill();
  EXPECT_TRUE(context.poll(true));
  EXPECT_EQ(calls, 3);
  for (auto& pipe : pipes) context.remove_fd_handler(pipe->read_fd());
  EXPECT_FALSE(context.poll(false));
  EXPECT_STREQ(context.monitor_name(), "epoll");
}

TEST_F(FdMonitorTest, DowngradesForLifeWhenEpollCtlFails) {
  aio::Context context(upgrade_at(2));
  Pipe stays;
  watch(context, stays);
  context.poll(false);
  EXPECT_STREQ(context.monitor_name(), "epoll");
  {
    Pipe goes;
    watch(context, goes);
    const int fd = goes.read_fd();
    goes.close_read();  // before its handler: epoll_ctl will not know it
    context.remove_fd_handler(fd);
  }
  stays.fill();
  EXPECT_TRUE(context.poll(true));
  EXPECT_TRUE(context.poll(true));  // the arrays of ppoll must have been emptied (H-3)
  EXPECT_STREQ(context.monitor_name(), "ppoll");
  EXPECT_EQ(calls, 2);
  context.remove_fd_handler(stays.read_fd());
}

TEST_F(FdMonitorTest, PollOnlyHandlersAreNotGivenToTheKernel) {
  aio::ContextOptions options = upgrade_at(0);
  options.monitor = aio::Monitor::epoll;
  aio::Context context(options);
  Pipe pipe;
  pipe.fill();
  aio::FdCallbacks callbacks;
  callbacks.io_poll = [](void*) { return false; };
  callbacks.io_poll_ready = count;
  callbacks.opaque = &calls;
  context.set_fd_handler(pipe.read_fd(), callbacks);
  EXPECT_FALSE(context.poll(false));
  watch(context, pipe);
  EXPECT_TRUE(context.poll(false));
  context.set_fd_handler(pipe.read_fd(), callbacks);
  EXPECT_FALSE(context.poll(false));
  context.remove_fd_handler(pipe.read_fd());
  EXPECT_EQ(calls, 1);
}

TEST_F(FdMonitorTest, HandlersAddedInBulkAreAllServed) {
  aio::ContextOptions options = upgrade_at(64);
  options.monitor = aio::Monitor::ppoll;
  aio::Context context(options);
  std::vector<std::unique_ptr<Pipe>> pipes;
  for (int i = 0; i < 100; ++i) {
    pipes.push_back(std::make_unique<Pipe>());
    watch(context, *pipes.back());
    pipes.back()->fill();
  }
  EXPECT_TRUE(context.poll(true));
  EXPECT_EQ(calls, 100);
  for (auto& pipe : pipes) context.remove_fd_handler(pipe->read_fd());
}

TEST_F(FdMonitorTest, FailureOfEventfdLeavesNothingBehind) {
  rlimit limit{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
  const rlimit none{0, limit.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
  EXPECT_THROW(aio::Context context, std::system_error);
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

TEST_F(FdMonitorTest, WithoutEpollPpollServes) {
  Pipe pipe;
  const int lowest = dup(0);
  ASSERT_GE(lowest, 0);
  close(lowest);
  rlimit limit{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
  const rlimit one_more{static_cast<rlim_t>(lowest) + 1, limit.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &one_more), 0);  // room for the event fd only
  aio::ContextOptions options = upgrade_at(0);
  options.monitor = aio::Monitor::epoll;
  aio::Context context(options);
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
  watch(context, pipe);
  pipe.fill();
  EXPECT_TRUE(context.poll(true));
  EXPECT_STREQ(context.monitor_name(), "ppoll");
  context.remove_fd_handler(pipe.read_fd());
}

std::vector<aio::TraceKind> traced;

TEST_F(FdMonitorTest, UpgradeAndDowngradeAreTraced) {
  traced.clear();
  const aio::TraceSink sink{
      [](void*, const aio::TraceEvent& event) { traced.push_back(event.kind); }, nullptr};
  aio::set_trace_sink(&sink);
  {
    aio::Context context(upgrade_at(1));
    context.poll(false);
    Pipe pipe;
    watch(context, pipe);
    context.poll(false);
    const int fd = pipe.read_fd();
    pipe.close_read();
    context.remove_fd_handler(fd);
    context.notify();
    Pipe other;
    watch(context, other);
    context.poll(false);
    context.remove_fd_handler(other.read_fd());
  }
  aio::set_trace_sink(nullptr);
  EXPECT_EQ(traced,
            (std::vector{aio::TraceKind::monitor_upgrade, aio::TraceKind::monitor_downgrade}));
}

class ClosedFdTest : public EachMonitor {};
INSTANTIATE_FOR_EACH_MONITOR(ClosedFdTest);

// An fd that is closed under its handler must not keep the loop from sleeping: ppoll answers
// POLLNVAL at once, every time that it is asked.
TEST_P(ClosedFdTest, DoesNotMakeTheLoopSpin) {
  int calls = 0;
  Pipe pipe;
  const int fd = pipe.read_fd();
  aio::FdCallbacks callbacks;
  callbacks.io_read = count;
  callbacks.opaque = &calls;
  context.set_fd_handler(fd, callbacks);
  context.poll(false);
  pipe.close_read();
  aio::Timer timer(
      context, [](void*) {}, nullptr);
  timer.arm_after(1'000'000);
  while (timer.armed()) context.poll(true);
  EXPECT_LE(calls, 1);
  EXPECT_LE(context.counters().sleeps, 3U);
  if (GetParam() == aio::Monitor::ppoll) {
    EXPECT_EQ(calls, 1) << "its owner was not told";
  }
  // The number, opened again and given a handler again, is served as any other.
  context.remove_fd_handler(fd);
  Pipe other;
  ASSERT_EQ(other.read_fd(), fd);
  context.set_fd_handler(fd, callbacks);
  calls = 0;
  other.fill();
  EXPECT_TRUE(context.poll(true));
  EXPECT_EQ(calls, 1);
  context.remove_fd_handler(fd);
}

class SignalTest : public EachMonitor {};
INSTANTIATE_FOR_EACH_MONITOR(SignalTest);

std::atomic<int> signals_handled{0};

// A signal that interrupts the sleep must not end the poll: the poll returns only when the
// producer, having seen the signal handled, says so.
TEST_P(SignalTest, DoesNotEndABlockingPoll) {
  struct sigaction action {};
  struct sigaction old_action {};
  action.sa_handler = [](int) { signals_handled.fetch_add(1); };
  ASSERT_EQ(sigaction(SIGUSR1, &action, &old_action), 0);
  signals_handled.store(0);
  context.poll(false);
  const pthread_t sleeper = pthread_self();
  std::atomic<bool> said{false};
  std::thread producer([&] {
    for (int i = 0; i < 100; ++i) {
      const int before = signals_handled.load();
      // Again and again: ThreadSanitizer keeps one that comes just before the sleep until it ends.
      while (signals_handled.load() == before) {
        pthread_kill(sleeper, SIGUSR1);
        std::this_thread::yield();
      }
    }
    said.store(true);
    context.notify();
  });
  context.poll(true);
  EXPECT_TRUE(said.load());
  producer.join();
  sigaction(SIGUSR1, &old_action, nullptr);
}

}  // namespace
}  // namespace aio_test
