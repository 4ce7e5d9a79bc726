// Waiting by io_uring(7), through liburing.
#include <liburing.h>
#include <poll.h>

#include <cerrno>

#include "aio/handover.h"
#include "aio/timer.h"
#include "check.h"
#include "ring_monitor.h"

namespace aio {

namespace {

// What another thread wants of a handler; `listed`: it is on the list of changes.
constexpr unsigned listed = 1;
constexpr unsigned add_wanted = 2;
constexpr unsigned remove_wanted = 4;

// user_data: 0 concerns nobody, odd is a handler, even a request.
constexpr std::uint64_t nobody = 0;

std::uint64_t user_data_of(const FdHandler& handler) {
  const auto fd = static_cast<std::uint64_t>(static_cast<unsigned>(handler.fd));
  return (std::uint64_t{handler.generation} << 32) | (fd << 1) | 1;
}

FdHandler* handler_of(const FdHandlerList& handlers, std::uint64_t key) {
  FdHandler* handler = handlers.find_live(static_cast<int>((key & 0xffffffffU) >> 1));
  return handler != nullptr && handler->generation == key >> 32 ? handler : nullptr;
}

/// The kernel is short of something and may have it later.
bool is_transient(int result) { return result == -EAGAIN || result == -EBUSY || result == -ENOMEM; }

}  // namespace

class UringMonitor final : public RingMonitor {
 public:
  UringMonitor(const io_uring& ring, FdHandlerList& handlers) : ring_(ring), handlers_(handlers) {}
  ~UringMonitor() override { io_uring_queue_exit(&ring_); }
  UringMonitor(const UringMonitor&) = delete;
  UringMonitor& operator=(const UringMonitor&) = delete;

  void update(FdHandler* old_handler, FdHandler* new_handler) override;
  bool may_free(FdHandler& removed) override;
  bool refers_to(const FdHandler& handler) const override;
  void add(RingRequest& request) override { requests_.push(request); }
  bool wait(ReadyList& ready, std::int64_t deadline_ns) override;
  bool asked(const FdHandler& handler) const override;
  int fd() const override { return ring_.ring_fd; }
  bool need_wait() const override;
  [[nodiscard]] bool has_completions() const override { return completed_ != nullptr; }
  void run_completions() override;

 private:
  void push(FdHandler& handler, unsigned wish);
  bool make_room();
  bool fill();
  void apply_change(FdHandler& handler);
  bool set_timeout(std::int64_t deadline_ns);
  int enter(bool sleep);
  bool reap(ReadyList& ready);
  bool take_completions(ReadyList& ready);
  bool handler_completed(FdHandler& handler, int result, ReadyList& ready);
  void request_completed(RingRequest& request, int result);
  static void call(const RingRequest& request) noexcept;

  [[nodiscard]] bool submitted(unsigned position) const {
    return static_cast<int>(*ring_.sq.khead - position) > 0;
  }

