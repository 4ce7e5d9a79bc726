#include "aio/linux_aio.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <system_error>

#include "check.h"

namespace aio {

// Linux: fs/aio.c, struct aio_ring. Not in a header of its own; the magic says whether it is this.
struct LinuxAio::Ring {
  static constexpr unsigned expected_magic = 0xa10a10a1;

  unsigned id;
  unsigned size;  // of events
  unsigned head;  // ours
  unsigned tail;  // the kernel's
  unsigned magic;
  unsigned compatible_features;
  unsigned incompatible_features;
  unsigned header_bytes;

  [[nodiscard]] const io_event* events() const {
    return reinterpret_cast<const io_event*>(this + 1);
  }
  [[nodiscard]] bool fits() const {
    return magic == expected_magic && incompatible_features == 0 && header_bytes == sizeof(Ring);
  }
};

namespace {

constexpr std::int64_t retry_after_ns = 1'000'000;

long io_setup(unsigned max_requests, aio_context_t* id) {
  return syscall(SYS_io_setup, max_requests, id);
}
long io_destroy(aio_context_t id) { return syscall(SYS_io_destroy, id); }
long io_submit(aio_context_t id, long count, iocb** blocks) {
  return syscall(SYS_io_submit, id, count, blocks);
}
long io_getevents(aio_context_t id, long least, long most, io_event* events, timespec* timeout) {
  return syscall(SYS_io_getevents, id, least, most, events, timeout);
}

void call(LinuxAioRequest::Done done, void* opaque, std::int64_t result) noexcept {
  done(opaque, result);
}

std::uint64_t address(const void* at) { return reinterpret_cast<std::uintptr_t>(at); }

}  // namespace

LinuxAio::KernelContext::KernelContext(unsigned max_requests, bool map_ring) {
  AIO_CHECK(max_requests > 0);
  if (io_setup(max_requests, &id) < 0) {
    throw std::system_error(errno, std::generic_category(), "io_setup");
  }
  auto* mapped = reinterpret_cast<Ring*>(id);  // the id is where the kernel mapped it
  if (map_ring && mapped->fits()) ring = mapped;
}

LinuxAio::KernelContext::~KernelContext() { io_destroy(id); }

LinuxAio::LinuxAio(Context& context, const LinuxAioOptions& options)
    : context_(context),
      options_(options),
      kernel_(options.max_requests, options.map_ring),
      bh_(context.make_bh([](void* self) { static_cast<LinuxAio*>(self)->complete_all(); }, this,
                          "LinuxAio")),
      retry_(
          context, [](void* self) { static_cast<LinuxAio*>(self)->submit_queued(); }, this) {
  attach();
}

void LinuxAio::attach() {
  FdCallbacks callbacks;
  callbacks.opaque = this;
  callbacks.io_read = [](void* self) {
    auto* engine = static_cast<LinuxAio*>(self);
    if (engine->notifier_.test_and_clear()) engine->complete_all();
  };
  if (ring_mapped()) {
    callbacks.io_poll = [](void* self) {
      return static_cast<LinuxAio*>(self)->completions_in_ring();
    };
    // The notifier stays set: the next sleep may end for nothing, once.
    callbacks.io_poll_ready = [](void* self) { static_cast<LinuxAio*>(self)->complete_all(); };
  }
  context_.set_event_notifier(notifier_, callbacks);
}

LinuxAio::~LinuxAio() {
  AIO_CHECK(outstanding() == 0);
  AIO_CHECK(completing_ == 0);
  context_.remove_fd_handler(notifier_.fd());
}

// ---- submission ----

void LinuxAio::prepare(LinuxAioRequest& request, unsigned operation, int fd, std::uint64_t buffer,
                       std::uint64_t size, std::int64_t offset) {
  AIO_CHECK(!request.hook_.linked());
  iocb& block = request.block_;
  block = {};
  block.aio_data = address(&request);
  block.aio_lio_opcode = static_cast<std::uint16_t>(operation);
  block.aio_fildes = static_cast<std::uint32_t>(fd);
  block.aio_buf = buffer;
  block.aio_nbytes = size;
  block.aio_offset = offset;
  block.aio_flags = IOCB_FLAG_RESFD;
  block.aio_resfd = static_cast<std::uint32_t>(notifier_.fd());
  enqueue(request);
}

void LinuxAio::read(LinuxAioRequest& request, int fd, void* buffer, std::size_t size,
                    std::int64_t offset) {
  prepare(request, IOCB_CMD_PREAD, fd, address(buffer), size, offset);
}

void LinuxAio::write(LinuxAioRequest& request, int fd, const void* buffer, std::size_t size,
                     std::int64_t offset) {
  prepare(request, IOCB_CMD_PWRITE, fd, address(buffer), size, offset);
}

void LinuxAio::readv(LinuxAioRequest& request, int fd, const iovec* segments, unsigned count,
                     std::int64_t offset) {
  prepare(request, IOCB_CMD_PREADV, fd, address(segments), count, offset);
}

void LinuxAio::writev(LinuxAioRequest& request, int fd, const iovec* segments, unsigned count,
                      std::int64_t offset) {
  prepare(request, IOCB_CMD_PWRITEV, fd, address(segments), count, offset);
}

void LinuxAio::fdatasync(LinuxAioRequest& request, int fd) {
  prepare(request, IOCB_CMD_FDSYNC, fd, 0, 0, 0);
}

void LinuxAio::enqueue(LinuxAioRequest& request) {
  queue_.push_back(request.hook_);
  request.queued_ = true;
  ++queued_;
  if (completing_ > 0) bh_->schedule();  // if the callback polls; else complete_all() comes to it
  const bool wait = plugged_ > 0 || completing_ > 0;
  if (!blocked_ && (!wait || queued_ >= max_batch)) submit_queued();
}

void LinuxAio::unplug() {
  AIO_CHECK(plugged_ > 0);
  --plugged_;
  if (plugged_ == 0) submit_queued();
}

/// As many of the queue as make a batch: how many the kernel took, or -errno.
long LinuxAio::submit_batch() {
  std::array<iocb*, max_batch> blocks;
  std::size_t count = 0;
  for (auto* hook = queue_.begin(); hook != queue_.end() && count < max_batch;) {
    blocks[count++] = &hook->owner()->block_;
    hook = hook->next();
  }
  const long taken = io_submit(kernel_.id, static_cast<long>(count), blocks.data());
  return taken < 0 ? -errno : taken;
}

LinuxAioRequest& LinuxAio::take_queued() {
  LinuxAioRequest& request = *queue_.pop_front();
  request.queued_ = false;
  --queued_;
  return request;
}

/// Gives the kernel what is queued, as far as it takes it. An error but EAGAIN is the first one's
/// own.
void LinuxAio::submit_queued() {
  blocked_ = false;
  while (queued_ > 0) {
    const long taken = submit_batch();
    if (taken == -EAGAIN) return wait_for_room();
    if (taken < 0) {
      refuse(take_queued(), taken);
      continue;
    }
    for (long i = 0; i < taken; ++i) take_queued();
    in_flight_ += static_cast<std::size_t>(taken);
  }
}

/// Blocked until a completion; if some wait in the ring, they are processed in the next poll (BUGS
/// C-5). The kernel may also be short of what others hold: then nothing would ever tell.
void LinuxAio::wait_for_room() {
  blocked_ = true;
  if (in_flight_ == 0) {
    retry_.arm_after(retry_after_ns);
  } else if (completions_in_ring()) {
    bh_->schedule();
  }
}

bool LinuxAio::cancel(LinuxAioRequest& request) {
  if (!request.queued_) return false;
  request.hook_.unlink();
  request.queued_ = false;
  --queued_;
  refuse(request, -ECANCELED);
  return true;
}

void LinuxAio::refuse(LinuxAioRequest& request, std::int64_t result) {
  request.result_ = result;
  refused_.push_back(request.hook_);
  ++refused_count_;
  bh_->schedule();
}

// ---- completion ----

bool LinuxAio::completions_in_ring() const {
  if (!ring_mapped()) return false;
  Ring& ring = *kernel_.ring;
  return ring.head != std::atomic_ref(ring.tail).load(std::memory_order_relaxed);
}

/// Moves events from the kernel's ring to events_, which is empty.
std::size_t LinuxAio::fetch_from_ring() {
  Ring& ring = *kernel_.ring;
  const unsigned tail = std::atomic_ref(ring.tail).load(std::memory_order_acquire);
  unsigned head = ring.head;
  std::size_t count = 0;
  while (head != tail && count < max_batch) {
    events_[count++] = ring.events()[head];
    head = head + 1 < ring.size ? head + 1 : 0;
  }
  if (count > 0) std::atomic_ref(ring.head).store(head, std::memory_order_release);
  return count;
}

std::size_t LinuxAio::fetch_by_call() {
  timespec at_once{};
  long count = 0;
  do {
    count = io_getevents(kernel_.id, 0, max_batch, events_.data(), &at_once);
  } while (count < 0 && errno == EINTR);
  AIO_CHECK(count >= 0);
  return static_cast<std::size_t>(count);
}

void LinuxAio::fetch() {
  next_ = 0;
  fetched_ = ring_mapped() ? fetch_from_ring() : fetch_by_call();
}

/// Null if there is none.
LinuxAioRequest* LinuxAio::next_completed() {
  // The ring first: of what is in it nobody tells again, and a callback may wait for it.
  if (next_ == fetched_) fetch();
  if (next_ == fetched_) {
    if (!refused_.empty()) --refused_count_;
    return refused_.pop_front();
  }
  const io_event& event = events_[next_++];
  auto* request = reinterpret_cast<LinuxAioRequest*>(event.data);
  request->result_ = event.res;
  --in_flight_;
  return request;
}

/// For a nested poll, whose bottom half goes on with it: events, of which a full batch may have
/// left some in the ring, and requests that the kernel has room for now.
bool LinuxAio::something_left() const {
  const bool events = next_ != fetched_ || fetched_ == max_batch || !refused_.empty();
  return events || (queued_ > 0 && plugged_ == 0);
}

void LinuxAio::complete_all() {
  ++completing_;
  while (LinuxAioRequest* request = next_completed()) {
    if (something_left()) bh_->schedule();
    call(request->done_, request->opaque_, request->result_);
  }
  bh_->cancel();  // nothing is left; what comes now sets the notifier
  --completing_;
  if (plugged_ == 0) submit_queued();
}

}  // namespace aio
