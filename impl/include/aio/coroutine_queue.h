// CoroutineQueue: the coroutines scheduled to a context (R85). Part of Context.
//
//   any thread      schedule()
//   home thread     the bottom half that enters them
#pragma once

#include <atomic>

#include "aio/bottom_half.h"
#include "aio/handover.h"

namespace aio {

class Context;
class Coroutine;

class CoroutineQueue {
 public:
  explicit CoroutineQueue(Context& context) : context_(context) {}
  /// Aborts if a coroutine is scheduled and was not entered (R98).
  ~CoroutineQueue();
  CoroutineQueue(const CoroutineQueue&) = delete;
  CoroutineQueue& operator=(const CoroutineQueue&) = delete;

  /// Throws std::bad_alloc; not scheduled then.
  void schedule(Coroutine& coroutine);

 private:
  BottomHalf& bottom_half();
  void enter_all();

  Context& context_;
  std::atomic<BottomHalf*> bh_{nullptr};  // made by the first schedule()
  Handover<Coroutine> scheduled_;
};

}  // namespace aio
