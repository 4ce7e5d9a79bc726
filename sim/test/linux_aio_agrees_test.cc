// The simulated Linux AIO, and the memory files it works on, against the real ones: the same random
// calls give the same results, events in the same order, counters and bytes.
//
// One thread. Each sequence runs twice through the same code: outside a world, where the calls are
// Linux's, and in one. Linux takes long to destroy a context, so all sequences share one there.
// Reads and writes of memory files complete in io_submit, in order; a sync
// completes in a thread of the kernel's, so it is waited for at once.
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <string>
#include <vector>

#include "test/kernel_fixture.h"

namespace aiosim {
namespace {

constexpr unsigned promised = 32;
constexpr int most_steps = 40;
constexpr int file_bytes = 64;  // where things happen, and a little more

struct Step {
  std::uint32_t verb;
  std::uint32_t a;
  std::uint32_t b;
  std::uint32_t c;
};

struct Figures {
  std::array<long, 4096> values{};
  std::size_t count = 0;
  void add(long value) {
    if (count < values.size()) values[count++] = value;
  }
};

/// As the kernel maps it.
struct Ring {
  unsigned id, size, head, tail, magic, compatible, incompatible, header_bytes;
  io_event* events() { return reinterpret_cast<io_event*>(this + 1); }
  unsigned unseen() const { return tail >= head ? tail - head : tail + size - head; }
};

class Runner {
 public:
  /// `one_by_one`: each request is waited for, whenever it completes.
  Runner(Figures& out, bool one_by_one) : out_(out), one_by_one_(one_by_one) {}

  /// `id`: a context, or 0 for a new one.
  void start(aio_context_t& id) {
    if (id == 0) syscall(SYS_io_setup, promised, &id);
    id_ = id;
    ring_ = reinterpret_cast<Ring*>(id_);
    file_ = memfd_create("agrees", MFD_CLOEXEC);
    event_ = eventfd(0, EFD_NONBLOCK);
    out_.add(ring_->magic);
    out_.add(ring_->compatible);
    out_.add(ring_->incompatible);
    out_.add(ring_->header_bytes);
    out_.add(fcntl(file_, F_GETFL));
    out_.add(fcntl(file_, F_GETFD));
  }
  void end() {
    get_events(0, promised, true);
    take_counter();
    close(file_);
    close(event_);
  }

  void run(const Step& step) {
    out_.add(-1000 - static_cast<long>(step.verb));
    switch (step.verb) {
      case 0:
      case 1:
      case 2:
        return submit(step);
      case 3:
        return sync(step);
      case 4:
        return get_events(step.a % 4, step.b % 6, true);
      case 5:
        return reap(step.a % 5);
      case 6:
        return take_counter();
      case 7:
        return wrong_calls(step);
      default:
        return use_file(step);
    }
  }

 private:
  std::int64_t offset_of(std::uint32_t a) const {
    return a % 16 == 15 ? -1 : static_cast<std::int64_t>(a * 7 % file_bytes);
  }
  std::size_t size_of(std::uint32_t a) const { return a * 5 % 24; }

