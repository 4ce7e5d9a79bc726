// wait_while / wait_kick: wait, polling one's own context, for a condition that another thread
// changes (R100, R101).
//
//   home thread     wait_while(context, condition)
//   any thread      wait_kick(context) after every change of such a condition
//
// Invariants
//   1. The waiter is counted before it first looks at the condition.
//   2. Whoever changes the condition looks at the count after the change.
//
// Barriers: full fence in WaitScope / full fence in wait_kick(). Store buffering: the waiter counts
// itself and reads the condition, the other thread changes the condition and reads the count. One
// of the two sees the other's store; the increment alone would order nothing in C++20.
//
// The condition's own data may be relaxed atomics: the kick's bottom half publishes them.
#pragma once

#include "aio/context.h"

namespace aio {

/// Counts the caller among the waiters of the process while it lives.
class WaitScope {
 public:
  WaitScope();
  ~WaitScope();
  WaitScope(const WaitScope&) = delete;
  WaitScope& operator=(const WaitScope&) = delete;
};

/// Polls `context`, blocking, until `condition()` is false; looks at it before each poll. Home
/// thread of `context`, callbacks included.
template <typename Condition>
void wait_while(Context& context, Condition&& condition) {
  WaitScope scope;
  while (condition()) context.poll(true);
}

/// If anybody in the process waits, schedules an empty one-shot bottom half in `context`, so that a
/// waiter there looks at its condition again. Call it after the change. Any thread; `context` must
/// stay alive meanwhile. Throws std::bad_alloc.
void wait_kick(Context& context);

}  // namespace aio
