// A program about threads with loops (R103) and waits in them (R100, R101): jobs are posted to
// them, they are stopped with jobs in flight, and started again.
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>

#include "oracles/jobs.h"
#include "parts/log.h"
#include "parts/loops.h"
#include "parts/run.h"

namespace properties {
namespace {

using aiosim::HarnessScope;
using aiosim::UnderTestScope;
using What = oracles::JobWhat;

constexpr auto relaxed = std::memory_order_relaxed;
constexpr std::uint64_t given_to(int number) { return 100 + static_cast<std::uint64_t>(number); }

class LoopThreadsRun final : public PartsRun {
 public:
  LoopThreadsRun(const Case& program, const BackendModule& module)
      : PartsRun(program, module),
        loops_(program, module),
        fds_wanted_(program.option(Verb::loop_fds, -1) >= 0) {
    analyse();
  }

  oracles::Finding judge() const override { return oracles::jobs(log_.events()); }

 private:
  static constexpr int max_instances = 40;
  static constexpr std::size_t all_loops = max_loop_threads + 1;

  struct Instance {
    LoopThreadsRun* self = nullptr;
    int number = 0;
    int kind = 0;
    int loop = 0;
    std::uint64_t in = 0;  // under test only
  };
  struct Bell {  // an fd that a loop watches
    int fd = -1;
    int rung = 0;  // calls of its handler
  };
  struct Flag {
    LoopThreadsRun* self;
    std::size_t number;
  };

  /// Which producers may still use which loop: to set a flag is to kick all of them.
  void analyse() {
    for (const Part& part : program_.parts) {
      if (part.role != Role::producer) continue;
      for (const Op& op : part.ops) {
        auto& uses = uses_[static_cast<std::size_t>(part.number)];
        if (op.verb == Verb::set_flag) {
          uses.fill(true);
          waitable_[static_cast<std::size_t>(op.index)] = true;
        } else if (op.verb == Verb::post) {
          uses[static_cast<std::size_t>(op.amount)] = true;
        }
      }
    }
  }

  void reset() override {
    log_.reset();
    next_.store(0, relaxed);
    outstanding_.store(0, relaxed);
    waits_.store(0, relaxed);
    for (int i = 0; i < max_instances; ++i) instances_[static_cast<std::size_t>(i)] = {this, i};
    flags_ = {};
    left_ = {};
    depths_ = {};
    bells_ = {};
  }

  void body() override {
    log_.add(What::home);
    loops_.begin(home_);
    for (int i = 1; i <= loops_.count(); ++i) start(i);
    producers_.start(program_.producers(), [this](int number) {
      run_part(Role::producer, number, -number);
      share();
      {
        const UnderTestScope scope;
        parts_.publish(&left_[static_cast<std::size_t>(number)], 1);
      }
      producers_.finished(number);
      const UnderTestScope scope;
      home_->notify();
    });
    run_part(Role::home);
    poll_while([this] { return !producers_.all_finished(); });
    producers_.join();
    poll_while([this] { return waits_.load(relaxed) > 0; });  // no stop may wake them
    for (int i = 1; i <= loops_.count(); ++i) stop(i);
    poll_while([this] { return outstanding_.load(relaxed) > 0; });
    log_.add(What::end);
  }

  /// `by`: 0 home, a producer's number negative, else the number of the loop whose job it is.
  void run_op(const Op& op, int by) override {
    switch (op.verb) {
      case Verb::post:
        post(op.index, target_of(op, by));
        return;
      case Verb::set_flag:
        return by < 0 ? set_flag(static_cast<std::size_t>(op.index)) : void();
      case Verb::wait_flag:
        return wait_flag(static_cast<std::size_t>(op.index), by);
      case Verb::start_loop:
        return op.index <= loops_.count() && !loops_.runs(op.index) ? start(op.index) : void();
      case Verb::stop_loop:
        return op.index <= loops_.count() && !in_use(op.index) ? stop(op.index) : void();
      case Verb::poll:
        return poll(*loops_.at(by), depth_of(by), false);
      case Verb::poll_blocking:
        return poll(!producers_.all_finished());
      case Verb::advance:
        return pass_time(op.amount);
      default:
        return;
    }
  }

  /// A job knows of its own loop and home's only: others may be stopped meanwhile.
  int target_of(const Op& op, int by) const {
    const int wanted = loops_.existing(op.amount);
    if (by > 0) return wanted == 0 ? 0 : by;
    return by < 0 || wanted == 0 || loops_.runs(wanted) ? wanted : 0;
  }

  /// A loop may go once those who use it are known, under test, to have left its methods.
  bool in_use(int loop) {
    for (int i = 1; i <= program_.producers(); ++i) {
      const auto at = static_cast<std::size_t>(i);
      const UnderTestScope scope;
      if (uses_[at][static_cast<std::size_t>(loop)] && !parts_.claim(&left_[at], 1, 1)) return true;
    }
    return false;
  }

  int& depth_of(int loop) { return loop == 0 ? depth_ : depths_[static_cast<std::size_t>(loop)]; }

  // ---- loops ----

  void start(int loop) {
    log_.add(What::started, loop);
    loops_.start(loop, [this](int i) { log_.add(What::runs, i); });
    if (!fds_wanted_) return;
    Bell& bell = bells_[static_cast<std::size_t>(loop)];
    bell = {};
    const UnderTestScope scope;
    do {
      bell.fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    } while (bell.fd < 0 && errno == EMFILE);  // injected: a limited number of times
    FdCallbacks callbacks;
    callbacks.read = on_ring;
    if (bell.fd >= 0) loops_.at(loop)->set_fd_handler(bell.fd, callbacks, &bell);
  }

