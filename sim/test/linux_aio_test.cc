// What the differential test of Linux AIO cannot show: faults, time, what its calls order, and what
// ends a run by name.
#include <linux/aio_abi.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cstring>

#include "test/kernel_fixture.h"

// The hooks of -fsanitize=thread, called by hand: this file is not instrumented.
extern "C" void __tsan_write1(void*);
extern "C" void __tsan_read8(void*);
extern "C" std::uint32_t __tsan_atomic32_load(const volatile std::uint32_t*, int);

namespace aiosim {
namespace {

using fault::PointId;

struct Ring {
  unsigned id, size, head, tail, magic, compatible, incompatible, header_bytes;
  io_event events[1];
};

/// A context, a file of 64 bytes, an eventfd, and one request.
struct Fixture {
  Fixture() {
    setup = outcome(syscall(SYS_io_setup, 4, &id));
    ftruncate(file, 64);
  }
  ~Fixture() {
    close(file);
    close(event);
  }

  long submit(int operation, std::uint64_t size = 8) {
    block = {};
    block.aio_lio_opcode = static_cast<std::uint16_t>(operation);
    block.aio_fildes = static_cast<std::uint32_t>(file);
    if (operation != IOCB_CMD_FDSYNC) {
      block.aio_buf = reinterpret_cast<std::uintptr_t>(buffer.data());
      block.aio_nbytes = size;
    }
    block.aio_flags = IOCB_FLAG_RESFD;
    block.aio_resfd = static_cast<std::uint32_t>(event);
    iocb* blocks[] = {&block};
    return outcome(syscall(SYS_io_submit, id, 1L, blocks));
  }
  /// Waits for one event: its result, or -errno of the call; -ETIME if none came in time.
  long wait(const timespec* most = nullptr) {
    io_event seen{};
    const long count = outcome(syscall(SYS_io_getevents, id, 1L, 1L, &seen, most));
    return count == 1 ? static_cast<long>(seen.res) : count == 0 ? -ETIME : count;
  }
  Ring& ring() const { return *reinterpret_cast<Ring*>(id); }
  long destroy() { return outcome(syscall(SYS_io_destroy, id)); }

  aio_context_t id = 0;
  long setup = 0;
  int file = memfd_create("test", 0);
  int event = eventfd(0, EFD_NONBLOCK);
  iocb block{};
  std::array<char, 64> buffer{};
};

/// Requests take the longest, nothing else happens.
class SlowChooser final : public Chooser {
 public:
  void begin() override {}
  std::uint32_t choose(const Question& question) override {
    return question.key.kind == Kind::time && question.answers == 4 && asked_++ == 0 ? 3 : 0;
  }

