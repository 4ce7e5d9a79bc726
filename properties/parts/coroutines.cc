// A program about coroutines (R85 to R88): they yield, move between loops, and are woken by each
// other, by home and by producers, each wake by one of them alone.
#include "oracles/coroutines.h"

#include "parts/log.h"
#include "parts/loops.h"
#include "parts/run.h"

namespace properties {
namespace {

using aiosim::HarnessScope;
using aiosim::UnderTestScope;
using What = oracles::CoroutineWhat;

constexpr auto relaxed = std::memory_order_relaxed;

class CoroutineRun final : public PartsRun {
 public:
  CoroutineRun(const Case& program, const BackendModule& module)
      : PartsRun(program, module), loops_(program, module) {}

  oracles::Finding judge() const override { return oracles::coroutines(log_.events()); }

 private:
  struct Actor {
    CoroutineRun* self = nullptr;
    int number = 0;
    std::atomic<bool> spawned{false};
    std::atomic<bool> ended{false};
    std::atomic<bool> idle{false};  // it has yielded, and nobody wakes it yet
    std::atomic<CoroutineHandle*> handle{nullptr};
    std::atomic<std::uint64_t> yields{0};
    std::atomic<int> loop{0};  // where it is, or was sent
    std::size_t at = 0;        // its next operation
    bool stays = false;        // it moves to where it is
    // Under test only. `turn`: 2 * yields + 1 while whoever claims it may wake.
    std::uint64_t turn = 0;
    std::uint64_t payload = 0;  // the number of its wakes
    std::uint64_t wakes = 0;    // the same, known to the harness
  };

  void reset() override {
    log_.reset();
    for (std::size_t i = 0; i < actors_.size(); ++i) {
      Actor& actor = actors_[i];
      actor.self = this;
      actor.number = static_cast<int>(i);
      for (auto* flag : {&actor.spawned, &actor.ended, &actor.idle}) flag->store(false, relaxed);
      actor.handle.store(nullptr, relaxed);
      actor.yields.store(0, relaxed);
      actor.loop.store(0, relaxed);
      actor.at = 0;
      actor.stays = false;
      actor.turn = actor.payload = actor.wakes = 0;
    }
    depths_ = {};
  }

  void body() override {
    log_.add(What::loop_thread, 0, 0);
    loops_.start_all(home_, [this](int i) { log_.add(What::loop_thread, 0, i); });
    producers_.start(program_.producers(), [this](int number) {
      run_part(Role::producer, number, -number);
      producers_.finished(number);
      const UnderTestScope scope;
      home_->notify();
    });
    run_part(Role::home);
    poll_while([this] {
      for (Actor& actor : actors_) wake(actor, 0, Verb::schedule_coroutine, actor.number);
      return unended() || !producers_.all_finished();
    });
    producers_.join();
    poll_while([this] {  // what producers had begun to wake
      for (Actor& actor : actors_) wake(actor, 0, Verb::schedule_coroutine, actor.number);
      return unended();
    });
    loops_.stop_all();
  }

  bool unended() const {
    for (const Actor& actor : actors_) {
      if (actor.spawned.load(relaxed) && !actor.ended.load(relaxed)) return true;
    }
    return false;
  }

  /// Something that is to come notifies home.
  bool outstanding() const {
    if (!producers_.all_finished()) return true;
    for (const Actor& actor : actors_) {
      if (!actor.spawned.load(relaxed) || actor.ended.load(relaxed)) continue;
      if (!actor.idle.load(relaxed)) return true;
    }
    return false;
  }

  /// `by`: the coroutine's number; 0 home; else a producer's, negative.
  void run_op(const Op& op, int by) override {
    switch (op.verb) {
      case Verb::poll:
        return by > 0 ? poll_inside(actors_[static_cast<std::size_t>(by)]) : poll(false);
      case Verb::poll_blocking:
        return poll(outstanding());
      case Verb::spawn:
        return spawn(actors_[static_cast<std::size_t>(op.index)], by, op.amount);
      default:
        return wake(actors_[static_cast<std::size_t>(op.index)], by, op.verb, op.amount);
    }
  }

  void poll_inside(Actor& actor) {
    const int loop = actor.loop.load(relaxed);
    log_.add(What::poll);
    poll(*loops_.at(loop), loop == 0 ? depth_ : depths_[static_cast<std::size_t>(loop)], false);
    log_.add(What::polled);
  }

  void spawn(Actor& actor, int by, std::int64_t loop) {
    if (actor.spawned.exchange(true, relaxed)) return;
    send(actor, by, loop, Verb::spawn, [&actor](const Parts& parts, Loop* target) {
      parts.coroutines.spawn(target, {next, &actor});
    });
  }

