// The real kernel behind the fault points, through the interposers that this binary links.
#include <gtest/gtest.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <condition_variable>
#include <cstdint>
#include <mutex>

#include "fault/points.h"

namespace aiosim::fault {
namespace {

struct HostCalls : testing::Test {
  HostCalls() {
    set_decider([](PointId) { return true; });
  }
  ~HostCalls() override {
    arm({});
    set_decider(nullptr);
    for (const int fd : {event, epoll}) close(fd);
  }
  static void arm_once(PointId id) { arm({"once", {id}, 1}); }
  void watch() {
    epoll_event wanted{EPOLLIN, {.fd = event}};
    ASSERT_EQ(epoll_ctl(epoll, EPOLL_CTL_ADD, event, &wanted), 0);
  }

  int event = eventfd(0, EFD_NONBLOCK);
  int epoll = epoll_create1(0);
  epoll_event got{};
};

TEST_F(HostCalls, InterruptedEpollWaitComesAfterReadyEvents) {
  watch();
  arm_once(PointId::epoll_wait_eintr);
  EXPECT_EQ(epoll_wait(epoll, &got, 1, -1), -1);
  EXPECT_EQ(errno, EINTR);
  arm_once(PointId::epoll_wait_eintr);
  ASSERT_EQ(eventfd_write(event, 1), 0);
  EXPECT_EQ(epoll_wait(epoll, &got, 1, -1), 1);
  EXPECT_EQ(got.data.fd, event);
}

TEST_F(HostCalls, NoWaitIsNotInterrupted) {
  arm({"both", {PointId::epoll_wait_eintr, PointId::ppoll_eintr}, 1});
  pollfd wanted{event, POLLIN, 0};
  EXPECT_EQ(epoll_wait(epoll, &got, 1, 0), 0);
  EXPECT_EQ(poll(&wanted, 1, 0), 0);
}

TEST_F(HostCalls, SpuriousReadinessIsOfAnEpollFdOnly) {
  arm_once(PointId::epoll_wait_spurious);
  pollfd wanted[] = {{event, POLLIN, 0}, {epoll, POLLIN, 0}};
  EXPECT_EQ(poll(wanted, 2, -1), 1);
  EXPECT_EQ(wanted[0].revents, 0);
  EXPECT_EQ(wanted[1].revents, POLLIN);
  EXPECT_EQ(epoll_wait(epoll, &got, 1, 0), 0);
}

TEST_F(HostCalls, InterruptedReadAndWriteTransferNothing) {
  arm({"both", {PointId::read_eintr, PointId::write_eintr}, 1});
  EXPECT_EQ(eventfd_write(event, 5), -1);
  EXPECT_EQ(errno, EINTR);
  EXPECT_EQ(eventfd_write(event, 5), 0);
  eventfd_t value = 0;
  EXPECT_EQ(eventfd_read(event, &value), -1);
  EXPECT_EQ(errno, EINTR);
  EXPECT_EQ(eventfd_read(event, &value), 0);
  EXPECT_EQ(value, 5u);
}

TEST_F(HostCalls, SetupFailsByName) {
  arm({"setup",
       {PointId::eventfd_emfile, PointId::epoll_create1_emfile, PointId::epoll_ctl_enospc},
       1});
  EXPECT_EQ(eventfd(0, 0), -1);
  EXPECT_EQ(errno, EMFILE);
  EXPECT_EQ(epoll_create1(0), -1);
  EXPECT_EQ(errno, EMFILE);
  epoll_event wanted{EPOLLIN, {}};
  EXPECT_EQ(epoll_ctl(epoll, EPOLL_CTL_ADD, event, &wanted), -1);
  EXPECT_EQ(errno, ENOSPC);
  watch();
}

TEST_F(HostCalls, AThreadIsRefusedOnce) {
  arm_once(PointId::pthread_create_eagain);
  pthread_t thread{};
  int argument = 0;
  const auto body = [](void* given) { return given; };
  EXPECT_EQ(pthread_create(&thread, nullptr, body, &argument), EAGAIN);
  ASSERT_EQ(pthread_create(&thread, nullptr, body, &argument), 0);
  void* result = nullptr;
  EXPECT_EQ(pthread_join(thread, &result), 0);
  EXPECT_EQ(result, &argument);
}

TEST_F(HostCalls, FutexWaitIsInterruptedOnlyIfItWouldWait) {
  std::uint32_t word = 3;
  arm_once(PointId::futex_eintr);
  EXPECT_EQ(syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 4, nullptr, nullptr, 0), -1);
  EXPECT_EQ(errno, EAGAIN);
  EXPECT_EQ(syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 3, nullptr, nullptr, 0), -1);
  EXPECT_EQ(errno, EINTR);
}

TEST_F(HostCalls, SleepSaysWhatWasLeft) {
  arm_once(PointId::nanosleep_eintr);
  const timespec request{3600, 5};
  timespec left{};
  EXPECT_EQ(nanosleep(&request, &left), -1);
  EXPECT_EQ(errno, EINTR);
  EXPECT_EQ(left.tv_sec, 3600);
  EXPECT_EQ(left.tv_nsec, 5);
}

TEST_F(HostCalls, ConditionWakesForNoReason) {
  arm_once(PointId::cond_wait_spurious);
  std::mutex mutex;
  std::condition_variable condition;
  std::unique_lock lock(mutex);
  condition.wait(lock);  // nobody will ever signal
  EXPECT_TRUE(lock.owns_lock());
}

}  // namespace
}  // namespace aiosim::fault
