#include "aio/coroutine.h"

#include "check.h"

namespace aio {

namespace {

/// What runs in this thread, and who waits until it yields.
struct Running {
  Coroutine* coroutine = nullptr;
  Coroutine* first_waiting = nullptr;
  Coroutine** last_link = &first_waiting;
};

thread_local Running* running = nullptr;

}  // namespace

bool Coroutine::inside() { return running != nullptr; }

Coroutine& Coroutine::current() {
  AIO_CHECK(running != nullptr);
  return *running->coroutine;
}

// ---- entering ----

/// Runs it until it yields or ends, then those that waited for that, depth first. Afterwards it is
/// not touched: it is gone, or another thread may have entered it.
void Coroutine::enter_now(Context& context, Coroutine& coroutine) noexcept {
  Running frame;
  Running* const outer = std::exchange(running, &frame);
  Coroutine* pending = &coroutine;
  coroutine.next_ = nullptr;
  while (pending != nullptr) {
    frame.coroutine = pending;
    pending = pending->next_;
    frame.first_waiting = nullptr;
    frame.last_link = &frame.first_waiting;
    frame.coroutine->context_ = &context;
    frame.coroutine->resume_point_.resume();
    *frame.last_link = pending;
    pending = frame.first_waiting;
  }
  running = outer;
}

void enter(Context& context, Coroutine& coroutine) {
  if (!context.in_home_thread()) return schedule(context, coroutine);
  if (running == nullptr) return Coroutine::enter_now(context, coroutine);
  coroutine.next_ = nullptr;
  *running->last_link = &coroutine;
  running->last_link = &coroutine.next_;
}

void schedule(Context& context, Coroutine& coroutine) {
  context.coroutines().schedule(coroutine);
}

void CoroutineAccess::leave_for(Context& target, Coroutine& coroutine) {
  // By the loop of the old context, which comes to it after the yield.
  struct Move {
    Context& target;
    Coroutine& coroutine;
  };
  coroutine.context().schedule_oneshot(
      [](void* opaque) {
        const std::unique_ptr<Move> move(static_cast<Move*>(opaque));
        aio::schedule(move->target, move->coroutine);
      },
      new Move{target, coroutine}, "move_to");
}

// ---- starting ----

/// The outermost frame, which holds the Coroutine and goes when the task has ended.
struct CoroutineRoot {
  struct promise_type {
    promise_type(Context& context, Task<>&) : coroutine(context) {}
    CoroutineRoot get_return_object() {
      coroutine.resume_point_ = std::coroutine_handle<promise_type>::from_promise(*this);
      return {coroutine};
    }
    std::suspend_always initial_suspend() const noexcept { return {}; }
    std::suspend_never final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
    [[noreturn]] void unhandled_exception() const noexcept { std::terminate(); }

    Coroutine coroutine;
  };

  static CoroutineRoot run(Context& /*context*/, Task<> task) { co_await std::move(task); }

  Coroutine& coroutine;
};

void spawn(Context& context, Task<> task) {
  enter(context, CoroutineRoot::run(context, std::move(task)).coroutine);
}

// ---- the coroutines scheduled to a context ----

CoroutineQueue::~CoroutineQueue() {
  AIO_CHECK(scheduled_.empty());
  BottomHalf* bh = bh_.load(std::memory_order_acquire);
  if (bh != nullptr) bh->delete_();
}

BottomHalf& CoroutineQueue::bottom_half() {
  BottomHalf* bh = bh_.load(std::memory_order_acquire);
  if (bh != nullptr) return *bh;
  BottomHalfHandle mine = context_.make_bh(
      [](void* self) { static_cast<CoroutineQueue*>(self)->enter_all(); }, this, "coroutines");
  if (bh_.compare_exchange_strong(bh, mine.get(), std::memory_order_acq_rel,
                                  std::memory_order_acquire)) {
    return *mine.release();
  }
  return *bh;
}

void CoroutineQueue::schedule(Coroutine& coroutine) {
  BottomHalf& bh = bottom_half();  // the one step that can fail, first
  const bool scheduled_before = coroutine.scheduled_.exchange(true, std::memory_order_acq_rel);
  AIO_CHECK(!scheduled_before);
  scheduled_.push(coroutine);
  bh.schedule();
}

/// As ThreadPool::call_completed(): a nested poll goes on with those that are left.
void CoroutineQueue::enter_all() {
  BottomHalf& bh = bottom_half();
  while (Coroutine* coroutine = scheduled_.pop()) {
    bh.schedule();
    coroutine->scheduled_.store(false, std::memory_order_release);
    Coroutine::enter_now(context_, *coroutine);
    bh.cancel();
  }
}

}  // namespace aio
