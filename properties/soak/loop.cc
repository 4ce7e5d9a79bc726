#include "soak/loop.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <ctime>
#include <system_error>
#include <utility>

namespace soak {
namespace {

constexpr std::int64_t idle_for_ns = 10'000'000;
constexpr int far_fd = 600;  // no other fd of the soak gets so high a number

std::int64_t clock_ns(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return now.tv_sec * std::int64_t{1'000'000'000} + now.tv_nsec;
}

struct Request {
  Ledger& ledger;
  int value;
};

int work(void* opaque) { return static_cast<Request*>(opaque)->value; }

void done(void* opaque, int result) {
  const std::unique_ptr<Request> request(static_cast<Request*>(opaque));
  if (result != request->value && result != -ECANCELED) {
    fail("a request that returned " + std::to_string(request->value) + " completed with " +
         std::to_string(result));
  }
  request->ledger.keep(Kind::requests);
}

struct Act {
  std::function<void()> act;
  std::atomic<bool> done{false};
};

/// What opens fds is tried again: EMFILE may strike, and is to leave nothing behind.
template <typename Make>
void insist(std::uint64_t& refused, Make make) {
  for (;;) {
    try {
      make();
      return;
    } catch (const std::system_error& error) {
      if (error.code().value() != EMFILE) fail(std::string("set-up: ") + error.what());
      ++refused;
    }
  }
}

}  // namespace

const std::vector<MonitorChoice>& monitors() {
  static const std::vector<MonitorChoice> all = {{"ppoll", aio::Monitor::ppoll, 0},
                                                 {"epoll", aio::Monitor::epoll, 0},
                                                 {"upgrade", aio::Monitor::epoll_auto, 6},
                                                 {"io_uring", aio::Monitor::io_uring, 6}};
  return all;
}

Loop::Loop(const MonitorChoice& choice, std::int64_t poll_max_ns, std::int64_t storm_ns)
    : ledger(choice.name), choice_(choice) {
  aio::ContextOptions options;
  options.monitor = choice.monitor;
  options.upgrade_threshold = choice.upgrade_threshold;
  options.ring_entries = 8;  // gets full
  options.poll_max_ns = poll_max_ns;
  insist(refused_, [&] { io_ = std::make_unique<aio::IoThread>(options, choice.name); });
  in_loop([&] { set_up(storm_ns); });
}

void Loop::set_up(std::int64_t storm_ns) {
  storm_.emplace(storm_ns);
  insist(refused_, [&] { server_.emplace(context(), 0); });
  port_ = server_->port();
  pool_.emplace(context(), aio::ThreadPoolOptions{.max_threads = 2});
  insist(refused_, [&] { ring_ = std::make_unique<aio::VirtqueueRing>(std::uint16_t{16}); });
  queue_.emplace(*ring_);
  queue_->attach(
      context(), [](void* self) { static_cast<Loop*>(self)->serve_virtqueue(); }, this);
  idle_timer_.emplace(
      context(),
      [](void* flag) {
        static_cast<std::atomic<bool>*>(flag)->store(true);
        static_cast<std::atomic<bool>*>(flag)->notify_all();
      },
      &idle_over_);
}

Loop::~Loop() {
  in_loop([&] {
    queue_.reset();
    pool_.reset();
    server_.reset();
    idle_timer_.reset();
    storm_.reset();
  });
  io_->stop();
}

/// The device gives every buffer back with its word inverted.
void Loop::serve_virtqueue() {
  while (const auto element = queue_->pop()) {
    auto& word = *static_cast<std::uint32_t*>(element->buffer.data);
    word = ~word;
    queue_->push(element->id, sizeof word);
    ledger.keep(Kind::buffers);
  }
  queue_->notify_driver();
}

void Loop::in_loop(std::function<void()> act) {
  Act wanted{std::move(act)};
  ledger.cause();
  context().schedule_oneshot(
      [](void* opaque) {
        auto* it = static_cast<Act*>(opaque);
        it->act();
        it->done.store(true);
        it->done.notify_all();
      },
      &wanted, "soak");
  wanted.done.wait(false);
}

std::string Loop::monitor_name() {
  std::string name;
  in_loop([&] { name = context().monitor_name(); });
  return name;
}

void Loop::adopt(int fd) {
  struct Adoption {
    echo::EchoServer& server;
    int fd;
  };
  ledger.cause();
  context().schedule_oneshot(
      [](void* opaque) {
        const std::unique_ptr<Adoption> it(static_cast<Adoption*>(opaque));
        it->server.adopt(it->fd);
      },
      new Adoption{*server_, fd}, "adopt");
}

void Loop::submit_requests(std::uint64_t count) {
  ledger.promise(Kind::requests, count);
  ledger.cause(3 * count);
  in_loop([&] {
    for (std::uint64_t i = 0; i < count; ++i) {
      auto& it = pool_->submit(work, done, new Request{ledger, static_cast<int>(i)});
      if (i % 4 == 3) pool_->cancel(it);
    }
  });
}

void Loop::settle() {
  for (std::size_t i = 0; i < kind_count; ++i) ledger.await(static_cast<Kind>(i));
  std::size_t left = 1;  // a client that went rudely may not be known to have gone
  while (left != 0) in_loop([&] { left = server_->connections(); });
  in_loop([] {});  // removed handlers are freed by the end of the poll before
}

Idle Loop::idle() {
  Idle before;
  Idle after;
  const auto look = [&](Idle& at) {
    at = {clock_ns(CLOCK_MONOTONIC), clock_ns(CLOCK_THREAD_CPUTIME_ID), context().counters().polls};
  };
  idle_over_.store(false);
  in_loop([&] {
    look(before);
    idle_timer_->arm_after(idle_for_ns);
  });
  idle_over_.wait(false);
  in_loop([&] { look(after); });
  return {after.wall_ns - before.wall_ns, after.cpu_ns - before.cpu_ns, after.polls - before.polls};
}

Idle Loop::close_under_handler() {
  std::array<int, 2> pair{};
  while (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair.data()) != 0) {
  }
  // A number of its own: the next fd that somebody opens must not come under the old handler.
  const int fd =
      fcntl(pair[0], F_DUPFD_CLOEXEC, far_fd + static_cast<int>(&choice_ - &monitors()[0]));
  if (fd < 0) fail("fcntl: no fd from number " + std::to_string(far_fd) + " on");
  close(pair[0]);
  int calls = 0;
  in_loop([&] {
    aio::FdCallbacks callbacks;
    callbacks.io_read = [](void* count) { ++*static_cast<int*>(count); };
    callbacks.opaque = &calls;
    context().set_fd_handler(fd, callbacks);
  });
  in_loop([] {});
  close(fd);
  context().notify();
  ledger.cause(4);
  const Idle result = idle();
  in_loop([&] { context().remove_fd_handler(fd); });
  close(pair[1]);
  if (calls > 1) fail("the handler of a closed fd was called " + std::to_string(calls) + " times");
  return result;
}

}  // namespace soak
