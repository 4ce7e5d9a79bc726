// The producer: everything that another thread may ask a loop for.
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "aiosim/choice.h"
#include "soak/users.h"

namespace soak {
namespace {

constexpr std::uint32_t bottom_half_count = 4;
constexpr std::uint32_t timer_count = 4;
constexpr std::uint32_t ring_size = 16;

/// One call, and its words are plain: the loop owes the callback what was written before.
struct Oneshot {
  Ledger& ledger;
  std::uint64_t word;
  std::uint64_t inverted;

  static void call(void* opaque) {
    const std::unique_ptr<Oneshot> self(static_cast<Oneshot*>(opaque));
    if (self->word != ~self->inverted) fail("a one-shot does not see what its producer wrote");
    self->ledger.keep(Kind::oneshots);
  }
};

}  // namespace

struct Producer::BottomHalf {
  Ledger& ledger;
  aio::BottomHalfHandle bh;
  std::atomic<std::uint64_t> wrote{0};  // by the producer, before it schedules
  std::atomic<std::uint64_t> saw{0};    // by the callback

  static void call(void* opaque) {
    auto* self = static_cast<BottomHalf*>(opaque);
    self->saw.store(self->wrote.load(std::memory_order_relaxed), std::memory_order_relaxed);
    self->saw.notify_all();
  }
};

struct Producer::Timer {
  Ledger& ledger;
  std::optional<aio::Timer> timer;
  std::int64_t deadline_ns = 0;  // the producer's, but between arming and the callback
  std::atomic<bool> idle{true};

  static void call(void* opaque) {
    auto* self = static_cast<Timer*>(opaque);
    const std::int64_t early_ns = self->deadline_ns - aio::now_ns();
    if (early_ns > 0) fail("a timer ran " + std::to_string(early_ns) + " ns before its time");
    self->ledger.keep(Kind::timers);
    self->idle.store(true, std::memory_order_release);
  }
};

Producer::Producer(Loop& loop) : loop_(loop), words_(ring_size), word_of_(ring_size) {
  for (std::size_t i = 0; i < bottom_half_count; ++i) {
    auto& it = *bottom_halves_.emplace_back(new BottomHalf{.ledger = loop.ledger, .bh = nullptr});
    it.bh = loop.context().make_bh(BottomHalf::call, &it, "soak");
  }
  for (std::size_t i = 0; i < timer_count; ++i) {
    auto& it = *timers_.emplace_back(new Timer{.ledger = loop.ledger, .timer = std::nullopt});
    it.timer.emplace(loop.context(), Timer::call, &it);
  }
  driver_.emplace(loop.ring());
}

Producer::~Producer() = default;

void Producer::schedule(std::size_t which) {
  BottomHalf& it = *bottom_halves_[which];
  it.wrote.store(it.wrote.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  loop_.ledger.cause();
  it.bh->schedule();
}

void Producer::await_bottom_halves() {
  for (const auto& it : bottom_halves_) {
    const std::uint64_t wrote = it->wrote.load(std::memory_order_relaxed);
    loop_.ledger.promise(Kind::bottom_halves);
    for (std::uint64_t saw = it->saw.load(); saw != wrote; saw = it->saw.load()) {
      it->saw.wait(saw);
    }
    loop_.ledger.keep(Kind::bottom_halves);
  }
}

void Producer::arm(std::size_t which, std::int64_t delay_ns) {
  Timer& it = *timers_[which];
  if (!it.idle.load(std::memory_order_acquire)) return;
  it.idle.store(false, std::memory_order_relaxed);
  it.deadline_ns = aio::now_ns() + delay_ns;
  loop_.ledger.promise(Kind::timers);
  loop_.ledger.cause(2);
  it.timer->arm_at(it.deadline_ns);
}

void Producer::schedule_oneshot(const Work& work) {
  if (work.plant != Plant::twice) loop_.ledger.promise(Kind::oneshots);
  loop_.ledger.cause();
  if (work.plant == Plant::hang) return;
  loop_.context().schedule_oneshot(Oneshot::call, new Oneshot{loop_.ledger, work.seed, ~work.seed},
                                   "producer");
}

/// A handler that comes and goes from outside the loop's thread, with its fd.
void Producer::use_handler() {
  struct Event {
    Ledger& ledger;
    int fd;
    std::atomic<bool> done{false};
  };
  const int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (fd < 0) return;  // EMFILE: not this time
  Event event{loop_.ledger, fd};
  aio::FdCallbacks callbacks;
  callbacks.io_read = [](void* opaque) {
    auto* it = static_cast<Event*>(opaque);
    std::uint64_t count;
    if (read(it->fd, &count, sizeof count) != sizeof count) return;  // EINTR: it stays readable
    it->ledger.keep(Kind::handlers);
    it->done.store(true);
    it->done.notify_all();
  };
  callbacks.opaque = &event;
  loop_.ledger.cause(6);
  loop_.ledger.promise(Kind::handlers);
  loop_.context().set_fd_handler(fd, callbacks);
  while (eventfd_write(fd, 1) != 0) {
  }
  event.done.wait(false);
  loop_.context().remove_fd_handler(fd);
  loop_.in_loop([] {});  // no callback of it is running now
  close(fd);
}

void Producer::use_virtqueue(std::size_t buffers) {
  Ledger& ledger = loop_.ledger;
  std::size_t outstanding = 0;
  while (outstanding < buffers) {
    words_[outstanding] = static_cast<std::uint32_t>(outstanding);
    ledger.promise(Kind::buffers);
    ledger.cause(2);
    const auto id = driver_->add(&words_[outstanding], sizeof(std::uint32_t));
    if (!id) fail("the virtqueue has no room although all buffers came back");
    word_of_[*id] = outstanding++;
  }
  driver_->kick();
  while (outstanding > 0) {
    while (const auto used = driver_->take_used()) {
      const auto word = static_cast<std::uint32_t>(word_of_[used->id]);
      if (words_[word] != ~word) fail("a buffer came back without the device's word");
      --outstanding;
    }
    if (outstanding == 0) break;
    pollfd called{loop_.ring().call.fd(), POLLIN, 0};
    poll(&called, 1, -1);
    loop_.ring().call.test_and_clear();
  }
}

void Producer::run(const Work& work) {
  const Storm storm(work.storm_ns);
  aiosim::Random random(work.seed);
  for (int step = 0; step < work.steps; ++step) {
    switch (random.below(8)) {
      case 0:
      case 1:
        schedule(random.below(bottom_half_count));
        break;
      case 2:
        schedule_oneshot(work);
        break;
      case 3:
        arm(random.below(timer_count), random.below(2'000'000));
        break;
      case 4:
        loop_.ledger.cause();
        loop_.context().notify();
        break;
      case 5:
        use_handler();
        break;
      case 6:
        loop_.submit_requests(1 + random.below(8));
        break;
      default:
        use_virtqueue(1 + random.below(ring_size));
        break;
    }
    if (random.chance(100'000)) await_bottom_halves();
  }
  await_bottom_halves();
}

}  // namespace soak
