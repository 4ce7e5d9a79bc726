#include <properties/backend.h>

#include "mini_loop.h"

namespace {

mini::Bh* in(properties::Bh* bh) { return reinterpret_cast<mini::Bh*>(bh); }
mini::Timer* in(properties::Timer* timer) { return reinterpret_cast<mini::Timer*>(timer); }

class Adapter final : public properties::Loop {
 public:
  explicit Adapter(int event_fd) : loop_(event_fd) {}
  bool poll(bool blocking) override { return loop_.poll(blocking); }
  void set_poll_max(std::int64_t) override {}
  void notify() override { loop_.notify(); }
  properties::Bh* new_bh(properties::Callback callback, void* opaque) override {
    return reinterpret_cast<properties::Bh*>(new mini::Bh{&loop_, callback, opaque});
  }
  void schedule(properties::Bh* bh) override { loop_.enqueue(in(bh), mini::Bh::scheduled); }
  void schedule_idle(properties::Bh* bh) override { loop_.enqueue(in(bh), mini::Bh::idle); }
  void schedule_oneshot(properties::Callback callback, void* opaque) override {
    loop_.enqueue(new mini::Bh{&loop_, callback, opaque},
                  mini::Bh::scheduled | mini::Bh::oneshot);
  }
  void cancel(properties::Bh* bh) override {
    in(bh)->flags.fetch_and(~(mini::Bh::scheduled | mini::Bh::idle));
  }
  void delete_bh(properties::Bh* bh) override { loop_.enqueue(in(bh), mini::Bh::deleted); }
  void set_fd_handler(int fd, const properties::FdCallbacks& callbacks, void* opaque) override {
    loop_.set_fd(fd, callbacks.read, callbacks.write, opaque);
  }
  void remove_fd_handler(int fd) override { loop_.remove_fd(fd); }
  void set_poll_hooks(int, properties::Callback, properties::Callback) override {}
  properties::Timer* new_timer(properties::Callback callback, void* opaque) override {
    return reinterpret_cast<properties::Timer*>(new mini::Timer{callback, opaque});
  }
  void arm_timer(properties::Timer* timer, std::int64_t deadline_ns) override {
    loop_.arm(in(timer), deadline_ns);
  }
  void disarm_timer(properties::Timer* timer) override { loop_.disarm(in(timer)); }
  void free_timer(properties::Timer* timer) override {
    loop_.disarm(in(timer));
    delete in(timer);
  }
  void hold_timers(bool) override {}
  void wait_while(properties::PollCallback condition, void* opaque) override {
    while (condition(opaque)) loop_.poll(true);
  }
  void kick() override { loop_.notify(); }

 private:
  mini::Loop loop_;
};

properties::Loop* create(const properties::LoopOptions&) {
  const int event_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  return event_fd < 0 ? nullptr : new Adapter(event_fd);
}

}  // namespace

using namespace properties;
extern "C" const BackendModule aiosim_backend = {
    backend_abi,
    AIOSIM_BACKEND_NAME,
    offers_bottom_halves | offers_idle_bh | offers_cancel | offers_oneshot | offers_nested_poll |
        offers_fd_handlers | offers_timers | offers_progress_value | offers_slice_order_lifo |
        offers_exact_timeout | offers_wait_kick | offers_quiet_notify,
    create,
    [](std::uint64_t* word, std::uint64_t value) {
      std::atomic_ref(*word).store(value, std::memory_order_relaxed);
    },
    [](const std::uint64_t* word) {
      return std::atomic_ref(*const_cast<std::uint64_t*>(word)).load(std::memory_order_relaxed);
    },
};
