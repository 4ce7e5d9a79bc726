#include "aio/bottom_half.h"

#include <cstdio>
#include <cstdlib>
#include <utility>

#include "aio/trace.h"
#include "check.h"
#include "timeout.h"

namespace aio {

// ---- one bottom half ----

void BottomHalf::schedule() { enqueue(scheduled); }

void BottomHalf::schedule_idle() { enqueue(idle); }

void BottomHalf::delete_() { enqueue(deleted); }

void BottomHalf::cancel() {
  // Release: this access comes before the home thread frees the bottom half.
  flags_.fetch_and(~static_cast<unsigned>(scheduled | idle), std::memory_order_acq_rel);
}

void BottomHalf::enqueue(unsigned flags) {
  BottomHalfQueue* queue = queue_;  // before the push: after it this object may be gone (R4)
  const unsigned old = flags_.fetch_or(pending | flags, std::memory_order_acq_rel);
  if ((old & pending) == 0) {
    queue->push(this);
    queue->gate_.notify_pushed();
  } else {
    queue->gate_.notify();  // although somebody else pushed (R3)
  }
}

/// Whoever finds `deleted` or `oneshot` frees it and is the last to see it, so that they need not
/// survive as in R9.
unsigned BottomHalf::dequeue() { return flags_.exchange(0, std::memory_order_acq_rel); }

inline void BottomHalf::call(const Context& context) {
  if (guard_ == nullptr) {
    detail::call(callback_, opaque_);
  } else {
    call_guarded(context);
  }
}

/// The call goes on although the guard is engaged: somebody up the stack waits for it perhaps
/// (R23).
void BottomHalf::call_guarded(const Context& context) {
  ReentrancyGuard* const guard = guard_;  // before the call, which may have this freed (R21)
  const bool was_engaged = guard->engaged;
  if (was_engaged) {
    TraceEvent event{TraceKind::reentered, &context};
    event.name = name_;
    trace(event);
  }
  guard->engaged = true;
  detail::call(callback_, opaque_);
  guard->engaged = was_engaged;
}

// ---- the queue ----

BottomHalfQueue::~BottomHalfQueue() {
  AIO_CHECK(first_slice_ == nullptr);
  free_pending(incoming_.exchange(nullptr, std::memory_order_acquire));
  free_pending(pushed_at_home_);
}

void BottomHalfQueue::free_pending(BottomHalf* head) {
  while (BottomHalf* bh = head) {
    head = bh->next_;
    if ((bh->dequeue() & BottomHalf::deleted) == 0) {
      std::fprintf(stderr,
                   "aio: bottom half '%s' is pending and not deleted when its context is"
                   " destroyed\n",
                   bh->name_);
      std::abort();
    }
    delete bh;
  }
}

BottomHalf* BottomHalfQueue::create(Callback callback, void* opaque, const char* name,
                                    ReentrancyGuard* guard) {
  return new BottomHalf(*this, callback, opaque, name, guard);
}

void BottomHalfQueue::schedule_oneshot(Callback callback, void* opaque, const char* name) {
  create(callback, opaque, name)->enqueue(BottomHalf::scheduled | BottomHalf::oneshot);
}

inline void BottomHalfQueue::push(BottomHalf* bh) {
  if (!home_.is_current() || incoming_.load(std::memory_order_relaxed) != nullptr) {
    push_incoming(bh);
    return;
  }
  bh->next_ = pushed_at_home_;
  pushed_at_home_ = bh;
}

inline void BottomHalfQueue::push_incoming(BottomHalf* bh) {
  BottomHalf* head = incoming_.load(std::memory_order_relaxed);
  do {
    bh->next_ = head;
  } while (!incoming_.compare_exchange_weak(head, bh, std::memory_order_acq_rel,
                                            std::memory_order_relaxed));
}

BottomHalfQueue::Slice::Slice(BottomHalfQueue& queue)
    : head_(queue.incoming_.exchange(nullptr, std::memory_order_acq_rel)),
      older_(std::exchange(queue.pushed_at_home_, nullptr)) {
  (queue.first_slice_ == nullptr ? queue.first_slice_ : queue.last_slice_->next_) = this;
  queue.last_slice_ = this;
}

/// The next one of the oldest slice, null when all slices are empty and off the queue.
BottomHalf* BottomHalfQueue::pop() {
  while (Slice* slice = first_slice_) {
    if (slice->head_ == nullptr) slice->head_ = std::exchange(slice->older_, nullptr);
    if (BottomHalf* bh = slice->head_) {
      slice->head_ = bh->next_;
      return bh;
    }
    first_slice_ = slice->next_;
  }
  return nullptr;
}

bool BottomHalfQueue::run(Counter& called) {
  bool progress = false;
  std::uint64_t calls = 0;
  // A nested call drains every slice, so after each callback everything is read afresh (R16).
  while (BottomHalf* bh = pop()) {
    const unsigned old = bh->dequeue();
    const bool wanted = (old & (BottomHalf::scheduled | BottomHalf::idle)) != 0;
    if (wanted && (old & BottomHalf::deleted) == 0) {
      if ((old & BottomHalf::scheduled) != 0) progress = true;  // idle ones are none (R17)
      ++calls;
      bh->call(context_);
    }
    // Without these two bits a nested poll may have freed it already (R11).
    if ((old & (BottomHalf::deleted | BottomHalf::oneshot)) != 0) delete bh;
  }
  if (calls != 0) called.add(calls);
  return progress;
}

std::int64_t BottomHalfQueue::list_timeout_ns(const BottomHalf* head, std::int64_t timeout_ns) {
  for (const BottomHalf* bh = head; bh != nullptr && timeout_ns != 0; bh = bh->next_) {
    const unsigned flags = bh->flags_.load(std::memory_order_acquire);
    if ((flags & BottomHalf::deleted) != 0) continue;
    if ((flags & BottomHalf::scheduled) != 0) return 0;
    if ((flags & BottomHalf::idle) != 0) timeout_ns = detail::idle_bottom_half_ns;
  }
  return timeout_ns;
}

void BottomHalfQueue::follow_accept() { incoming_.fetch_add(0, std::memory_order_acq_rel); }

std::int64_t BottomHalfQueue::timeout_ns() const {
  std::int64_t timeout_ns =
      list_timeout_ns(incoming_.load(std::memory_order_acquire), detail::infinite_ns);
  timeout_ns = list_timeout_ns(pushed_at_home_, timeout_ns);
  // What callers up the stack have taken and not yet run counts too, or a nested poll would sleep.
  for (const Slice* slice = first_slice_; slice != nullptr && timeout_ns != 0;
       slice = slice->next_) {
    timeout_ns = list_timeout_ns(slice->head_, timeout_ns);
    timeout_ns = list_timeout_ns(slice->older_, timeout_ns);
  }
  return timeout_ns;
}

}  // namespace aio