  static void on_ring(void* opaque) {
    const HarnessScope harness;
    auto& bell = *static_cast<Bell*>(opaque);
    ++bell.rung;
    std::uint64_t count = 0;
    const UnderTestScope scope;
    while (read(bell.fd, &count, sizeof count) < 0 && errno == EINTR) {
    }
  }

  /// The thread that had the loop watch it has ended. Twice: what it had begun comes to an end with
  /// the first.
  void ring(int loop) {
    Bell& bell = bells_[static_cast<std::size_t>(loop)];
    if (bell.fd < 0) return;
    constexpr int most_polls = 4;  // that end early, for notifications of before
    for (int rings = 0; rings < 2; ++rings) {
      const int before = bell.rung;
      {
        const std::uint64_t one = 1;
        const UnderTestScope scope;
        while (write(bell.fd, &one, sizeof one) < 0 && errno == EINTR) {
        }
        for (int polls = 0; polls < most_polls && bell.rung == before; ++polls) {
          loops_.at(loop)->poll(true);
        }
      }
      log_.add(What::rung, loop, bell.rung == before ? 0 : 1);
    }
    const UnderTestScope scope;
    loops_.at(loop)->remove_fd_handler(bell.fd);
    close(bell.fd);
  }

  void stop(int loop) {
    if (!loops_.runs(loop)) return;
    aiosim::note("stop loop", loop);
    loops_.stop(loop);
    log_.add(What::stopped, loop);
    const bool posted = post(1, loop);
    bool progress = false;
    {
      const UnderTestScope scope;
      progress = loops_.at(loop)->poll(false);
      while (loops_.at(loop)->poll(false)) {  // what that job has posted
      }
    }
    log_.add(What::by_owner, loop, progress || !posted ? 1 : 0);
    ring(loop);
    loops_.remove(loop);
    log_.add(What::removed, loop);
  }

  // ---- jobs and flags ----

  bool post(int kind, int loop) {
    const int number = next_.fetch_add(1, relaxed);
    if (number >= max_instances) return false;
    Instance& it = instances_[static_cast<std::size_t>(number)];
    it.kind = kind;
    it.loop = loop;
    if (loop == 0) outstanding_.fetch_add(1, relaxed);
    aiosim::note("post job", number, loop);
    log_.add(What::posting, number, loop);
    const UnderTestScope scope;
    parts_.store(&it.in, given_to(number));
    loops_.at(loop)->schedule_oneshot(on_job, &it);
    return true;
  }

  static void on_job(void* opaque) {
    const HarnessScope harness;
    const auto& it = *static_cast<Instance*>(opaque);
    LoopThreadsRun& self = *it.self;
    share();
    std::uint64_t in = 0;
    {
      const UnderTestScope scope;
      in = self.parts_.load(&it.in);
    }
    aiosim::note("job runs", it.number);
    self.log_.add(What::job, it.number, it.loop, in == given_to(it.number) ? 1 : 0);
    if (it.loop == 0) self.outstanding_.fetch_sub(1, relaxed);
    self.run_calls(Role::job, it.kind, it.loop);
  }

  void set_flag(std::size_t flag) {
    aiosim::note("set flag and kick", static_cast<int>(flag));
    const UnderTestScope scope;
    module_.payload_store(&flags_[flag], 1);
    for (int i = 0; i <= loops_.count(); ++i) loops_.at(i)->kick();
  }

  void wait_flag(std::size_t flag, int loop) {
    int& depth = depth_of(loop);
    if (!waitable_[flag] || depth >= max_depth) return;
    ++depth;
    waits_.fetch_add(loop == 0 ? 0 : 1, relaxed);
    aiosim::note("wait_while flag unset", static_cast<int>(flag));
    Flag condition{this, flag};
    std::uint64_t set = 0;
    {
      const UnderTestScope scope;
      loops_.at(loop)->wait_while(is_unset, &condition);
      set = module_.payload_load(&flags_[flag]);
    }
    --depth;
    share();
    waits_.fetch_sub(loop == 0 ? 0 : 1, relaxed);
    if (loop != 0) {
      const UnderTestScope scope;
      home_->notify();
    }
    log_.add(What::waited, static_cast<int>(flag), static_cast<std::int64_t>(set));
  }

  /// Called under test: its word belongs to the memory model.
  static bool is_unset(void* opaque) {
    const auto& condition = *static_cast<Flag*>(opaque);
    return condition.self->module_.payload_load(&condition.self->flags_[condition.number]) == 0;
  }

  LoopThreads loops_;
  const bool fds_wanted_;
  std::array<Bell, all_loops> bells_{};
  Producers producers_;
  Log<What> log_;
  std::array<Instance, max_instances> instances_;
  std::atomic<int> next_{0};
  std::atomic<int> outstanding_{0};                   // jobs of home
  std::atomic<int> waits_{0};                         // under way in other loops than home's
  std::array<std::uint64_t, max_flags + 1> flags_{};  // under test only
  std::array<std::uint64_t, max_threads> left_{};     // under test only: 1: the producer has
  std::array<bool, max_flags + 1> waitable_{};        // a producer sets it
  std::array<std::array<bool, all_loops>, max_threads> uses_{};
  std::array<int, all_loops> depths_{};  // of polls, each in its thread; not home's
};

}  // namespace

std::unique_ptr<PartsRun> make_loop_threads_run(const Case& program, const BackendModule& module) {
  return std::make_unique<LoopThreadsRun>(program, module);
}

}  // namespace properties
