#include "aio/thread_pool.h"

#include <atomic>
#include <cerrno>
#include <future>
#include <vector>

#include "support.h"

namespace aio_test {
namespace {

/// A request whose work waits for the test's word.
class Job {
 public:
  aio::ThreadPool::Request& submit_to(aio::ThreadPool& pool) {
    return pool.submit(
        [](void* self) {
          auto* job = static_cast<Job*>(self);
          job->begun.set_value();
          return job->go.get_future().get();
        },
        [](void* self, int outcome) {
          auto* job = static_cast<Job*>(self);
          job->result = outcome;
          ++job->done;
          if (job->then) job->then();
        },
        this);
  }

  std::promise<void> begun;
  std::promise<int> go;
  Action then;
  int result = 0;
  int done = 0;
};

class ThreadPoolTest : public EachMonitor {
 protected:
  void poll_until(const int& done) {
    while (done == 0) context.poll(true);
  }
};
INSTANTIATE_FOR_EACH_MONITOR(ThreadPoolTest);

TEST_P(ThreadPoolTest, TheResultComesBackInTheHomeThread) {
  aio::ThreadPool pool(context);
  Job job;
  job.submit_to(pool);
  EXPECT_EQ(pool.outstanding(), 1U);
  job.go.set_value(-EIO);
  poll_until(job.done);
  EXPECT_EQ(job.result, -EIO);
  EXPECT_EQ(pool.outstanding(), 0U);
}

TEST_P(ThreadPoolTest, ACallbackMayWaitForAnotherRequestThatIsFinished) {
  aio::ThreadPool pool(context);
  Job first;
  Job second;
  first.then = [&] { poll_until(second.done); };
  first.submit_to(pool);
  second.submit_to(pool);
  first.go.set_value(1);
  second.go.set_value(2);
  poll_until(first.done);
  EXPECT_EQ(second.result, 2);
  while (pool.outstanding() > 0) context.poll(true);
}

TEST_P(ThreadPoolTest, OnlyWhatIsQueuedCanBeCancelled) {
  aio::ThreadPool pool(context, {.max_threads = 1});
  Job running;
  Job queued;
  aio::ThreadPool::Request& first = running.submit_to(pool);
  aio::ThreadPool::Request& second = queued.submit_to(pool);
  running.begun.get_future().get();
  EXPECT_FALSE(pool.cancel(first));
  EXPECT_TRUE(pool.cancel(second));
  EXPECT_EQ(queued.done, 0);
  poll_until(queued.done);
  EXPECT_EQ(queued.result, -ECANCELED);
  running.go.set_value(7);
  poll_until(running.done);
  EXPECT_EQ(running.result, 7);
}

TEST_P(ThreadPoolTest, AsManyThreadsAsAllowedWorkAtOnce) {
  constexpr unsigned threads = 5;
  aio::ThreadPool pool(context, {.max_threads = threads});
  std::vector<Job> jobs(threads + 1);
  for (Job& job : jobs) job.submit_to(pool);
  for (unsigned i = 0; i < threads; ++i) jobs[i].begun.get_future().get();
  for (Job& job : jobs) job.go.set_value(0);
  while (pool.outstanding() > 0) context.poll(true);
  for (const Job& job : jobs) EXPECT_EQ(job.done, 1);
}

TEST_P(ThreadPoolTest, IdleThreadsEndAndNewOnesStart) {
  aio::ThreadPool pool(context, {.max_threads = 3, .idle_for = std::chrono::milliseconds(0)});
  for (int i = 0; i < 200; ++i) {
    Job job;
    job.submit_to(pool);
    job.go.set_value(i);
    poll_until(job.done);
    EXPECT_EQ(job.result, i);
  }
}

TEST_P(ThreadPoolTest, APoolMayGoAsSoonAsItsRequestsAreDone) {
  for (int i = 0; i < 200; ++i) {
    aio::ThreadPool pool(context, {.max_threads = 2});
    Job first;
    Job second;
    first.submit_to(pool);
    second.submit_to(pool);
    first.go.set_value(0);
    second.go.set_value(0);
    poll_until(first.done);
    poll_until(second.done);
  }
}

TEST(ThreadPoolDeathTest, APoolWithRequestsMustNotGo) {
  testing::GTEST_FLAG(death_test_style) = "threadsafe";
  EXPECT_DEATH(
      {
        aio::Context context;
        Job job;  // before the pool: a thread still has it when the pool goes
        aio::ThreadPool pool(context);
        job.submit_to(pool);
        job.go.set_value(0);
      },
      "outstanding_ == 0");
}

}  // namespace
}  // namespace aio_test
