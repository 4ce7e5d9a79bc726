#include "kernel/linux_aio.h"

#include <fcntl.h>
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>
#include <string>

#include "kernel/eventfd.h"
#include "kernel/memfd.h"
#include "kernel/state.h"

namespace aiosim::kernel {
namespace {

// Linux: struct aio_ring.
enum Word : std::size_t {
  ring_id,
  ring_size,
  ring_head,
  ring_tail,
  ring_magic,
  ring_compatible,
  ring_incompatible,
  ring_header_bytes,
  word_count
};
constexpr std::size_t header_bytes = word_count * sizeof(unsigned);
constexpr unsigned magic = 0xa10a10a1;

constexpr int acquire = 2;  // as in the ABI of the hooks
constexpr int release = 3;

std::string unsimulated(const std::string& what) { return what + " is not simulated"; }

bool is_vectored(const iocb& block) {
  return block.aio_lio_opcode == IOCB_CMD_PREADV || block.aio_lio_opcode == IOCB_CMD_PWRITEV;
}
bool is_read(const iocb& block) {
  return block.aio_lio_opcode == IOCB_CMD_PREAD || block.aio_lio_opcode == IOCB_CMD_PREADV;
}
bool is_sync(const iocb& block) {
  return block.aio_lio_opcode == IOCB_CMD_FSYNC || block.aio_lio_opcode == IOCB_CMD_FDSYNC;
}

}  // namespace

AioContext::AioContext(State& state, char* memory, unsigned number, unsigned entries,
                       unsigned promised)
    : state_(state), memory_(memory), number_(number), entries_(entries), promised_(promised) {
  std::memset(memory, 0, bytes(entries));
  *word(ring_id) = number;
  *word(ring_size) = entries;
  *word(ring_magic) = magic;
  *word(ring_compatible) = 1;
  *word(ring_header_bytes) = header_bytes;
}

std::size_t AioContext::bytes(unsigned entries) {
  return header_bytes + entries * sizeof(io_event);
}

io_event* AioContext::slot(unsigned index) const {
  return reinterpret_cast<io_event*>(memory_ + header_bytes) + index;
}

void AioContext::unmap(const void* pc) {
  state_.world.memory.discarded(state_.thread(), memory_, bytes(entries_), pc);
}

void AioContext::each_held(const std::function<void(const void*, std::size_t)>& visit) const {
  for (const Request& request : in_flight_) {
    visit(&request.answer.data, sizeof request.answer.data);
    visit(&request.answer.obj, sizeof request.answer.obj);
    visit(&request.block.aio_buf, sizeof request.block.aio_buf);
  }
}

// ---- the ring ----

unsigned AioContext::unseen() const {
  const unsigned head = *word(ring_head) % entries_;
  const unsigned tail = *word(ring_tail);
  return tail >= head ? tail - head : tail + entries_ - head;
}

bool AioContext::room() const { return in_flight_.size() + unseen() < entries_ - 1; }

/// What was done before the head was moved, to where it is now, happened before.
void AioContext::acquire_head() {
  runtime::World& world = state_.world;
  unsigned* head = word(ring_head);
  world.touch({runtime::ObjectType::atomic, world.memory.object_of(head, sizeof *head)}, false);
  world.memory.read_newest(state_.thread());
  world.memory.load(state_.thread(), head, sizeof *head, acquire, nullptr);
}

void AioContext::move(unsigned* word, unsigned to, const void* pc) {
  runtime::World& world = state_.world;
  world.touch({runtime::ObjectType::atomic, world.memory.object_of(word, sizeof *word)}, true);
  world.memory.rmw(state_.thread(), word, sizeof *word, memory::Rmw::exchange, to, release, pc);
}

void AioContext::post(const io_event& event, const void* pc) {
  acquire_head();
  state_.acquire(posted_);
  const unsigned tail = *word(ring_tail);
  io_event* const to = slot(tail);
  state_.world.memory.plain_write(state_.thread(), to, sizeof *to, pc);
  *to = event;
  move(word(ring_tail), tail + 1 < entries_ ? tail + 1 : 0, pc);
  state_.release(posted_);
}

long AioContext::take(long most, io_event* to, const void* pc) {
  acquire_head();
  unsigned head = *word(ring_head) % entries_;
  state_.acquire(posted_);
  long taken = 0;
  for (; taken < most && unseen() > 0; ++taken) {
    state_.world.memory.plain_read(state_.thread(), slot(head), sizeof *to, pc);
    state_.world.memory.plain_write(state_.thread(), to + taken, sizeof *to, pc);
    to[taken] = *slot(head);
    head = head + 1 < entries_ ? head + 1 : 0;
    move(word(ring_head), head, pc);
  }
  return taken;
}

// ---- submission ----

int AioContext::submit(iocb& block, const void* pc) {
  state_.world.memory.plain_read(state_.thread(), &block, sizeof block, pc);
  if (block.aio_reserved2 != 0) return -EINVAL;
  if (static_cast<std::int64_t>(block.aio_nbytes) < 0) return -EINVAL;
  if (!room() || fault::strikes(fault::PointId::io_submit_eagain)) return -EAGAIN;
  return start(block, reinterpret_cast<std::uintptr_t>(&block), pc);
}

int AioContext::start(const iocb& block, std::uint64_t user_block, const void* pc) {
  File* const file = state_.file(static_cast<int>(block.aio_fildes));
  if (file == nullptr) return -EBADF;
  Request request{block, {block.aio_data, user_block, 0, 0}, nullptr, nullptr, {}, pc, 0, {}};
  if ((block.aio_flags & IOCB_FLAG_RESFD) != 0) {
    File* const told = state_.file(static_cast<int>(block.aio_resfd));
    if (told == nullptr) return -EBADF;
    request.told = dynamic_cast<EventFd*>(told);
    if (request.told == nullptr) return -EINVAL;
  }
  auto& key = reinterpret_cast<iocb*>(user_block)->aio_key;
  state_.world.memory.plain_write(state_.thread(), &key, sizeof key, pc);
  key = 0;
  if ((block.aio_flags & ~unsigned{IOCB_FLAG_RESFD}) != 0 || block.aio_rw_flags != 0) {
    state_.world.fail(VerdictKind::crash, unsimulated("a flag of io_submit"));
  }
  request.file = dynamic_cast<MemFd*>(file);
  if (const int error = is_sync(block) ? check_sync(block) : check_transfer(block, request)) {
    return error;
  }
  if (request.file == nullptr && is_sync(block)) return -EINVAL;
  if (request.file == nullptr) {
    state_.world.fail(VerdictKind::crash,
                      unsimulated("io_submit of fd " + std::to_string(block.aio_fildes) +
                                  ", which is no memfd,"));
  }
  state_.pin(*request.file);
  if (request.told != nullptr) state_.pin(*request.told);
  begin(std::move(request));
  return 0;
}

int AioContext::check_sync(const iocb& block) const {
  const bool nothing = block.aio_buf == 0 && block.aio_offset == 0 && block.aio_nbytes == 0;
  return nothing ? 0 : -EINVAL;
}

/// Takes over the segments, as Linux does.
int AioContext::check_transfer(const iocb& block, Request& request) const {
  if (block.aio_lio_opcode == IOCB_CMD_POLL) {
    state_.world.fail(VerdictKind::crash, unsimulated("IOCB_CMD_POLL"));
  }
  if (!is_vectored(block) && block.aio_lio_opcode > IOCB_CMD_PWRITE) return -EINVAL;
  if (!is_vectored(block)) {
    request.segments.push_back({reinterpret_cast<void*>(block.aio_buf), block.aio_nbytes});
  } else if (block.aio_nbytes > IOV_MAX) {
    return -EINVAL;
  } else if (block.aio_nbytes > 0) {
    const auto* from = reinterpret_cast<const iovec*>(block.aio_buf);
    state_.world.memory.plain_read(state_.thread(), from, block.aio_nbytes * sizeof *from,
                                   request.pc);
    request.segments.assign(from, from + block.aio_nbytes);
  }
  return block.aio_offset < 0 ? -EINVAL : 0;
}

void AioContext::begin(Request request) {
  constexpr std::int64_t latencies_ns[] = {0, 0, 100'000, 3'000'000};
  // Linux leaves a sync to a thread of its own, always.
  const std::uint32_t later =
      is_sync(request.block) ? 1 : state_.world.choose(Kind::time, 4, "the request takes time");
  request.due_ns = state_.world.now_ns() + latencies_ns[later];
  if (later == 0) return finish(request);
  state_.release(request.submitted);
  in_flight_.push_back(std::move(request));
  state_.world.state_changed();
}

// ---- completion ----

std::int64_t AioContext::next_due_ns() const {
  std::int64_t next = -1;
  for (const Request& request : in_flight_) {
    if (next < 0 || request.due_ns < next) next = request.due_ns;
  }
  return next;
}

void AioContext::complete_one() {
  const std::int64_t now = state_.world.now_ns();
  const auto is_due = [now](const Request& request) { return request.due_ns <= now; };
  const auto due = std::count_if(in_flight_.begin(), in_flight_.end(), is_due);
  if (due == 0) return;
  std::uint32_t pick = state_.world.choose(Kind::poll_order, static_cast<std::uint32_t>(due),
                                           "which completes first");
  for (auto at = in_flight_.begin(); at != in_flight_.end(); ++at) {
    if (!is_due(*at) || pick-- != 0) continue;
    Request request = std::move(*at);
    in_flight_.erase(at);
    return finish(request);
  }
}

void AioContext::finish(Request& request) {
  state_.acquire(request.submitted);
  request.answer.res = perform(request);
  if (!dead_) post(request.answer, request.pc);
  if (request.told != nullptr) {
    request.told->signal();
    state_.drop(*request.told);
  }
  state_.drop(*request.file);
  state_.world.state_changed();
  state_.world.record("aio completion", fd_object(static_cast<int>(request.block.aio_fildes)),
                      request.answer.res, 0, request.pc);
}

std::int64_t AioContext::perform(Request& request) {
  if (fault::strikes(fault::PointId::aio_eio)) return -EIO;
  if (is_sync(request.block)) return 0;
  memory::Memory& memory = state_.world.memory;
  Io io(request.segments.data(), static_cast<int>(request.segments.size()));
  if (io.left() > 1 && fault::strikes(fault::PointId::aio_short)) io.limit(io.left() / 2);
  if (is_read(request.block)) {
    const ssize_t result = request.file->read_at(io, request.block.aio_offset);
    state_.acquire(request.file->to_reader());
    io.for_each_moved([&](void* at, std::size_t size) {
      memory.plain_write(state_.thread(), at, size, request.pc);
    });
    return result;
  }
  io.for_each_segment([&](const void* at, std::size_t size) {
    memory.plain_read(state_.thread(), at, size, request.pc);
  });
  const ssize_t result = request.file->write_at(io, request.block.aio_offset);
  state_.release(request.file->to_reader());
  return result;
}

}  // namespace aiosim::kernel
