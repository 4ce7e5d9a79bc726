#include "aio/foreign_loop.h"

#include "check.h"
#include "timeout.h"

namespace aio {

namespace {
constexpr std::int64_t ring_short_of_memory_ns = 1'000'000;  // when to try again
}  // namespace

ForeignLoop::~ForeignLoop() { context_.gate_.lower_foreign(); }

/// The ring is told of changes, and what it knows is taken over. The foreign loop watches the
/// handlers' fds itself: a ring that takes no requests for now holds up the user's own alone.
void ForeignLoop::ask_ring(ReadyList& ready) {
  FdMonitor& monitor = context_.monitor_;
  if (monitor.ring_fd() >= 0 && monitor.need_wait()) monitor.wait(ready, 0);
}

int ForeignLoop::prepare() {
  Context& context = context_;
  context.claim_home_thread();
  AIO_CHECK(!context.window_.walking());
  context.monitor_.reserve();
  const Context::Visit visit(context);
  context.window_.refresh();
  context.retire_removed();
  context.gate_.raise_foreign();
  context.window_.leave(context.found_late_);
  ask_ring(context.found_late_);
  if (!context.found_late_.empty() || context.gate_.notified()) return 0;
  std::int64_t timeout_ns = context.timeout_ns();
  if (context.monitor_.ring_fd() >= 0 && context.monitor_.need_wait()) {
    timeout_ns = detail::sooner(timeout_ns, ring_short_of_memory_ns);
  }
  return detail::ns_to_ms(timeout_ns);
}

void ForeignLoop::report(int fd, std::uint64_t generation, short revents) {
  const auto guard = context_.handlers_.lock();
  FdHandler* handler = context_.handlers_.find_live(fd);
  if (handler == nullptr || std::uint64_t{handler->generation} + 1 != generation) return;
  context_.found_late_.add_events(*handler, revents);
}

bool ForeignLoop::check(bool fds_ready) {
  context_.gate_.lower_foreign();
  context_.gate_.accept();
  context_.bottom_halves_.follow_accept();
  const bool any_bottom_half = context_.bottom_halves_.timeout_ns() >= 0;
  return fds_ready || !context_.found_late_.empty() || any_bottom_half ||
         context_.timers_.deadline_ns() == 0;
}

bool ForeignLoop::dispatch() {
  Context& context = context_;
  context.claim_home_thread();
  context.monitor_.reserve();
  bool progress = false;
  ++context.visits_;
  {
    const Context::Visit visit(context);  // as any poll's (R74)
    context.retire_removed();
    ReadyList ready;
    ready.take_from(context.found_late_);
    ask_ring(ready);
    if (context.run_bottom_halves()) progress = true;
    if (context.dispatch(ready, -1)) progress = true;
  }
  --context.visits_;
  if (context.timers_.run()) progress = true;
  return progress;
}

}  // namespace aio
