#include <atomic>
#include <thread>
#include <utility>

#include "aio/fd_watch.h"
#include "support.h"

namespace aio_test {
namespace {

class FdHandlerTest : public EachMonitor {
 protected:
  void on_read(int fd, Action& action) {
    aio::FdCallbacks callbacks;
    callbacks.io_read = act;
    callbacks.opaque = &action;
    context.set_fd_handler(fd, callbacks);
  }
};
INSTANTIATE_FOR_EACH_MONITOR(FdHandlerTest);

TEST_P(FdHandlerTest, AddingAndRemovingIsNoProgress) {
  Pipe pipe;
  Action action = [] {};
  on_read(pipe.read_fd(), action);
  EXPECT_FALSE(context.poll(false));
  context.remove_fd_handler(pipe.read_fd());
  context.remove_fd_handler(pipe.read_fd());
  EXPECT_FALSE(context.poll(false));
}

TEST_P(FdHandlerTest, IsLevelTriggered) {
  Pipe pipe;
  int calls = 0;
  Action action = [&] { ++calls; };
  on_read(pipe.read_fd(), action);
  pipe.fill();
  EXPECT_TRUE(context.poll(true));
  EXPECT_TRUE(context.poll(true));
  EXPECT_TRUE(context.poll(false));
  EXPECT_EQ(calls, 3);
  pipe.drain();
  EXPECT_FALSE(context.poll(false));
  context.remove_fd_handler(pipe.read_fd());
}

TEST_P(FdHandlerTest, WriteAndReadOfOneFd) {
  Pipe pipe;
  int writes = 0;
  Action action = [&] { ++writes; };
  aio::FdCallbacks callbacks;
  callbacks.io_write = act;
  callbacks.opaque = &action;
  context.set_fd_handler(pipe.write_fd(), callbacks);
  EXPECT_TRUE(context.poll(true));
  EXPECT_EQ(writes, 1);
  context.remove_fd_handler(pipe.write_fd());
  EXPECT_FALSE(context.poll(false));
}

TEST_P(FdHandlerTest, HangUpIsReadable) {
  Pipe pipe;
  int calls = 0;
  Action action = [&] { ++calls; };
  on_read(pipe.read_fd(), action);
  pipe.close_write();
  EXPECT_TRUE(context.poll(true));
  EXPECT_EQ(calls, 1);
  context.remove_fd_handler(pipe.read_fd());
}

// R84.9: an fd that is not open is its handler's error, once.
TEST_P(FdHandlerTest, ClosedFdIsAnErrorOfItsHandler) {
  Pipe pipe;
  const int fd = pipe.read_fd();
  pipe.close_read();
  int calls = 0;
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

TEST_P(FdHandlerTest, ReadThatRemovesItsHandlerIsNotFollowedByWrite) {
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_NONBLOCK | O_CLOEXEC), 0);
  // Both ends' events on one fd: a notifier is readable and writable.
  aio::EventNotifier notifier;
  notifier.set();
  struct State {
    aio::Context* context;
    int fd;
    int reads = 0;
    int writes = 0;
  } state{&context, notifier.fd()};
  aio::FdCallbacks callbacks;
  callbacks.io_read = [](void* p) {
    auto* self = static_cast<State*>(p);
    ++self->reads;
    self->context->remove_fd_handler(self->fd);
  };
  callbacks.io_write = [](void* p) { ++static_cast<State*>(p)->writes; };
  callbacks.opaque = &state;
  context.set_event_notifier(notifier, callbacks);
  EXPECT_TRUE(context.poll(true));
  EXPECT_EQ(state.reads, 1);
  EXPECT_EQ(state.writes, 0);
  close(ends[0]);
  close(ends[1]);
}

TEST_P(FdHandlerTest, RemovedAndSetAgainInACallbackIsServed) {
  Pipe pipe;
  int first = 0;
  int second = 0;
  Action after = [&] { ++second; };
  Action before = [&] {
    ++first;
    context.remove_fd_handler(pipe.read_fd());
    on_read(pipe.read_fd(), after);
  };
  on_read(pipe.read_fd(), before);
  pipe.fill();
  EXPECT_TRUE(context.poll(true));
  EXPECT_TRUE(context.poll(true));
  EXPECT_EQ(first, 1);
  EXPECT_EQ(second, 1);
  context.remove_fd_handler(pipe.read_fd());
}

TEST_P(FdHandlerTest, NestedPollTakesWhatTheCallerFound) {
  Pipe pipes[2];
  int calls[2] = {0, 0};
  bool nested = false;
  Action actions[2];
  for (int i = 0; i < 2; ++i) {
    actions[i] = [&, i] {
      ++calls[i];
      pipes[i].drain();
      if (nested) return;
      nested = true;
      EXPECT_TRUE(context.poll(false));
    };
    on_read(pipes[i].read_fd(), actions[i]);
    pipes[i].fill();
  }
  EXPECT_TRUE(context.poll(true));
  EXPECT_EQ(calls[0], 1);
  EXPECT_EQ(calls[1], 1);
  for (Pipe& pipe : pipes) context.remove_fd_handler(pipe.read_fd());
}

TEST_P(FdHandlerTest, HandlersRemovedInANestedPollStayUntilTheOutermostEnds) {
  Pipe pipes[3];
  Action actions[3];
  int calls = 0;
  for (int i = 0; i < 3; ++i) {
    actions[i] = [&] {
      ++calls;
      for (Pipe& pipe : pipes) context.remove_fd_handler(pipe.read_fd());
      context.poll(false);
    };
    on_read(pipes[i].read_fd(), actions[i]);
    pipes[i].fill();
  }
  EXPECT_TRUE(context.poll(true));
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(context.poll_disable_count(), 0U);
}

TEST_P(FdHandlerTest, ReplacementTakesOver) {
  Pipe pipe;
  int first = 0;
  int second = 0;
  Action one = [&] { ++first; };
  Action two = [&] { ++second; };
  on_read(pipe.read_fd(), one);
  on_read(pipe.read_fd(), two);
  EXPECT_EQ(context.poll_disable_count(), 1U);
  pipe.fill();
  EXPECT_TRUE(context.poll(true));
  EXPECT_EQ(first, 0);
  EXPECT_EQ(second, 1);
  context.remove_fd_handler(pipe.read_fd());
  EXPECT_EQ(context.poll_disable_count(), 0U);
}

TEST_P(FdHandlerTest, AWatchGoesWithItsOwner) {
  Pipe pipe;
  int calls = 0;
  aio::FdCallbacks callbacks;
  callbacks.io_read = count;
  callbacks.opaque = &calls;
  {
    aio::FdWatch watch(context, pipe.read_fd(), callbacks);
    aio::FdWatch moved = std::move(watch);
    EXPECT_EQ(watch.fd(), -1);
    EXPECT_EQ(moved.fd(), pipe.read_fd());
    moved = aio::FdWatch(context, pipe.read_fd(), callbacks);  // replaces itself
    pipe.fill();
    EXPECT_TRUE(context.poll(true));
    EXPECT_EQ(calls, 1);
  }
  EXPECT_FALSE(context.poll(false));
  EXPECT_EQ(calls, 1);
}

TEST_P(FdHandlerTest, OthersRemoveHandlersWhileNobodyVisits) {
  constexpr int rounds = 300;
  std::atomic<bool> done{false};
  int runs = 0;
  Action action = [&] { ++runs; };  // polls that are bottom halves' alone look at no handler
  auto bh = context.make_bh(act, &action);
  std::thread remover([&] {
    Pipe pipes[2];
    int ignored = 0;
    aio::FdCallbacks callbacks;
    callbacks.io_read = count;
    callbacks.opaque = &ignored;
    for (int i = 0; i < rounds; ++i) {
      for (Pipe& pipe : pipes) context.set_fd_handler(pipe.read_fd(), callbacks);
      for (Pipe& pipe : pipes) context.remove_fd_handler(pipe.read_fd());
    }
    done.store(true);
  });
  do {
    bh->schedule();
    context.poll(false);
  } while (!done.load());
  remover.join();
  EXPECT_GT(runs, 0);
  context.poll(false);
  EXPECT_EQ(context.poll_disable_count(), 0U);
  EXPECT_EQ(context.handler_visits(), 0U);
}

TEST_P(FdHandlerTest, AnotherThreadsChangesReachASleeper) {
  constexpr int rounds = 500;
  Pipe pipe;
  pipe.fill();  // always readable
  std::atomic<int> calls{0};
  std::atomic<bool> done{false};
  aio::FdCallbacks callbacks;
  callbacks.io_read = [](void* p) { ++*static_cast<std::atomic<int>*>(p); };
  callbacks.opaque = &calls;
  std::thread producer([&] {
    for (int i = 0; i < rounds; ++i) {
      const int before = calls.load();
      context.set_fd_handler(pipe.read_fd(), callbacks);
      while (calls.load() == before) std::this_thread::yield();
      context.remove_fd_handler(pipe.read_fd());
    }
    done.store(true);
    context.notify();
  });
  while (!done.load()) context.poll(true);
  producer.join();
  EXPECT_GE(calls.load(), rounds);
}

}  // namespace
}  // namespace aio_test
