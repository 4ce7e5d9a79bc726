// An operation under test, observed from before to after.
#pragma once

#include <string_view>

#include "interpreter.h"
#include "timeline.h"

namespace properties {

/// Makes `call` under test, observed from before to after.
template <typename Call>
void Interpreter::observed(int thread, Observation seen, const Call& call) {
  seen.what = What::op_begin;
  const std::string_view sleeps_in = thread == 0 ? "" : aiosim::blocked_in(0);
  const bool kernel = sleeps_in.find("poll") != sleeps_in.npos || sleeps_in.starts_with("io_uring");
  seen.d = kernel ? 1 : 0;
  recorder_.add(thread, seen);
  {
    const aiosim::UnderTestScope scope;
    call();
  }
  share_own(thread, seen.verb);
  seen.what = What::op_end;
  recorder_.add(thread, seen);
  const Operation op{.thread = thread, .verb = seen.verb, .index = seen.index, .a = seen.a};
  if (thread != 0 && op.notifies()) told_.fetch_add(1, std::memory_order_relaxed);
}

}  // namespace properties
