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
  signals.reset();
  viewer_ = nobody;
  fds.reset();
  closed_twice.clear();
  names.reset();
  rings.clear();
  aio.reset();
  ring_memory.reset();
  files_.clear();  // takes its watches off their lists
  watches_used_ = 0;
  random_ = Random();
  free_watches_.clear();
}

void State::random_bytes(void* buffer, std::size_t size) {
  for (auto* at = static_cast<unsigned char*>(buffer); size > 0; --size) {
    *at++ = static_cast<unsigned char>(random_.next());
  }
}

File* State::file(int fd) const {
  if (fd >= 0 && fd < FdTable::first) {
    world.fail(VerdictKind::crash, "fd " + std::to_string(fd) +
                                       " is the host's: only read and write are simulated on it");
  }
  return fds.file(fd);
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

// A predicate, with the eyes of the thread that waits for it.
struct State::View {
  State* state;
  std::uint32_t thread;
  bool (*ready)(void*);
  void* data;
};

bool State::look(void* data) {
  const View& view = *static_cast<View*>(data);
  view.state->viewer_ = view.thread;
  const bool ready = view.ready(view.data);
  view.state->viewer_ = nobody;
  return ready;
}

int State::block(const runtime::Wait& wait) {
  switch (world.block(wait)) {
    case runtime::Wake::timeout:
      return -ETIMEDOUT;
    case runtime::Wake::interrupted:
      signals.interrupts();
      return -EINTR;
    case runtime::Wake::ready:
      break;
  }
  return 0;
}

int State::wait(const char* call, runtime::Object object, std::int64_t deadline_ns,
                fault::PointId interruption, bool (*ready)(void*), void* data) {
  View view{this, thread(), ready, data};
  runtime::Wait wait{look, &view, deadline_ns, call, object};
  wait.interruptible = fault::strikes(interruption);
  wait.signals_end = true;
  return block(wait);
}

int State::wait_for_signal(const char* call, runtime::Object object, std::int64_t deadline_ns,
                           bool (*ready)(void*), void* data) {
  View view{this, thread(), ready, data};
  runtime::Wait wait{look, &view, deadline_ns, call, object};
  wait.signals_end = true;
  return block(wait);
}

void State::finish(const char* call, int fd, std::int64_t result, std::int64_t figure,
                   const void* pc) {
  const bool failed = result < 0;
  world.record(call, fd_object(fd), result, figure, pc,
               failed && world.tracing() ? strerrorname_np(static_cast<int>(-result)) : "");
  if (!failed && fd >= 0 && world.kernel_call_probe) world.kernel_call_probe({call, fd, result});
}

Kernel::Kernel(runtime::World& world) : state_(std::make_unique<State>(world)) {}
Kernel::~Kernel() = default;

void Kernel::random_bytes(void* buffer, std::size_t size, const void* pc) {
  state_->enter("getrandom", {}, pc);
  state_->random_bytes(buffer, size);
  state_->leave("getrandom", -1, static_cast<ssize_t>(size), pc);
}

void Kernel::thread_created(std::uint32_t creator, std::uint32_t created) {
  state_->signals.thread_created(creator, created);
}
void Kernel::thread_exited(std::uint32_t thread) {
  for (IoUring* ring : state_->rings) ring->orphan(thread);
  state_->signals.thread_exited(thread);
}
Signals& Kernel::signals() { return state_->signals; }

void Kernel::reset() { state_->reset(); }
std::vector<int> Kernel::open_fds() const {
  std::vector<int> open;
  for (int fd = FdTable::first; fd < state_->fds.end(); ++fd) {
    if (state_->fds.file(fd) != nullptr) open.push_back(fd);
  }
  return open;
}

const std::string& Kernel::closed_twice() const { return state_->closed_twice; }

void Kernel::each_held(const std::function<void(const void*, std::size_t)>& visit) const {
  state_->each_open([&visit](const File& file) { file.each_held(visit); });
  state_->aio.each_held(visit);
}

std::int64_t Kernel::next_deadline_ns() const { return state_->timers.next_ns(); }

}  // namespace aiosim::kernel
