// Who can run, and in what order the chooser is asked.
#include <algorithm>
#include <array>
#include <bit>
#include <limits>

#include "kernel/kernel.h"
#include "runtime/world.h"

namespace aiosim::runtime {

bool World::wait_is_over(Thread& thread) {
  if (thread.interrupt_ns >= 0 && now_ns_ >= thread.interrupt_ns) return true;
  if (thread.wait.deadline_ns >= 0 && now_ns_ >= thread.wait.deadline_ns) return true;
  if (thread.checked_version != state_version_ || thread.spins || thread.unseen) {
    thread.checked_version = state_version_;
    thread.ready = thread.wait.ready(thread.wait.data);
  }
  return thread.ready;
}

// The state of nobody has changed: what was found holds until it does, or the next deadline.
void World::find_runnable() {
  for (;;) {
    if (timers_version_ != state_version_) {
      timers_version_ = state_version_;
      timers_due_ns_ = kernel->next_deadline_ns();
    }
    if (timers_due_ns_ >= 0 && now_ns_ >= timers_due_ns_) {
      touch({ObjectType::kernel, 0}, true);
      state_changed();
      timers_version_ = state_version_;
      timers_due_ns_ = -1;
    }
    constexpr std::int64_t never = std::numeric_limits<std::int64_t>::max();
    std::uint32_t threads = 0;
    runnable_until_ns_ = timers_due_ns_ >= 0 ? timers_due_ns_ : never;
    for (Thread* thread : threads_) {
      if (runnable(*thread)) {
        threads |= 1U << thread->id;
      } else if (thread->state == Thread::State::blocked) {
        for (const std::int64_t due : {thread->wait.deadline_ns, thread->interrupt_ns}) {
          if (due >= 0) runnable_until_ns_ = std::min(runnable_until_ns_, due);
        }
      }
      // What these wait for comes, and goes to others, without notice.
      if (thread->spins || thread->unseen) runnable_until_ns_ = 0;
    }
    set_runnable(threads);
    if (threads != 0) return;
    let_time_jump();
  }
}

// What is known of the others stays right.
void World::not_runnable(const Thread& me) {
  if (me.spins || me.signal_ready || me.checked_version != state_version_) {
    runnable_until_ns_ = 0;
    return;
  }
  set_runnable(runnable_ & ~(1U << me.id));
  if (runnable_ == 0) runnable_until_ns_ = 0;  // time is to move
  for (const std::int64_t due : {me.wait.deadline_ns, me.interrupt_ns}) {
    if (due >= 0) runnable_until_ns_ = std::min(runnable_until_ns_, due);
  }
}

namespace {

std::uint32_t* list_bits(std::uint32_t threads, std::uint32_t* at) {
  for (; threads != 0; threads &= threads - 1) {
    *at++ = static_cast<std::uint32_t>(std::countr_zero(threads));
  }
  return at;
}

/// The same for each set of the first four threads, made by the compiler: a loop that ends sooner
/// or later is a branch that nobody foresees.
constexpr std::uint32_t few = 4;
struct FewBits {
  std::array<std::uint32_t, few> threads;
  std::uint32_t count;
};
constexpr auto few_bits = [] {
  std::array<FewBits, 1U << few> all{};
  for (std::uint32_t set = 0; set < all.size(); ++set) {
    for (std::uint32_t i = 0; i < few; ++i) {
      if ((set >> i & 1) != 0) all[set].threads[all[set].count++] = i;
    }
  }
  return all;
}();

std::uint32_t* add_bits(std::uint32_t threads, std::uint32_t* at) {
  if (threads >= few_bits.size()) return list_bits(threads, at);
  const FewBits& listed = few_bits[threads];
  std::copy_n(listed.threads.begin(), few, at);  // there is room for more
  return at + listed.count;
}

}  // namespace

// Canonical order: the current thread first, then by creation index; a thread that gave way comes
// last, so that the dull answer lets the next one run.
void World::find_candidates(Thread& me) {
  if (now_ns_ >= runnable_until_ns_) find_runnable();
  const std::uint32_t mine = runnable_ & (1U << me.id);
  std::uint32_t* end = me.candidates.data();
  if (me.yielded) [[unlikely]] {
    const std::uint32_t after = runnable_ & ~mine & (~0U << me.id);
    end = list_bits(after, end);
    end = list_bits(runnable_ & ~mine & ~after, end);
    end = list_bits(mine, end);
  } else {
    *end = me.id;
    end = add_bits(runnable_ & ~mine, end + (mine != 0));
  }
  const auto n = static_cast<std::uint32_t>(end - me.candidates.data());
  // Not to be used again after it gave way.
  me.listed_version = me.yielded ? 0 : runnable_version_;
  Question& question = me.who_runs;
  me.asks = n > 1 || watch_ == Watch::transitions;
  question.answers = n;
  question.threads = {me.candidates.data(), n};
  question.current_enabled = me.candidates[0] == me.id;
  question.yielded = me.yielded;
  me.dull_who_runs = word_of(question);
}

}  // namespace aiosim::runtime