  io_uring ring_;
  FdHandlerList& handlers_;
  Handover<FdHandler> changes_;
  Handover<RingRequest> requests_;
  RingRequest* completed_ = nullptr;  // oldest; home thread, as is all below
  RingRequest* last_completed_ = nullptr;
  __kernel_timespec deadline_{};  // of the youngest TIMEOUT
  unsigned timeout_position_ = 0;
  bool timeout_made_ = false;
};

// ---- changes ----

void UringMonitor::push(FdHandler& handler, unsigned wish) {
  const unsigned before = handler.ring_wishes.fetch_or(listed | wish, std::memory_order_acq_rel);
  if ((before & listed) == 0) changes_.push(handler);
}

void UringMonitor::update(FdHandler* old_handler, FdHandler* new_handler) {
  if (old_handler != nullptr && old_handler->events != 0) push(*old_handler, remove_wanted);
  if (new_handler != nullptr && new_handler->events != 0) push(*new_handler, add_wanted);
}

bool UringMonitor::refers_to(const FdHandler& handler) const {
  return (handler.ring_wishes.load(std::memory_order_acquire) & listed) != 0;
}

bool UringMonitor::may_free(FdHandler& removed) {
  if (refers_to(removed)) fill();
  return !refers_to(removed);
}

/// Has the kernel take what is in the submission queue, if that is full. (R84.5)
bool UringMonitor::make_room() {
  while (io_uring_sq_space_left(&ring_) == 0) {
    const int result = io_uring_submit(&ring_);
    if (is_transient(result)) return false;
    AIO_CHECK(result >= 0 || result == -EINTR);
  }
  return true;
}

/// Makes requests of all changes. False: the queue is full and the kernel takes none for now.
bool UringMonitor::fill() {
  while (!changes_.empty()) {
    if (!make_room()) return false;
    apply_change(*changes_.pop());
  }
  while (!requests_.empty()) {
    if (!make_room()) return false;
    RingRequest& request = *requests_.pop();
    io_uring_sqe* entry = io_uring_get_sqe(&ring_);
    request.prepare_(entry, request.opaque_);
    io_uring_sqe_set_data(entry, &request);
  }
  return true;
}

/// With room for one entry. The handler is off the list when its wishes are taken, as a bottom half
/// is (R5, R9): one that comes now puts it on again.
void UringMonitor::apply_change(FdHandler& handler) {
  const unsigned wishes = handler.ring_wishes.exchange(0, std::memory_order_acq_rel);
  if ((wishes & remove_wanted) != 0) {
    handler.ring_removed = true;
    if (!handler.ring_asked) return;
    io_uring_sqe* entry = io_uring_get_sqe(&ring_);
    io_uring_prep_poll_remove(entry, user_data_of(handler));
    io_uring_sqe_set_data64(entry, nobody);  // entries are used again without being cleared
  } else if ((wishes & add_wanted) != 0 && !handler.ring_removed) {
    handler.ring_asked = true;
    handler.ring_position = ring_.sq.sqe_tail;
    io_uring_sqe* entry = io_uring_get_sqe(&ring_);
    io_uring_prep_poll_add(entry, handler.fd, static_cast<unsigned short>(handler.events));
    io_uring_sqe_set_data64(entry, user_data_of(handler));
  }
}

bool UringMonitor::asked(const FdHandler& handler) const {
  return handler.ring_asked && submitted(handler.ring_position);
}

bool UringMonitor::need_wait() const {
  return completed_ != nullptr || io_uring_cq_ready(&ring_) != 0 ||
         io_uring_sq_ready(&ring_) != 0 || !changes_.empty() || !requests_.empty() ||
         io_uring_cq_has_overflow(&ring_);
}

// ---- waiting ----

/// A TIMEOUT in the queue that ends the sleep. It goes before the POLL_ADDs of the same submission,
/// so that one of these that completes at once takes it along (count 1). False as fill().
bool UringMonitor::set_timeout(std::int64_t deadline_ns) {
  deadline_.tv_sec = deadline_ns / 1'000'000'000;
  deadline_.tv_nsec = deadline_ns % 1'000'000'000;
  if (timeout_made_ && !submitted(timeout_position_)) return true;  // it has this deadline now
  if (!make_room()) return false;
  timeout_made_ = true;
  timeout_position_ = ring_.sq.sqe_tail;
  io_uring_sqe* entry = io_uring_get_sqe(&ring_);
  io_uring_prep_timeout(entry, &deadline_, 1, IORING_TIMEOUT_ABS);
  io_uring_sqe_set_data64(entry, nobody);
  return true;
}

/// Submits, and sleeps for one completion. Without sleep the kernel is asked too: it may owe
/// completions that it posts only when it is entered.
int UringMonitor::enter(bool sleep) {
  const int result =
      sleep ? io_uring_submit_and_wait(&ring_, 1) : io_uring_submit_and_get_events(&ring_);
  AIO_CHECK(result >= 0 || result == -EINTR || is_transient(result));
  return result;
}

bool UringMonitor::wait(ReadyList& ready, std::int64_t deadline_ns) {
  for (;;) {
    const bool waiting = completed_ != nullptr;  // for its callback, which a nested poll may run
    const bool sleep = deadline_ns != 0 && !waiting && io_uring_cq_ready(&ring_) == 0;
    const bool timed = !sleep || deadline_ns < 0 || set_timeout(deadline_ns);
    const bool filled = timed && fill();
    const int result = enter(sleep && filled);
    if (reap(ready) || waiting) return true;
    if (!filled || is_transient(result)) return false;
    if (result == -EINTR) continue;  // nothing was submitted; what is left is waited (D8)
    if (deadline_ns == 0) return true;
    if (deadline_ns > 0 && now_ns() >= deadline_ns) return true;
  }
}

/// Takes all completions; whether any of them concerns somebody.
bool UringMonitor::reap(ReadyList& ready) {
  bool found = take_completions(ready);
  while (io_uring_cq_has_overflow(&ring_)) {
    // What the queue had no room for comes with a call (R84.6); if that fails, with the next.
    if (io_uring_get_events(&ring_) < 0) break;
    if (take_completions(ready)) found = true;
  }
  return found;
}

bool UringMonitor::take_completions(ReadyList& ready) {
  if (io_uring_cq_ready(&ring_) == 0) return false;
  const auto guard = handlers_.lock();
  bool found = false;
  unsigned head;
  unsigned taken = 0;
  io_uring_cqe* entry;
  io_uring_for_each_cqe(&ring_, head, entry) {
    ++taken;
    const std::uint64_t data = entry->user_data;
    if (data == nobody) continue;
    if ((data & 1) == 0) {
      AIO_CHECK((entry->flags & IORING_CQE_F_MORE) == 0);  // a request completes once
      request_completed(*static_cast<RingRequest*>(io_uring_cqe_get_data(entry)), entry->res);
      found = true;
    } else if (FdHandler* handler = handler_of(handlers_, data)) {
      if (handler_completed(*handler, entry->res, ready)) found = true;
    }
  }
  io_uring_cq_advance(&ring_, taken);
  return found;
}

/// Whether there is something to call.
bool UringMonitor::handler_completed(FdHandler& handler, int result, ReadyList& ready) {
  handler.ring_asked = false;
  // Cancelled though nobody removed it: the thread that asked has ended (bind_home_thread()).
  const bool failed = result < 0 && result != -ECANCELED;
  // Asking again for what failed would fail again: a busy loop. The handler hears of it (R84.9),
  // unless ppoll, which was asked beside the ring, has told it.
  if (!failed) push(handler, add_wanted);
  if (result == -ECANCELED || (failed && handler.not_open)) return false;
  ready.add_events(handler, static_cast<short>(failed ? POLLNVAL : result));
  return true;
}

// ---- requests ----

/// As detail::call(): an exception ends the process here.
void UringMonitor::call(const RingRequest& request) noexcept {
  request.complete_(request.opaque_, request.result_);
}

void UringMonitor::request_completed(RingRequest& request, int result) {
  request.result_ = result;
  request.next_ = nullptr;
  (completed_ == nullptr ? completed_ : last_completed_->next_) = &request;
  last_completed_ = &request;
}

void UringMonitor::run_completions() {
  while (RingRequest* request = completed_) {
    completed_ = request->next_;  // before the call, which may add it again, free it, or poll
    call(*request);
  }
}

std::unique_ptr<RingMonitor> make_ring_monitor(unsigned entries, FdHandlerList& handlers) {
  io_uring ring;
  if (io_uring_queue_init(entries, &ring, 0) < 0) return nullptr;
  if ((ring.features & IORING_FEAT_NODROP) == 0) {  // before Linux 5.5 completions could get lost
    io_uring_queue_exit(&ring);
    return nullptr;
  }
  return std::make_unique<UringMonitor>(ring, handlers);
}

}  // namespace aio
