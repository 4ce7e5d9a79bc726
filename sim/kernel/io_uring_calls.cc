// io_uring_setup(2) and io_uring_enter(2).
#include <fcntl.h>
#include <liburing.h>
#include <sys/mman.h>

#include <bit>
#include <cerrno>
#include <stdexcept>

#include "kernel/io_uring.h"
#include "kernel/state.h"

namespace aiosim::kernel {
namespace {

constexpr std::uintptr_t rings_address = 0x180000000000;
constexpr std::size_t rings_bytes = std::size_t{16} << 20;
constexpr unsigned most_entries = 32768;

IoUring* ring_of(State& k, int fd) { return dynamic_cast<IoUring*>(k.file(fd)); }

int wait_for_completions(State& k, IoUring& ring, int fd, unsigned complete) {
  IoUring::Waiting waiting = ring.waiting(complete);
  int result = 0;
  for (ring.run_work();; ring.run_all_work()) {
    ring.flush_overflow();
    if (result != 0 || ring.enough(waiting)) break;
    result = k.signals.interrupts()
                 ? -EINTR
                 : k.wait("io_uring_enter", fd_object(fd), -1, fault::PointId::io_uring_enter_eintr,
                          IoUring::goes_on, &waiting);
  }
  return ring.unseen() != 0 ? 0 : result;
}

int enter_once(State& k, int fd, unsigned submit, unsigned complete, unsigned flags,
               const void* pc) {
  k.enter("io_uring_enter", fd_object(fd), pc);
  const auto done = [&](int result) { return k.leave("io_uring_enter", fd, result, pc, complete); };
  if (k.file(fd) == nullptr) return done(-EBADF);
  IoUring* const ring = ring_of(k, fd);
  if (ring == nullptr) return done(-EOPNOTSUPP);
  if ((flags & ~IORING_ENTER_GETEVENTS) != 0) return done(-EINVAL);
  k.pin(*ring);
  int submitted = 0;
  if (submit != 0) submitted = ring->submit(submit, pc);
  int waited = 0;
  // What could not be submitted is not waited for.
  if ((flags & IORING_ENTER_GETEVENTS) != 0 && submitted == static_cast<int>(submit)) {
    waited = wait_for_completions(k, *ring, fd, complete);
  }
  k.acquire(ring->posted());
  k.world.state_changed();
  k.drop(*ring);
  return done(submitted != 0 ? submitted : waited);
}

}  // namespace

char* RingMemory::take(std::size_t bytes) {
  if (base_ == nullptr) {
    void* const wanted = reinterpret_cast<void*>(rings_address);
    void* const got =
        mmap(wanted, rings_bytes, PROT_READ | PROT_WRITE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
    if (got != wanted) throw std::runtime_error("the address range of the kernel's rings is taken");
    base_ = static_cast<char*>(got);
  }
  const std::size_t size = (bytes + 4095) & ~std::size_t{4095};
  if (size > rings_bytes - used_) return nullptr;
  char* const at = base_ + used_;
  used_ += size;
  return at;
}

int Kernel::io_uring_setup(unsigned entries, ::io_uring* ring, io_uring_params* params,
                           const void* pc) {
  State& k = *state_;
  k.enter("io_uring_setup", {}, pc);
  const auto done = [&](int result) {
    return k.leave("io_uring_setup", result, result, pc, entries);
  };
  if ((params->flags & ~IORING_SETUP_CQSIZE) != 0) {
    k.world.fail(VerdictKind::crash,
                 "io_uring_setup flags " + std::to_string(params->flags) + " are not simulated");
  }
  if (entries == 0 || entries > most_entries) return done(-EINVAL);
  const unsigned sq_entries = std::bit_ceil(entries);
  unsigned cq_entries = 2 * sq_entries;
  if ((params->flags & IORING_SETUP_CQSIZE) != 0) {
    if (params->cq_entries == 0 || params->cq_entries > 2 * most_entries) return done(-EINVAL);
    cq_entries = std::bit_ceil(params->cq_entries);
    if (cq_entries < sq_entries) return done(-EINVAL);
  }
  if (fault::strikes(fault::PointId::io_uring_setup_enomem)) return done(-ENOMEM);
  char* const memory = k.ring_memory.take(IoUring::bytes(sq_entries, cq_entries));
  if (memory == nullptr) return done(-ENOMEM);
  IoUring& file = k.make<IoUring>(sq_entries, cq_entries);
  const int fd = k.install(file, true);
  if (fd < 0) return done(fd);
  file.map(memory);
  file.describe(*ring, fd, params->flags);
  k.world.memory.plain_write(k.thread(), ring, sizeof *ring, pc);
  params->sq_entries = sq_entries;
  params->cq_entries = cq_entries;
  params->features = ring->features;
  k.rings.push_back(&file);
  return done(fd);
}

int Kernel::io_uring_enter(int fd, unsigned submit, unsigned complete, unsigned flags,
                           const void* pc) {
  return state_->signals.repeat(
      false, [&] { return enter_once(*state_, fd, submit, complete, flags, pc); });
}

int Kernel::io_uring_close(int fd, const void* pc) {
  IoUring* const ring = ring_of(*state_, fd);
  const int result = close(fd, pc);
  if (ring != nullptr) ring->unmap(pc);  // the kernel's own maps go with the ring
  return result;
}

}  // namespace aiosim::kernel