  void fill(iocb& block, const Step& step, std::uint32_t i) {
    static constexpr std::array<std::uint16_t, 10> operations{
        IOCB_CMD_PREAD,  IOCB_CMD_PREAD,  IOCB_CMD_PREAD,   IOCB_CMD_PWRITE,  IOCB_CMD_PWRITE,
        IOCB_CMD_PWRITE, IOCB_CMD_PREADV, IOCB_CMD_PWRITEV, IOCB_CMD_PWRITEV, 99};
    block = {};
    const std::uint32_t draw = step.a * 31 + step.b * 7 + i * 13 + step.c;
    block.aio_data = ++last_;
    block.aio_lio_opcode = operations[draw % operations.size()];
    block.aio_fildes = static_cast<std::uint32_t>(draw % 23 == 1 ? 1000 : file_);
    const std::size_t place = last_ % buffers_.size();
    char* const buffer = buffers_[place].data();
    std::memset(buffer, static_cast<int>('a' + last_ % 26), buffers_[place].size());
    block.aio_buf = reinterpret_cast<std::uintptr_t>(buffer);
    block.aio_nbytes = size_of(step.b + i);
    if (block.aio_lio_opcode >= IOCB_CMD_PREADV && block.aio_lio_opcode <= IOCB_CMD_PWRITEV) {
      const std::size_t first = block.aio_nbytes / 3;
      vectors_[place] = {{{buffer, first}, {buffer + first, block.aio_nbytes - first}}};
      block.aio_buf = reinterpret_cast<std::uintptr_t>(vectors_[place].data());
      block.aio_nbytes = draw % 3;
    }
    block.aio_offset = offset_of(step.c + i);
    if (draw % 5 != 0) {
      block.aio_flags = IOCB_FLAG_RESFD;
      block.aio_resfd = static_cast<std::uint32_t>(draw % 37 == 1 ? file_ : event_);
    }
    if (draw % 41 == 2) block.aio_reserved2 = 1;
    if (draw % 43 == 2) block.aio_nbytes = ~0ULL;
    block.aio_key = 77;
  }

  /// As many as surely find room.
  void submit(const Step& step) {
    const std::uint32_t count =
        one_by_one_ ? 1 : std::min(step.c % 5, promised - std::min(promised, outstanding_));
    std::array<iocb*, 5> blocks{};
    for (std::uint32_t i = 0; i < count; ++i) {
      blocks[i] = &blocks_[next_block_++ % blocks_.size()];
      fill(*blocks[i], step, i);
    }
    const long taken =
        outcome(syscall(SYS_io_submit, id_, static_cast<long>(count), blocks.data()));
    out_.add(taken);
    for (std::uint32_t i = 0; i < count; ++i) out_.add(blocks[i]->aio_key);
    if (taken > 0) outstanding_ += static_cast<unsigned>(taken);
    if (one_by_one_) {
      get_events(outstanding_, outstanding_, false);
    } else {
      out_.add(ring_->unseen());
    }
    if (taken > 0) add_bytes(*blocks[0]);
  }

  void add_bytes(const iocb& block) {
    for (const auto& buffer : buffers_) {
      if (block.aio_buf != reinterpret_cast<std::uintptr_t>(buffer.data())) continue;
      for (const char byte : buffer) out_.add(byte);
    }
  }

  void sync(const Step& step) {
    if (outstanding_ >= promised) return;
    iocb& block = blocks_[next_block_++ % blocks_.size()];
    block = {};
    block.aio_data = ++last_;
    block.aio_lio_opcode = step.a % 2 == 0 ? IOCB_CMD_FSYNC : IOCB_CMD_FDSYNC;
    block.aio_fildes = static_cast<std::uint32_t>(step.b % 7 == 0 ? event_ : file_);
    block.aio_nbytes = step.c % 9 == 0 ? 1 : 0;
    iocb* blocks[] = {&block};
    const long taken = outcome(syscall(SYS_io_submit, id_, 1L, blocks));
    out_.add(taken);
    if (taken > 0) ++outstanding_;
    get_events(outstanding_, outstanding_, false);
  }

  void get_events(std::uint32_t least, std::uint32_t most, bool at_once) {
    std::array<io_event, promised> events{};
    timespec now{};
    const long count =
        outcome(syscall(SYS_io_getevents, id_, static_cast<long>(least), static_cast<long>(most),
                        events.data(), at_once ? &now : nullptr));
    out_.add(count);
    for (long i = 0; i < count; ++i) tell(events[static_cast<std::size_t>(i)]);
  }

  void reap(std::uint32_t most) {
    for (; most > 0 && ring_->head != ring_->tail; --most) {
      tell(ring_->events()[ring_->head]);
      ring_->head = (ring_->head + 1) % ring_->size;
    }
  }