  void wake(Actor& actor, int by, Verb verb, std::int64_t loop) {
    if (!actor.spawned.load(relaxed)) return;
    const std::uint64_t turn = 2 * actor.yields.load(relaxed) + 1;
    {
      const UnderTestScope scope;
      if (!parts_.claim(&actor.turn, turn, 0)) return;
    }
    actor.idle.store(false, relaxed);
    send(actor, by, loop, verb, [&actor, verb](const Parts& parts, Loop* target) {
      CoroutineHandle* handle = actor.handle.load(relaxed);
      if (verb == Verb::enter_coroutine) {
        parts.coroutines.enter(target, handle);
      } else {
        parts.coroutines.schedule(target, handle);
      }
    });
  }

  /// After `call` the coroutine may be anywhere.
  template <typename Call>
  void send(Actor& actor, int by, std::int64_t wanted, Verb verb, const Call& call) {
    const int loop = loops_.existing(wanted);
    const int number = actor.number;
    actor.loop.store(loop, relaxed);
    ++actor.wakes;
    const std::int64_t how = verb == Verb::schedule_coroutine ? oracles::by_schedule
                             : by > 0                         ? oracles::by_enter_inside
                                                              : oracles::by_enter;
    aiosim::note("wake coroutine", number, loop);
    log_.add(What::wake, number, loop, how);
    {
      const UnderTestScope scope;
      parts_.store(&actor.payload, actor.wakes);
      call(parts_, loops_.at(loop));
    }
    log_.add(What::woken, number, loop, how);
  }

  // ---- what the coroutines call ----

  static Step next(void* opaque, CoroutineHandle* handle) {
    const HarnessScope harness;
    auto& actor = *static_cast<Actor*>(opaque);
    CoroutineRun& self = *actor.self;
    share();
    actor.handle.store(handle, relaxed);
    if (!actor.stays) self.resumed(actor);
    actor.stays = false;
    const Part* part = self.program_.find(Role::coroutine, actor.number);
    while (part != nullptr && actor.at < part->ops.size()) {
      const Op& op = part->ops[actor.at++];
      if (op.verb == Verb::yield) return self.yield(actor);
      if (op.verb == Verb::move_to) return self.move(actor, self.loops_.existing(op.amount));
      share();
      self.run_op(op, actor.number);
    }
    aiosim::note("coroutine ends", actor.number);
    self.log_.add(What::suspended, actor.number);
    actor.ended.store(true, relaxed);
    self.tell_home(actor.loop.load(relaxed));
    return {};
  }

  void resumed(Actor& actor) {
    std::uint64_t seen = 0;
    {
      const UnderTestScope scope;
      seen = parts_.load(&actor.payload);
    }
    aiosim::note("coroutine entered", actor.number);
    log_.add(What::resumed, actor.number, knows_its_loop(actor), seen == actor.wakes ? 1 : 0);
  }

  int knows_its_loop(const Actor& actor) const {
    const UnderTestScope scope;
    return parts_.coroutines.is_in(loops_.at(actor.loop.load(relaxed)), actor.handle.load(relaxed));
  }

  /// Whoever wakes it must know that it has yielded: a bottom half of its loop says so.
  Step yield(Actor& actor) {
    actor.yields.fetch_add(1, relaxed);
    {
      const UnderTestScope scope;
      loops_.at(actor.loop.load(relaxed))->schedule_oneshot(on_yielded, &actor);
    }
    log_.add(What::suspended, actor.number);
    return {Step::Kind::yield, nullptr};
  }

  static void on_yielded(void* opaque) {
    const HarnessScope harness;
    auto& actor = *static_cast<Actor*>(opaque);
    CoroutineRun& self = *actor.self;
    share();
    const int loop = actor.loop.load(relaxed);
    actor.idle.store(true, relaxed);
    {
      const UnderTestScope scope;
      self.parts_.publish(&actor.turn, 2 * actor.yields.load(relaxed) + 1);
    }
    self.tell_home(loop);
  }

  Step move(Actor& actor, int loop) {
    actor.stays = loop == actor.loop.load(relaxed);
    if (!actor.stays) log_.add(What::moving, actor.number, loop);
    actor.loop.store(loop, relaxed);
    return {Step::Kind::move, loops_.at(loop)};
  }

  void tell_home(int from) {
    share();
    if (from == 0) return;
    const UnderTestScope scope;
    home_->notify();
  }

  LoopThreads loops_;
  Producers producers_;
  Log<What> log_;
  std::array<Actor, max_coroutines + 1> actors_;
  std::array<int, max_loop_threads + 1> depths_{};  // of polls, each in its thread; not home's
};

}  // namespace

std::unique_ptr<PartsRun> make_coroutine_run(const Case& program, const BackendModule& module) {
  return std::make_unique<CoroutineRun>(program, module);
}

}  // namespace properties
