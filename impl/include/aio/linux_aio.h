// LinuxAio: reads and writes of files by Linux AIO (io_submit(2)), completed in a context (R94).
//
//   home thread     everything; the kernel works meanwhile
//
// Life of a request; the memory is the caller's, at rest before and after:
//
//     at rest --read() ...--> queued --io_submit--> in flight --io_event--> done() called, at rest
//                 queued --cancel()-----------------------------> done(-ECANCELED)
//                 queued --io_submit refuses it (EBADF, ...)----> done(-errno)
//
// Requests are given to the kernel at once; under a Plug, and from inside a `done`, together, at
// its end. When the kernel takes no more (EAGAIN) the rest stays queued, "blocked", until requests
// have completed.
//
// Invariants
//   1. `done` is called once for every request, in a poll of the home thread, never within a method
//      of the engine; it may use the request again, or free it.
//   2. What is taken from the ring and not yet called back is in the object. While a `done` runs,
//      the completing bottom half is scheduled if anything is left to call back or to submit: a
//      nested poll goes on where its caller stopped, so that a callback may wait for another
//      request (BUGS C-2).
//   3. The notifier is cleared before the ring is looked at: what completes after the look sets it
//      again.
//   4. A blocked queue is submitted again whenever requests have completed; with none in flight,
//      after 1 ms.
//
// Barriers: the kernel writes an event, then the ring's tail / acquire load of the tail: the event
// is there. Release store of the head / the kernel writes the slot again only then.
#pragma once

#include <linux/aio_abi.h>
#include <sys/uio.h>

#include <array>
#include <cstddef>
#include <cstdint>

#include "aio/context.h"
#include "aio/event_notifier.h"
#include "aio/intrusive_list.h"
#include "aio/timer.h"

namespace aio {

class LinuxAio;

/// One operation at a time, of one engine.
class LinuxAioRequest {
 public:
  /// `result`: bytes moved, which may be fewer than asked for; 0 of fdatasync(); or -errno. Must
  /// not throw.
  using Done = void (*)(void* opaque, std::int64_t result);

  LinuxAioRequest(Done done, void* opaque) : done_(done), opaque_(opaque) {}
  LinuxAioRequest(const LinuxAioRequest&) = delete;
  LinuxAioRequest& operator=(const LinuxAioRequest&) = delete;

 private:
  friend class LinuxAio;

  const Done done_;
  void* const opaque_;
  iocb block_{};
  std::int64_t result_ = 0;
  bool queued_ = false;  // of LinuxAio::queue_
  ListHook<LinuxAioRequest> hook_{this};
};

struct LinuxAioOptions {
  unsigned max_requests = 256;  ///< of the kernel's at once, at least 1; more wait in the queue
  bool map_ring = true;  ///< reaps in user memory, and may be polled busily; else io_getevents(2)
};

class LinuxAio {
 public:
  /// `context` must outlive it. Throws std::system_error: EAGAIN (beyond /proc/sys/fs/aio-max-nr),
  /// EMFILE, ENOSYS (a kernel without AIO), ...; std::bad_alloc. See io_setup(2).
  explicit LinuxAio(Context& context, const LinuxAioOptions& options = {});

  /// Aborts if a request is outstanding: the kernel would go on with its buffer. Not in a `done`.
  ~LinuxAio();

  LinuxAio(const LinuxAio&) = delete;
  LinuxAio& operator=(const LinuxAio&) = delete;

  // Each begins `request`, which must be at rest; it and the buffers (a vector's segments, too)
  // belong to the engine until `done`. Never fail: an error is the result. `offset`: bytes from the
  // file's beginning. What is in flight together has no order among itself. Reads and writes
  // without O_DIRECT may well sleep in the call (io_submit(2)).
  void read(LinuxAioRequest& request, int fd, void* buffer, std::size_t size, std::int64_t offset);
  void write(LinuxAioRequest& request, int fd, const void* buffer, std::size_t size,
             std::int64_t offset);
  void readv(LinuxAioRequest& request, int fd, const iovec* segments, unsigned count,
             std::int64_t offset);
  void writev(LinuxAioRequest& request, int fd, const iovec* segments, unsigned count,
              std::int64_t offset);
  /// fdatasync(2) of what has completed before.
  void fdatasync(LinuxAioRequest& request, int fd);

  /// Takes back a request that the kernel has not been given: its `done` gets -ECANCELED in a later
  /// poll. False, with nothing changed, if it has: Linux cancels no reads and writes (io_cancel(2)
  /// is EINVAL).
  bool cancel(LinuxAioRequest& request);

  /// While plugged, requests are only queued, until there are a batch of them (max_batch). Nests.
  /// What is queued stays so in polls: do not wait for it before unplug().
  void plug() { ++plugged_; }
  /// The last one submits what is queued. Aborts without a plug().
  void unplug();

  /// plug() and unplug() by scope.
  class Plug {
   public:
    explicit Plug(LinuxAio& engine) : engine_(engine) { engine_.plug(); }
    ~Plug() { engine_.unplug(); }
    Plug(const Plug&) = delete;
    Plug& operator=(const Plug&) = delete;

   private:
    LinuxAio& engine_;
  };

  static constexpr std::size_t max_batch = 32;

  /// Requests whose `done` has not been called.
  [[nodiscard]] std::size_t outstanding() const { return queued_ + in_flight_ + refused_count_; }
  /// Of them, those that the kernel has not been given.
  [[nodiscard]] std::size_t queued() const { return queued_; }
  /// The kernel took no more when it was last asked.
  [[nodiscard]] bool blocked() const { return blocked_; }
  /// Completions are found without a system call, by busy polling too.
  [[nodiscard]] bool ring_mapped() const { return kernel_.ring != nullptr; }

 private:
  struct Ring;  // as the kernel maps it

  struct KernelContext {
    KernelContext(unsigned max_requests, bool map_ring);
    ~KernelContext();
    KernelContext(const KernelContext&) = delete;
    KernelContext& operator=(const KernelContext&) = delete;

    aio_context_t id = 0;
    Ring* ring = nullptr;  // null: not mapped as we know it
  };

  void prepare(LinuxAioRequest& request, unsigned operation, int fd, std::uint64_t buffer,
               std::uint64_t size, std::int64_t offset);
  void enqueue(LinuxAioRequest& request);
  void submit_queued();
  long submit_batch();
  LinuxAioRequest& take_queued();
  void wait_for_room();
  void refuse(LinuxAioRequest& request, std::int64_t result);

  void attach();
  [[nodiscard]] bool completions_in_ring() const;
  void fetch();
  std::size_t fetch_from_ring();
  std::size_t fetch_by_call();
  LinuxAioRequest* next_completed();
  [[nodiscard]] bool something_left() const;
  void complete_all();

  Context& context_;
  const LinuxAioOptions options_;
  EventNotifier notifier_;
  KernelContext kernel_;
  BottomHalfHandle bh_;
  Timer retry_;  // blocked with nothing in flight, whose completion would tell

  IntrusiveList<LinuxAioRequest> queue_;
  IntrusiveList<LinuxAioRequest> refused_;  // completed without the kernel
  std::size_t queued_ = 0;
  std::size_t in_flight_ = 0;
  std::size_t refused_count_ = 0;
  unsigned plugged_ = 0;
  unsigned completing_ = 0;  // complete_all() on the stack
  bool blocked_ = false;

  // Taken from the ring: of events_, from next_ to fetched_ not yet called back (invariant 2).
  std::array<io_event, max_batch> events_{};
  std::size_t next_ = 0;
  std::size_t fetched_ = 0;
};

}  // namespace aio