  void tell(const io_event& event) {
    --outstanding_;
    out_.add(static_cast<long>(event.data));
    out_.add(static_cast<long>(event.res));
    out_.add(static_cast<long>(event.res2));
    const auto* block = reinterpret_cast<const iocb*>(event.obj);
    out_.add(block >= blocks_.data() && block < blocks_.data() + blocks_.size());
  }

  void take_counter() {
    eventfd_t value = 0;
    const long result = eventfd_read(event_, &value);
    out_.add(result == 0 ? static_cast<long>(value) : -errno);
  }

  void wrong_calls(const Step& step) {
    io_event event{};
    iocb block{};
    aio_context_t other = step.a % 2;
    switch (step.b % 6) {
      case 0:
        return out_.add(outcome(syscall(SYS_io_submit, id_ + 1, 0L, nullptr)));
      case 1:
        return out_.add(outcome(syscall(SYS_io_submit, id_, -1L, nullptr)));
      case 2:
        return out_.add(outcome(syscall(SYS_io_getevents, id_, 2L, 1L, &event, nullptr)));
      case 3:
        return out_.add(outcome(syscall(SYS_io_cancel, id_, &block, &event)));
      case 4:
        return out_.add(outcome(syscall(SYS_io_setup, other == 0 ? 0x10000000U : 1, &other)));
      default:
        return out_.add(outcome(syscall(SYS_io_submit, id_, 0L, nullptr)));
    }
  }

  void use_file(const Step& step) {
    std::array<char, 24> buffer{};
    buffer.fill(static_cast<char>('A' + step.a % 26));
    const std::size_t size = size_of(step.b);
    switch (step.a % 11) {
      case 0:
        return out_.add(outcome(pwrite(file_, buffer.data(), size, offset_of(step.c))));
      case 1:
        out_.add(outcome(pread(file_, buffer.data(), size, offset_of(step.c))));
        break;
      case 2:
        return out_.add(outcome(write(file_, buffer.data(), size)));
      case 3:
        out_.add(outcome(read(file_, buffer.data(), size)));
        break;
      case 4:
        return out_.add(outcome(lseek(file_, offset_of(step.c), static_cast<int>(step.b % 3))));
      case 5:
        return out_.add(outcome(lseek(file_, -3, static_cast<int>(step.b % 3))));
      case 6:
        return out_.add(outcome(ftruncate(file_, offset_of(step.c))));
      case 7:
        return out_.add(outcome(fcntl(file_, F_SETFL, step.b % 4 == 0 ? O_APPEND : 0)));
      case 8: {
        struct stat about {};
        out_.add(outcome(fstat(file_, &about)));
        out_.add(about.st_size);
        return out_.add(S_ISREG(about.st_mode));
      }
      case 9: {
        int unread = -1;
        out_.add(outcome(ioctl(file_, FIONREAD, &unread)));
        pollfd entry{file_, POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM, 0};
        out_.add(outcome(poll(&entry, 1, -1)));
        out_.add(entry.revents);
        const int epoll = epoll_create1(0);
        epoll_event event{EPOLLIN, {}};
        out_.add(outcome(epoll_ctl(epoll, EPOLL_CTL_ADD, file_, &event)));
        close(epoll);
        return out_.add(unread);
      }
      default:
        out_.add(outcome(fsync(file_)));
        return out_.add(outcome(fdatasync(file_)));
    }
    for (const char byte : buffer) out_.add(byte);
  }

