// A program about a thread pool (R93): requests that home submits, cancels and waits for.
#include <algorithm>

#include "oracles/requests.h"
#include "parts/requests.h"
#include "parts/run.h"

namespace properties {
namespace {

using aiosim::HarnessScope;
using aiosim::UnderTestScope;
using oracles::RequestWhat;

constexpr std::int64_t result_of(int number) { return -7 - number; }
constexpr std::uint64_t given_to(int number) { return 100 + static_cast<std::uint64_t>(number); }
constexpr std::uint64_t made_by(int number) { return 200 + static_cast<std::uint64_t>(number); }

class PoolRun final : public PartsRun {
 public:
  PoolRun(const Case& program, const BackendModule& module)
      : PartsRun(program, module),
        max_threads_(std::max<std::int64_t>(1, program.option(Verb::max_pool_threads, 2))),
        idle_ms_(program.option(Verb::idle_ms, 10'000)) {}

  oracles::Finding judge() const override {
    return oracles::requests(log_.events(), {"R93", max_threads_, in_world_});
  }

 private:
  static constexpr std::size_t max_instances = 20;

  struct Instance {
    PoolRun* self = nullptr;
    int number = 0;
    int kind = 0;
    Request* handle = nullptr;
    bool outstanding = false;  // home's: `done` has not begun
    bool cancelled = false;    // home's
    std::uint64_t in = 0;      // under test only: home to work
    std::uint64_t out = 0;     // work to home
  };

  void reset() override {
    log_.reset();
    pool_ = nullptr;
    used_ = 0;
    for (std::size_t i = 0; i < max_instances; ++i) {
      instances_[i] = {};
      instances_[i].self = this;
      instances_[i].number = static_cast<int>(i);
    }
  }

  void body() override {
    in_world_ = aiosim::in_world();
    make_pool();
    run_part(Role::home);
    wait_for(0);
    unmake_pool();
  }

  void make_pool() {
    pool_ = made(
        [&] { return parts_.make_pool(home_, static_cast<unsigned>(max_threads_), idle_ms_); });
  }
  void unmake_pool() {
    const UnderTestScope scope;
    delete pool_;
  }

  void run_op(const Op& op, int /*thread*/) override {
    switch (op.verb) {
      case Verb::submit:
        return submit(op.index);
      case Verb::cancel_request:
        return cancel(op.index);
      case Verb::wait_request:
        return wait_for(op.index);
      case Verb::renew_pool:
        wait_for(0);
        unmake_pool();
        return make_pool();
      case Verb::poll:
        return poll(false);
      case Verb::poll_blocking:
        return poll(outstanding(0));
      case Verb::advance:
        return pass_time(op.amount);
      default:
        return;
    }
  }

  void submit(int kind) {
    if (used_ == max_instances) return;
    Instance& it = instances_[used_++];
    it.kind = kind;
    it.outstanding = true;
    aiosim::note("submit request", it.number);
    log_.add(RequestWhat::submit, it.number);
    it.handle = made([&] {
      parts_.store(&it.in, given_to(it.number));
      return pool_->submit({on_work, on_done}, &it);
    });
    log_.add(RequestWhat::submitted, it.number);
  }

  void cancel(int kind) {
    cancel_newest(std::span(instances_).first(used_), kind, log_,
                  [this](Request* handle) { return pool_->cancel(handle); });
  }

  bool outstanding(int kind) const {
    return any_outstanding(std::span(instances_).first(used_), kind);
  }

  void wait_for(int kind) {
    if (depth_ == max_depth) return;
    poll_while([&] { return outstanding(kind); });
  }

  // ---- what the pool calls ----

  static int on_work(void* opaque) {
    const HarnessScope harness;
    auto& it = *static_cast<Instance*>(opaque);
    share();
    std::uint64_t in = 0;
    {
      const UnderTestScope scope;
      in = it.self->parts_.load(&it.in);
    }
    it.self->log_.add(RequestWhat::work, it.number, in == given_to(it.number) ? 1 : 0);
    aiosim::note("work of request", it.number);
    it.self->run_part(Role::work, it.kind);
    share();
    it.self->log_.add(RequestWhat::worked, it.number);
    const UnderTestScope scope;
    it.self->parts_.store(&it.out, made_by(it.number));
    return static_cast<int>(result_of(it.number));
  }

  static void on_done(void* opaque, int result) {
    const HarnessScope harness;
    auto& it = *static_cast<Instance*>(opaque);
    share();
    it.outstanding = false;
    std::uint64_t out = made_by(it.number);
    if (!it.cancelled) {
      const UnderTestScope scope;
      out = it.self->parts_.load(&it.out);
    }
    const bool right = result == (it.cancelled ? -ECANCELED : result_of(it.number));
    it.self->log_.add(RequestWhat::done, it.number, right ? 1 : 0,
                      out == made_by(it.number) ? 1 : 0);
    aiosim::note("request done", it.number, result);
    it.self->run_calls(Role::done, it.kind);
    it.self->log_.add(RequestWhat::done_returned, it.number);
  }

  const std::int64_t max_threads_;
  const std::int64_t idle_ms_;
  bool in_world_ = false;
  Log<RequestWhat> log_;
  Pool* pool_ = nullptr;
  std::array<Instance, max_instances> instances_;
  std::size_t used_ = 0;
};

}  // namespace

std::unique_ptr<PartsRun> make_pool_run(const Case& program, const BackendModule& module) {
  return std::make_unique<PoolRun>(program, module);
}

}  // namespace properties
