#include "kernel/futex.h"

#include <algorithm>
#include <cerrno>

#include "kernel/state.h"

namespace aiosim::kernel {

Futexes::Sleeper& Futexes::enqueue(const std::uint32_t* word, std::uint32_t bitset) {
  const std::uint32_t thread = world_.self().id;
  Sleeper& sleeper = sleepers_[thread];
  sleeper.word = word;
  sleeper.bitset = bitset;
  sleeper.woken = false;
  sleeper.from_waker = {};
  queue_.push_back(thread);
  return sleeper;
}

void Futexes::dequeue() { std::erase(queue_, world_.self().id); }

bool Futexes::matches(std::uint32_t thread, const std::uint32_t* word, std::uint32_t bitset) const {
  return sleepers_[thread].word == word && (sleepers_[thread].bitset & bitset) != 0;
}

int Futexes::wake(const std::uint32_t* word, int count, std::uint32_t bitset) {
  const auto matching = [&](std::uint32_t thread) { return matches(thread, word, bitset); };
  auto asleep = static_cast<std::uint32_t>(std::count_if(queue_.begin(), queue_.end(), matching));
  int woken = 0;
  while (asleep > 0 && woken < std::max(count, 1)) {  // Linux wakes one even for a count of 0
    // Nothing to choose once everybody gets woken.
    const bool all = static_cast<std::uint32_t>(count - woken) >= asleep;
    std::uint32_t pick = world_.choose(Kind::wake, all ? 1 : asleep);
    auto chosen = std::find_if(queue_.begin(), queue_.end(), matching);
    for (; pick > 0; --pick) chosen = std::find_if(chosen + 1, queue_.end(), matching);
    Sleeper& sleeper = sleepers_[*chosen];
    sleeper.woken = true;
    world_.memory.release(world_.self().id, sleeper.from_waker);
    queue_.erase(chosen);
    --asleep;
    ++woken;
  }
  if (woken > 0) world_.state_changed();
  return woken;
}

namespace {

runtime::Object futex_object(runtime::World& world, const std::uint32_t* word) {
  using runtime::ObjectType;
  return {ObjectType::futex, world.object_number(ObjectType::futex, word)};
}

bool misaligned(const std::uint32_t* word) {
  return reinterpret_cast<std::uintptr_t>(word) % alignof(std::uint32_t) != 0;
}

bool was_woken(void* sleeper) { return static_cast<Futexes::Sleeper*>(sleeper)->woken; }

int futex_wait_once(State& k, std::uint32_t* word, std::uint32_t expected, std::int64_t deadline_ns,
                    std::uint32_t bitset, const void* pc) {
  runtime::World& world = k.world;
  const runtime::Object object = futex_object(world, word);
  k.enter("futex_wait", object, pc);
  const auto done = [&](int result) {
    world.record("futex_wait", object, result, expected, pc,
                 world.tracing() && result < 0 ? strerrorname_np(-result) : "");
    k.signals.leave(result);
    return result;
  };
  if (misaligned(word) || bitset == 0) return done(-EINVAL);
  world.touch(object, true);
  world.touch({runtime::ObjectType::atomic, world.memory.object_of(word, sizeof *word)}, false);
  // Real memory holds the newest store, which is what the kernel's ordered read sees.
  if (__atomic_load_n(word, __ATOMIC_RELAXED) != expected) return done(-EAGAIN);

  const bool spurious = fault::strikes(fault::PointId::futex_spurious);
  Futexes::Sleeper& sleeper = k.futexes.enqueue(word, bitset);
  runtime::Wait wait{was_woken, &sleeper, deadline_ns, "futex_wait", object, spurious};
  wait.interruptible = spurious || fault::strikes(fault::PointId::futex_eintr);
  wait.signals_end = true;
  const runtime::Wake wake = world.block(wait);
  if (sleeper.woken) {
    k.acquire(sleeper.from_waker);
    return done(0);
  }
  k.futexes.dequeue();
  if (wake == runtime::Wake::timeout) return done(-ETIMEDOUT);
  return done(!k.signals.interrupts() && spurious ? 0 : -EINTR);
}

}  // namespace

int Kernel::futex_wait(std::uint32_t* word, std::uint32_t expected, std::int64_t deadline_ns,
                       std::uint32_t bitset, const void* pc) {
  return state_->signals.repeat(deadline_ns < 0, [&] {
    return futex_wait_once(*state_, word, expected, deadline_ns, bitset, pc);
  });
}

int Kernel::futex_wake(std::uint32_t* word, int count, std::uint32_t bitset, const void* pc) {
  State& k = *state_;
  const runtime::Object object = futex_object(k.world, word);
  k.enter("futex_wake", object, pc);
  k.world.touch(object, true);
  const int result =
      misaligned(word) || bitset == 0 ? -EINVAL : k.futexes.wake(word, count, bitset);
  k.world.record("futex_wake", object, result, count, pc);
  k.signals.leave(result);
  return result;
}

}  // namespace aiosim::kernel