  Figures& out_;
  const bool one_by_one_;
  aio_context_t id_ = 0;
  Ring* ring_ = nullptr;
  int file_ = -1;
  int event_ = -1;
  unsigned outstanding_ = 0;
  std::uint64_t last_ = 0;
  std::array<iocb, 64> blocks_{};
  std::uint32_t next_block_ = 0;
  std::array<std::array<char, 24>, 8> buffers_{};
  std::array<std::array<iovec, 2>, 8> vectors_{};
};

void run_all(const std::vector<Step>& steps, bool one_by_one, aio_context_t& id, Figures& out) {
  Runner runner(out, one_by_one);
  runner.start(id);
  for (const Step& step : steps) runner.run(step);
  runner.end();
}

std::string text(const std::vector<Step>& steps) {
  std::string out;
  for (const Step& step : steps) {
    out += " {" + std::to_string(step.verb) + "," + std::to_string(step.a) + "," +
           std::to_string(step.b) + "," + std::to_string(step.c) + "}";
  }
  return out;
}

std::vector<Step> draw(std::uint64_t seed) {
  Random random(mix64(seed));
  std::vector<Step> steps(random.below(most_steps) + 1);
  for (Step& step : steps) {
    step = {random.below(11), random.below(97), random.below(97), random.below(97)};
  }
  return steps;
}

void compare(std::uint64_t seed, bool one_by_one, std::uint32_t kinds) {
  const std::vector<Step> steps = draw(seed);
  static aio_context_t linux_context = 0;
  Figures real;
  run_all(steps, one_by_one, linux_context, real);
  Figures simulated;
  RandomChooser chooser(seed, kinds);
  const auto body = [&] {
    aio_context_t context = 0;
    run_all(steps, one_by_one, context, simulated);
    syscall(SYS_io_destroy, context);
  };
  PASSES(simulate(body, chooser));
  for (std::size_t i = 0; i < std::max(real.count, simulated.count); ++i) {
    ASSERT_EQ(real.values[i], simulated.values[i])
        << "figure " << i << " of seed " << seed << text(steps);
  }
}

TEST(LinuxAioAgrees, RandomCallsThatCompleteAtOnce) {
  for (std::uint64_t seed = 1; seed <= 10'000; ++seed) compare(seed, false, 0);
}

TEST(LinuxAioAgrees, RandomCallsThatCompleteWhenTheyLike) {
  const std::uint32_t kinds = bit(Kind::time) | bit(Kind::poll_order) | bit(Kind::sched);
  for (std::uint64_t seed = 1; seed <= 10'000; ++seed) compare(seed, true, kinds);
}

/// What both worlds do with a context's life and a full ring; `out`: what may not differ.
void live(Figures& out) {
  aio_context_t id = 0;
  out.add(outcome(syscall(SYS_io_setup, 0, &id)));
  out.add(outcome(syscall(SYS_io_setup, 1, &id)));
  out.add(outcome(syscall(SYS_io_setup, 1, &id)));
  const int file = memfd_create("full", 0);
  char byte = 'x';
  iocb block{};
  block.aio_lio_opcode = IOCB_CMD_PWRITE;
  block.aio_fildes = static_cast<std::uint32_t>(file);
  block.aio_buf = reinterpret_cast<std::uintptr_t>(&byte);
  block.aio_nbytes = 1;
  iocb* blocks[] = {&block};
  std::array<io_event, 1024> events{};
  for (int round = 0; round < 3; ++round) {
    long taken = 0;
    long result = 1;
    while (result == 1 && taken < 1024) {
      result = outcome(syscall(SYS_io_submit, id, 1L, blocks));
      taken += result == 1 ? 1 : 0;
    }
    out.add(result);  // how many are taken before that, Linux leaves open
    out.add(taken > 0 ? 1 : 0);
    out.add(taken - outcome(syscall(SYS_io_getevents, id, taken, 1024L, events.data(), nullptr)));
  }
  out.add(outcome(syscall(SYS_io_destroy, id)));
  out.add(outcome(syscall(SYS_io_destroy, id)));
  out.add(outcome(syscall(SYS_io_submit, id, 1L, blocks)));
  close(file);
}

TEST(LinuxAioAgrees, AFullRingAndTheEndOfAContext) {
  Figures real;
  live(real);
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    Figures simulated;
    RandomChooser chooser(seed);
    PASSES(simulate([&] { live(simulated); }, chooser));
    ASSERT_EQ(real.count, simulated.count);
    for (std::size_t i = 0; i < real.count; ++i) EXPECT_EQ(real.values[i], simulated.values[i]);
  }
}

}  // namespace
}  // namespace aiosim
