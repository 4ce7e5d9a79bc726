#include "aio/timer.h"

#include <time.h>

#include <limits>
#include <thread>

#include "aio/context.h"
#include "check.h"
#include "timeout.h"

namespace aio {

std::int64_t now_ns() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::int64_t>(now.tv_sec) * 1'000'000'000 + now.tv_nsec;
}

// ---- one timer ----

Timer::Timer(Context& context, Callback callback, void* opaque)
    : list_(context.timers()), callback_(callback), opaque_(opaque) {}

Timer::~Timer() { cancel(); }

void Timer::arm_at(std::int64_t deadline_ns) { list_.arm(*this, deadline_ns); }

void Timer::arm_at(Clock::time_point deadline) {
  using std::chrono::nanoseconds;
  static_assert(Clock::is_steady);
  arm_at(
      std::int64_t{std::chrono::duration_cast<nanoseconds>(deadline.time_since_epoch()).count()});
}

void Timer::arm_after(std::int64_t delay_ns) {
  const std::int64_t now = now_ns();
  const bool far = delay_ns > std::numeric_limits<std::int64_t>::max() - now;
  arm_at(far ? std::numeric_limits<std::int64_t>::max() : now + (delay_ns > 0 ? delay_ns : 0));
}

void Timer::cancel() { list_.cancel(*this); }

bool Timer::armed() const { return list_.armed(*this); }

// ---- the list ----

TimerList::~TimerList() {
  AIO_CHECK(heap_.top() == nullptr);
  AIO_CHECK(expiring_.empty());
}

/// Takes an armed timer off the heap or the expiring list. Call with the lock.
void TimerList::unlink(Timer& timer) {
  if (timer.state_ == Timer::State::in_heap) heap_.remove(timer);
  if (timer.state_ == Timer::State::expiring) timer.expiring_hook_.unlink();
  timer.state_ = Timer::State::unarmed;
}

void TimerList::arm(Timer& timer, std::int64_t deadline_ns) {
  bool is_next = false;
  {
    const std::lock_guard guard(mutex_);
    unlink(timer);
    timer.deadline_ns_ = deadline_ns;
    timer.order_ = next_order_++;
    timer.state_ = Timer::State::in_heap;
    heap_.insert(timer);
    is_next = heap_.top() == &timer;
  }
  if (is_next) gate_.notify();  // a sleeper's timeout is too long now (R90)
}

void TimerList::cancel(Timer& timer) {
  const std::lock_guard guard(mutex_);
  unlink(timer);
}

bool TimerList::armed(const Timer& timer) {
  const std::lock_guard guard(mutex_);
  return timer.state_ != Timer::State::unarmed;
}

std::int64_t TimerList::deadline_ns() {
  const std::lock_guard guard(mutex_);
  if (!enabled_) return detail::infinite_ns;
  if (!expiring_.empty()) return 0;  // a caller up the stack took them; a nested run calls them
  const Timer* next = heap_.top();
  if (next == nullptr) return detail::infinite_ns;
  const std::int64_t now = now_ns();
  return next->deadline_ns_ > now ? next->deadline_ns_ - now : 0;
}

bool TimerList::run() {
  std::unique_lock guard(mutex_);
  if (!enabled_) return false;
  if (heap_.top() == nullptr && expiring_.empty()) return false;
  const std::int64_t now = now_ns();
  while (heap_.top() != nullptr && heap_.top()->deadline_ns_ <= now) {
    Timer& timer = *heap_.top();
    heap_.remove(timer);
    timer.state_ = Timer::State::expiring;
    expiring_.push_back(timer.expiring_hook_);
  }
  bool progress = false;
  if (passes_++ == 0) running_in_ = std::this_thread::get_id();
  while (enabled_ && !expiring_.empty()) {
    Timer& timer = *expiring_.pop_front();
    timer.state_ = Timer::State::unarmed;
    const Callback callback = timer.callback_;
    void* const opaque = timer.opaque_;
    guard.unlock();
    detail::call(callback, opaque);  // may destroy the timer
    guard.lock();
    progress = true;
  }
  while (!expiring_.empty()) {  // held meanwhile (R92): for a later poll, not for a caller's (D9)
    Timer& timer = *expiring_.pop_front();
    timer.state_ = Timer::State::in_heap;
    heap_.insert(timer);
  }
  if (--passes_ == 0) {
    running_in_ = std::thread::id{};
    pass_over_.notify_all();
  }
  return progress;
}

void TimerList::set_enabled(bool enabled) {
  {
    std::unique_lock guard(mutex_);
    enabled_ = enabled;
    if (!enabled && running_in_ != std::this_thread::get_id()) {
      pass_over_.wait(guard, [this] { return passes_ == 0; });
    }
  }
  if (enabled) gate_.notify();
}

}  // namespace aio
