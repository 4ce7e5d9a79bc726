#include "kernel/kernel.h"

#include <limits>

#include "kernel/epoll.h"
#include "kernel/state.h"

namespace aiosim::kernel {

std::int64_t deadline_after(std::int64_t now_ns, std::int64_t timeout_ns) {
  if (timeout_ns < 0) return -1;
  constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max() / 2;
  return timeout_ns > most - now_ns ? most : now_ns + timeout_ns;
}

void State::reset() {
  timers.reset();
  futexes.reset();
  fds.reset();
  files_.clear();  // takes its watches off their lists
  watches_used_ = 0;
  free_watches_.clear();
}

int State::install(File& file, bool close_on_exec) {
  const int fd = fds.add(file, close_on_exec);
  if (fd < 0) file.closed();
  return fd;
}

void State::drop(File& file) {
  if (--file.references > 0) return;
  while (!file.watchers.empty()) {
    Watch& watch = file.watchers.front();
    watch.epoll->forget(watch);
  }
  file.closed();
  world.state_changed();
}

Watch& State::new_watch() {
  if (!free_watches_.empty()) {
    Watch& watch = *free_watches_.back();
    free_watches_.pop_back();
    return watch;
  }
  if (watches_used_ == watches_.size()) watches_.emplace_back();
  return watches_[watches_used_++];
}

int State::wait(const char* call, runtime::Object object, std::int64_t deadline_ns,
                fault::PointId interruption, bool (*ready)(void*), void* data) {
  runtime::Wait wait{ready, data, deadline_ns, call, object, false};
  wait.interruptible = fault::strikes(interruption);
  switch (world.block(wait)) {
    case runtime::Wake::timeout:
      return -ETIMEDOUT;
    case runtime::Wake::interrupted:
      return -EINTR;
    case runtime::Wake::ready:
      break;
  }
  return 0;
}

void State::finish(const char* call, int fd, std::int64_t result, std::int64_t figure,
                   const void* pc) {
  const bool failed = result < 0;
  world.record(call, fd_object(fd), result, figure, pc,
               failed && world.tracing() ? strerrorname_np(static_cast<int>(-result)) : "");
  if (!failed && world.kernel_call_probe) world.kernel_call_probe({call, fd, result});
}

Kernel::Kernel(runtime::World& world) : state_(std::make_unique<State>(world)) {}
Kernel::~Kernel() = default;

void Kernel::reset() { state_->reset(); }
std::int64_t Kernel::next_deadline_ns() const { return state_->timers.next_ns(); }

}  // namespace aiosim::kernel
