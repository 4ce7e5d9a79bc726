// Coroutines on a context: C++20 coroutines that yield to the loop and are entered again by whoever
// has what they wait for (R85 to R88).
//
//     aio::Task<> serve(aio::Context& context, Requests& requests) {
//       while (Request* request = co_await requests.next()) {  // yields inside
//         co_await aio::move_to(request->home);                // goes on in that context's thread
//         ...
//       }
//     }
//     aio::spawn(context, serve(context, requests));
//
//   any thread      schedule(), spawn(), wake(), enter() for a coroutine that has yielded
//   inside one      yield(), move_to(), Coroutine::current()
//
// State of one coroutine:
//
//     running --yield--> suspended --schedule--> scheduled --the loop--> running
//                                  --enter, in its thread--------------> running
//     running --move_to--> suspended, then scheduled elsewhere by a bottom half of the old context
//     running --its task ends--> gone
//
// Invariants
//   1. A coroutine is scheduled at most once at a time; a second schedule() aborts (R85).
//   2. Coroutines scheduled to one context run in the order of their schedule() calls.
//   3. Whoever is to enter a coroutine must know that it has yielded: a schedule() of oneself to
//      another context could be served before the yield, which is why move_to() asks the old
//      context's loop to do it (R88).
//   4. A coroutine that polls its own context does not hold up others scheduled before or after it.
#pragma once

#include <atomic>
#include <coroutine>
#include <exception>
#include <optional>
#include <utility>

#include "aio/context.h"

namespace aio {

/// What can be entered: a task that spawn() started, with all the tasks it awaits.
class Coroutine : HandoverLink<Coroutine> {
 public:
  Coroutine(const Coroutine&) = delete;
  Coroutine& operator=(const Coroutine&) = delete;

  /// The one that the caller runs in. Aborts outside of any.
  [[nodiscard]] static Coroutine& current();
  [[nodiscard]] static bool inside();

  /// The context that it runs in, or ran in last.
  [[nodiscard]] Context& context() const { return *context_; }

 private:
  friend class CoroutineQueue;
  friend class Handover<Coroutine>;
  friend struct CoroutineAccess;
  friend struct CoroutineRoot;
  friend void enter(Context& context, Coroutine& coroutine);

  explicit Coroutine(Context& context) : context_(&context) {}
  ~Coroutine() = default;

  static void enter_now(Context& context, Coroutine& coroutine) noexcept;

  std::coroutine_handle<> resume_point_;  // while it does not run
  Context* context_;
  std::atomic<bool> scheduled_{false};  // pairs release clear before entering / acquire schedule()
  // next_: on a context's list, or after the running one
};

template <typename T = void>
class Task;

/// Starts `task` as a coroutine of `context`: at once if the caller is its home thread (but see
/// enter()), else in a later poll. An exception that leaves it ends the process. Any thread. Throws
/// std::bad_alloc.
void spawn(Context& context, Task<> task);

/// Enters a coroutine that has yielded in a later poll of `context`, which must stay alive until
/// this returns. Any thread. Aborts if it is scheduled already. Throws std::bad_alloc. (R85)
void schedule(Context& context, Coroutine& coroutine);

/// Enters a coroutine that has yielded, in `context`: from another thread by schedule(); from a
/// coroutine in the home thread as soon as that one yields or ends; else at once. Any thread. (R87)
void enter(Context& context, Coroutine& coroutine);

/// enter() in the context where it yielded.
inline void wake(Coroutine& coroutine) { enter(coroutine.context(), coroutine); }

/// What the awaiters below and Task need of a Coroutine.
struct CoroutineAccess {
  static void suspend_current(std::coroutine_handle<> here) {
    Coroutine::current().resume_point_ = here;
  }
  static void leave_for(Context& target, Coroutine& coroutine);
};

/// co_await yield(): suspends the current coroutine until somebody enters it.
[[nodiscard]] inline auto yield() {
  struct Awaiter {
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> here) { CoroutineAccess::suspend_current(here); }
    void await_resume() const noexcept {}
  };
  return Awaiter{};
}

/// co_await move_to(context): goes on in that context's home thread; nothing if it is there. (R88)
[[nodiscard]] inline auto move_to(Context& target) {
  struct Awaiter {
    Context& target;
    bool await_ready() const { return target.in_home_thread(); }
    void await_suspend(std::coroutine_handle<> here) {
      CoroutineAccess::suspend_current(here);
      CoroutineAccess::leave_for(target, Coroutine::current());
    }
    void await_resume() const noexcept {}
  };
  return Awaiter{target};
}

namespace detail {

/// Ends a task: whoever awaits it goes on.
struct FinalAwaiter {
  bool await_ready() const noexcept { return false; }
  template <typename Promise>
  std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> ended) const noexcept {
    return ended.promise().continuation;
  }
  void await_resume() const noexcept {}
};

struct TaskPromiseBase {
  std::suspend_always initial_suspend() const noexcept { return {}; }
  FinalAwaiter final_suspend() const noexcept { return {}; }
  void unhandled_exception() { exception = std::current_exception(); }

  std::coroutine_handle<> continuation;
  std::exception_ptr exception;
};

template <typename T>
struct TaskPromise : TaskPromiseBase {
  Task<T> get_return_object();
  template <typename U>
  void return_value(U&& result) {
    value.emplace(std::forward<U>(result));
  }
  T take() { return std::move(*value); }
  std::optional<T> value;
};

template <>
struct TaskPromise<void> : TaskPromiseBase {
  Task<void> get_return_object();
  void return_void() const noexcept {}
  void take() const noexcept {}
};

}  // namespace detail

/// A part of a coroutine: starts when it is awaited, and gives its result, or throws, there. Owns
/// its frame. Await it once.
template <typename T>
class [[nodiscard]] Task {
 public:
  using promise_type = detail::TaskPromise<T>;

  Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Task& operator=(Task&& other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~Task() {
    if (handle_) handle_.destroy();
  }

  bool await_ready() const noexcept { return false; }
  std::coroutine_handle<> await_suspend(std::coroutine_handle<> awaiting) noexcept {
    handle_.promise().continuation = awaiting;
    return handle_;
  }
  T await_resume() {
    promise_type& promise = handle_.promise();
    if (promise.exception) std::rethrow_exception(promise.exception);
    return promise.take();
  }

 private:
  friend promise_type;
  explicit Task(std::coroutine_handle<promise_type> handle) : handle_(handle) {}

  std::coroutine_handle<promise_type> handle_;
};

namespace detail {

template <typename T>
Task<T> TaskPromise<T>::get_return_object() {
  return Task<T>(std::coroutine_handle<TaskPromise>::from_promise(*this));
}
inline Task<void> TaskPromise<void>::get_return_object() {
  return Task<void>(std::coroutine_handle<TaskPromise>::from_promise(*this));
}

}  // namespace detail

}  // namespace aio
