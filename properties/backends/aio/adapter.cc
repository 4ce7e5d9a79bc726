// Our loop behind the interface of backends. AIOSIM_MONITOR: a Monitor, AIOSIM_UPGRADE: fds from
// which epoll_auto changes to epoll.
#include <atomic>
#include <cerrno>
#include <new>
#include <system_error>

#include "aio/context.h"
#include "aio/timer.h"
#include "aio/trace.h"
#include "aio/wait.h"
#include "properties/backend.h"

#ifndef AIOSIM_UPGRADE
#define AIOSIM_UPGRADE 64
#endif
#ifndef AIOSIM_BACKEND_SYMBOL  // several in one binary need names of their own
#define AIOSIM_BACKEND_SYMBOL aiosim_backend
#endif

namespace {

class AioLoop final : public properties::Loop {
 public:
  explicit AioLoop(const properties::LoopOptions& options)
      : options_(options), sink_{on_trace, this}, context_(context_options(options)) {
    context_.bind_home_thread();
    aio::set_trace_sink(&sink_);
  }
  ~AioLoop() override { aio::set_trace_sink(nullptr); }

  bool poll(bool blocking) override { return context_.poll(blocking); }
  void notify() override { context_.notify(); }

  properties::Bh* new_bh(properties::Callback callback, void* opaque) override {
    return reinterpret_cast<properties::Bh*>(context_.new_bh(callback, opaque));
  }
  void schedule(properties::Bh* bh) override { of(bh)->schedule(); }
  void schedule_idle(properties::Bh* bh) override { of(bh)->schedule_idle(); }
  void schedule_oneshot(properties::Callback callback, void* opaque) override {
    context_.schedule_oneshot(callback, opaque);
  }
  void cancel(properties::Bh* bh) override { of(bh)->cancel(); }
  void delete_bh(properties::Bh* bh) override { of(bh)->delete_(); }

  void set_fd_handler(int fd, const properties::FdCallbacks& callbacks, void* opaque) override {
    context_.set_fd_handler(fd, {callbacks.read, callbacks.write, callbacks.poll,
                                 callbacks.poll_ready, callbacks.begin, callbacks.end, opaque});
  }
  void remove_fd_handler(int fd) override { context_.remove_fd_handler(fd); }

  properties::Timer* new_timer(properties::Callback callback, void* opaque) override {
    return reinterpret_cast<properties::Timer*>(new aio::Timer(context_, callback, opaque));
  }
  void arm_timer(properties::Timer* timer, std::int64_t deadline_ns) override {
    of(timer)->arm_at(deadline_ns);
  }
  void disarm_timer(properties::Timer* timer) override { of(timer)->cancel(); }
  void free_timer(properties::Timer* timer) override { delete of(timer); }

  void wait_while(properties::PollCallback condition, void* opaque) override {
    aio::wait_while(context_, [=] { return condition(opaque); });
  }
  void kick() override { aio::wait_kick(context_); }

 private:
  static aio::BottomHalf* of(properties::Bh* bh) { return reinterpret_cast<aio::BottomHalf*>(bh); }
  static aio::Timer* of(properties::Timer* timer) { return reinterpret_cast<aio::Timer*>(timer); }

  static aio::ContextOptions context_options(const properties::LoopOptions& options) {
    aio::ContextOptions out;
    out.monitor = aio::Monitor::AIOSIM_MONITOR;
    out.upgrade_threshold = AIOSIM_UPGRADE;
    out.poll_max_ns = options.poll_max_ns;
    return out;
  }

  static void on_trace(void* opaque, const aio::TraceEvent& event) {
    const properties::LoopOptions& options = static_cast<AioLoop*>(opaque)->options_;
    const bool begin = event.kind == aio::TraceKind::poll_begin;
    if (!begin && event.kind != aio::TraceKind::poll_end) return;
    if (options.polling != nullptr) options.polling(options.opaque, begin);
  }

  properties::LoopOptions options_;
  aio::TraceSink sink_;
  aio::Context context_;
};

properties::Loop* create(const properties::LoopOptions& options) {
  try {
    return new AioLoop(options);
  } catch (const std::system_error& error) {
    errno = error.code().value();
  } catch (const std::bad_alloc&) {
    errno = ENOMEM;
  }
  return nullptr;
}

void payload_store(std::uint64_t* word, std::uint64_t value) {
  std::atomic_ref(*word).store(value, std::memory_order_relaxed);
}

std::uint64_t payload_load(const std::uint64_t* word) {
  return std::atomic_ref(*const_cast<std::uint64_t*>(word)).load(std::memory_order_relaxed);
}

constexpr std::uint32_t offers =
    properties::offers_bottom_halves | properties::offers_idle_bh | properties::offers_cancel |
    properties::offers_oneshot | properties::offers_nested_poll | properties::offers_fd_handlers |
    properties::offers_pollable_handlers | properties::offers_busy_polling |
    properties::offers_timers | properties::offers_progress_value |
    properties::offers_slice_order_lifo | properties::offers_exact_timeout |
    properties::offers_wait_kick | properties::offers_quiet_notify;

}  // namespace

extern "C" const properties::BackendModule AIOSIM_BACKEND_SYMBOL;
const properties::BackendModule AIOSIM_BACKEND_SYMBOL = {
    properties::backend_abi, AIOSIM_BACKEND_NAME, offers, create, payload_store, payload_load};