 private:
  int asked_ = 0;
};

TEST(LinuxAio, FaultsStrikeWhereTheyAreArmed) {
  FaultChooser faults;
  {
    const Armed armed({PointId::io_setup_eagain});
    PASSES(simulate([] { SAME(-EAGAIN, Fixture().setup); }, faults));
  }
  {
    const Armed armed({PointId::io_submit_eagain});
    PASSES(simulate(
        [] {
          Fixture it;
          SAME(-EAGAIN, it.submit(IOCB_CMD_PWRITE));
          SAME(1, it.submit(IOCB_CMD_PWRITE));
          SAME(8, it.wait());
        },
        faults));
  }
  {
    const Armed armed({PointId::aio_eio, PointId::aio_short});
    PASSES(simulate(
        [] {
          Fixture it;
          it.submit(IOCB_CMD_PREAD);
          SAME(-EIO, it.wait());
          it.submit(IOCB_CMD_PREAD);
          SAME(4, it.wait());
          it.submit(IOCB_CMD_PREAD);
          SAME(8, it.wait());
        },
        faults));
  }
}

TEST(LinuxAio, ASlowRequestTakesItsTime) {
  SlowChooser slow;
  PASSES(simulate(
      [] {
        Fixture it;
        it.submit(IOCB_CMD_PREAD);
        pollfd entry{it.event, POLLIN, 0};
        SAME(0, poll(&entry, 1, 1));
        const timespec one_ms{0, 1'000'000};
        SAME(-ETIME, it.wait(&one_ms));
        const std::int64_t before_ns = now_ns();
        SAME(1, poll(&entry, 1, -1));
        SAME(8, it.wait());
        const HarnessScope scope;
        EXPECT_LT(now_ns() - before_ns, 3'000'000);
      },
      slow));
}

TEST(LinuxAio, TheEndOfAContextWaitsForWhatIsInFlight) {
  SlowChooser slow;
  PASSES(simulate(
      [] {
        Fixture it;
        it.submit(IOCB_CMD_PREAD);
        const std::int64_t before_ns = now_ns();
        SAME(0, it.destroy());
        eventfd_t told = 0;
        SAME(0, eventfd_read(it.event, &told));
        const HarnessScope scope;
        EXPECT_GE(now_ns() - before_ns, 2'900'000);
      },
      slow));
}

TEST(LinuxAio, ABufferThatIsTouchedInFlightIsADataRace) {
  const auto body = [](bool waits) {
    return [waits] {
      Fixture it;
      it.submit(IOCB_CMD_PREAD);
      if (waits) it.wait();
      __tsan_write1(it.buffer.data());
      if (!waits) it.wait();
    };
  };
  SlowChooser slow;
  PASSES(simulate(body(true), slow));
  SlowChooser again;
  const RunResult result = simulate(body(false), again);
  EXPECT_EQ(result.verdict.kind, VerdictKind::data_race) << result.verdict.text;
}

TEST(LinuxAio, AnEventIsThereForWhoAcquiresTheTail) {
  const auto body = [](int order) {
    return [order] {
      Fixture it;
      it.submit(IOCB_CMD_FDSYNC);  // of the kernel's own thread
      while (__tsan_atomic32_load(&it.ring().tail, order) == 0) {
      }
      __tsan_read8(&it.ring().events[0]);
    };
  };
  constexpr int relaxed = 0;
  constexpr int acquire = 2;
  PASSES(simulate(body(acquire)));
  EXPECT_EQ(simulate(body(relaxed)).verdict.kind, VerdictKind::data_race);
}

TEST(LinuxAio, ARingThatIsGoneIsNotRead) {
  const RunResult result = simulate([] {
    Fixture it;
    it.destroy();
    __tsan_read8(&it.ring().events[0]);
  });
  EXPECT_EQ(result.verdict.kind, VerdictKind::use_after_free) << result.verdict.text;
}

TEST(LinuxAio, NobodyWaitsForTheKernelsThread) {
  const RunResult result = simulate([] {
    Fixture it;
    it.wait();
  });
  EXPECT_EQ(result.verdict.kind, VerdictKind::deadlock);
  EXPECT_EQ(result.verdict.text, "nobody can ever run again: T0 waits in io_getevents");
}

TEST(LinuxAio, WhatIsNotSimulatedEndsTheRunByName) {
  const auto text = [](const auto& body) { return simulate(body).verdict.text; };
  EXPECT_EQ(text([] { Fixture().submit(IOCB_CMD_POLL); }), "IOCB_CMD_POLL is not simulated");
  EXPECT_EQ(text([] {
              Fixture it;
              std::swap(it.file, it.event);
              it.block.aio_flags = 0;
              iocb* blocks[] = {&it.block};
              it.block.aio_fildes = static_cast<std::uint32_t>(it.file);
              syscall(SYS_io_submit, it.id, 1L, blocks);
            }),
            "io_submit of fd 4, which is no memfd, is not simulated");
  EXPECT_EQ(text([] {
              Fixture it;
              it.block.aio_fildes = static_cast<std::uint32_t>(it.file);
              it.block.aio_rw_flags = 1;
              iocb* blocks[] = {&it.block};
              syscall(SYS_io_submit, it.id, 1L, blocks);
            }),
            "a flag of io_submit is not simulated");
  EXPECT_EQ(text([] { memfd_create("sealed", MFD_ALLOW_SEALING); }),
            "memfd_create flags 2 are not simulated");
  EXPECT_EQ(text([] { lseek(eventfd(0, 0), 0, SEEK_SET); }),
            "lseek of fd 3 is not simulated: it is no memfd");
  EXPECT_EQ(text([] { lseek(memfd_create("", 0), 0, SEEK_HOLE); }),
            "lseek to data or a hole is not simulated");
}

}  // namespace
}  // namespace aiosim
