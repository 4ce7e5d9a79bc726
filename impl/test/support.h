// What the tests share: a context per monitor, and a pipe.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <functional>
#include <ostream>
#include <string>
#include <vector>

#include "aio/context.h"

namespace aio {

/// How GoogleTest names it.
inline void PrintTo(Monitor monitor, std::ostream* out) {
  const bool epoll = monitor != Monitor::io_uring && monitor != Monitor::ppoll;
  *out << (epoll ? "epoll" : monitor == Monitor::ppoll ? "ppoll" : "io_uring");
}

}  // namespace aio

namespace aio_test {

/// True with io_uring; else checks that the loop fell back, and says so.
inline bool say_if_without_io_uring(const aio::Context& context) {
  const std::string name = context.monitor_name();
  if (name == "io_uring") return true;
  EXPECT_TRUE(name == "ppoll" || name == "epoll") << name;
  std::printf("io_uring cannot be set up here: this test runs on %s\n", name.c_str());
  return false;
}

/// Runs each test with ppoll, with epoll from the start, and with io_uring; where that cannot be
/// set up, the test runs on what the loop falls back to, and says so.
class EachMonitor : public testing::TestWithParam<aio::Monitor> {
 protected:
  static aio::ContextOptions options() {
    aio::ContextOptions result;
    result.monitor = GetParam();
    result.poll_max_ns = 0;
    return result;
  }

  void SetUp() override {
    if (GetParam() == aio::Monitor::io_uring) say_if_without_io_uring(context);
  }

  aio::Context context{options()};
};

inline std::string monitor_of(const testing::TestParamInfo<aio::Monitor>& info) {
  return testing::PrintToString(info.param);
}

#define INSTANTIATE_FOR_EACH_MONITOR(Suite)                                                       \
  INSTANTIATE_TEST_SUITE_P(                                                                       \
      , Suite, testing::Values(aio::Monitor::ppoll, aio::Monitor::epoll, aio::Monitor::io_uring), \
      aio_test::monitor_of)

/// Adapts a std::function, kept alive by the test, to callback and opaque.
using Action = std::function<void()>;
inline void act(void* action) { (*static_cast<Action*>(action))(); }

/// A callback that counts its calls in an int.
inline void count(void* counter) { ++*static_cast<int*>(counter); }

/// A non-blocking pipe.
class Pipe {
 public:
  Pipe() { EXPECT_EQ(pipe2(fds_, O_NONBLOCK | O_CLOEXEC), 0); }
  ~Pipe() {
    close_read();
    close_write();
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;

  [[nodiscard]] int read_fd() const { return fds_[0]; }
  [[nodiscard]] int write_fd() const { return fds_[1]; }
  void fill() { EXPECT_EQ(write(fds_[1], "x", 1), 1); }
  void drain() {
    char c;
    EXPECT_EQ(read(fds_[0], &c, 1), 1);
  }
  void close_read() { close_end(0); }
  void close_write() { close_end(1); }

 private:
  void close_end(int end) {
    if (fds_[end] >= 0) close(fds_[end]);
    fds_[end] = -1;
  }
  int fds_[2] = {-1, -1};
};

/// Watches pipes and counts what it hears of them.
class WatchesPipes : public testing::Test {
 protected:
  void watch(aio::Context& context, const Pipe& pipe) {
    aio::FdCallbacks callbacks;
    callbacks.io_read = count;
    callbacks.opaque = &calls;
    context.set_fd_handler(pipe.read_fd(), callbacks);
  }
  int calls = 0;
};

/// Polls until nothing makes progress.
inline void settle(aio::Context& context) {
  while (context.poll(false)) {
  }
}

}  // namespace aio_test
