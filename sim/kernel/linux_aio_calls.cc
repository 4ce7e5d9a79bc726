// io_setup(2) and its family, and the kernel's thread that completes requests.
#include <linux/aio_abi.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>

#include "kernel/linux_aio.h"
#include "kernel/state.h"

namespace aiosim::kernel {
namespace {

constexpr unsigned most_promised = 65536;  // /proc/sys/fs/aio-max-nr
constexpr unsigned processors = 4;         // of a world
constexpr std::size_t page = 4096;

/// Linux: ioctx_alloc and aio_setup_ring. 0 if that is too many.
unsigned rounded_up(unsigned most) {
  constexpr unsigned limit = 0x10000000 / sizeof(io_event);
  const std::uint64_t events = 2 * std::uint64_t{std::max(most, 4 * processors)};
  if (events > limit) return 0;
  const std::size_t pages =
      (AioContext::bytes(static_cast<unsigned>(events) + 2) + page - 1) / page;
  return static_cast<unsigned>((pages * page - AioContext::bytes(0)) / sizeof(io_event));
}

}  // namespace

void AioContexts::reset() {
  contexts_.clear();
  started_ = false;
  awaited_ns_ = -1;
}

AioContext* AioContexts::find(std::uint64_t id) const {
  for (const auto& context : contexts_) {
    if (context->id() == id && !context->dead()) return context.get();
  }
  return nullptr;
}

unsigned AioContexts::promised() const {
  unsigned sum = 0;
  for (const auto& context : contexts_) sum += context->dead() ? 0 : context->promised();
  return sum;
}

unsigned AioContexts::free_number() const {
  const auto taken = [this](unsigned number) {
    return std::any_of(contexts_.begin(), contexts_.end(), [number](const auto& context) {
      return !context->dead() && context->number() == number;
    });
  };
  unsigned number = 0;
  while (taken(number)) ++number;
  return number;
}

/// A ring that holds no more than was asked for is what the manual promises; Linux fills pages.
int AioContexts::set_up(unsigned most, AioContext*& made, const void* pc) {
  unsigned entries = rounded_up(most);
  if (entries == 0) return -EINVAL;
  if (most > most_promised - promised()) return -EAGAIN;
  if (fault::strikes(fault::PointId::io_setup_eagain)) return -EAGAIN;
  if (state_.world.choose(Kind::io_length, 2, "the ring is as small as may be") != 0) {
    entries = most + 1;
  }
  char* const memory = state_.ring_memory.take(AioContext::bytes(entries));
  if (memory == nullptr) return -EAGAIN;
  state_.world.memory.allocated(state_.thread(), memory, AioContext::bytes(entries), pc);
  contexts_.push_back(std::make_unique<AioContext>(state_, memory, free_number(), entries, most));
  made = contexts_.back().get();
  start_thread();
  return 0;
}

void AioContexts::destroy(AioContext& context, const void* pc) {
  context.die();
  state_.world.state_changed();
  while (!context.idle()) {
    state_.world.block({[](void* dying) { return static_cast<AioContext*>(dying)->idle(); },
                        &context, -1, "io_destroy", the_kernel});
  }
  context.unmap(pc);
}

void AioContexts::each_held(const std::function<void(const void*, std::size_t)>& visit) const {
  for (const auto& context : contexts_) context->each_held(visit);
}

// ---- the kernel's thread ----

void AioContexts::start_thread() {
  if (started_) return;
  started_ = true;
  runtime::Thread& thread = state_.world.spawn(run_thread, this);
  thread.harness = 1;
  thread.of_kernel = true;
  std::strcpy(thread.name, "kernel");
  state_.signals.block_all(thread.id);
}

std::int64_t AioContexts::next_due_ns() const {
  std::int64_t next = -1;
  for (const auto& context : contexts_) {
    const std::int64_t due = context->next_due_ns();
    if (due >= 0 && (next < 0 || due < next)) next = due;
  }
  return next;
}

/// A predicate: something is due, or will be at another time than was thought.
bool AioContexts::goes_on(void* self) {
  const auto& contexts = *static_cast<AioContexts*>(self);
  const std::int64_t due = contexts.next_due_ns();
  return due != contexts.awaited_ns_ || (due >= 0 && due <= contexts.state_.world.now_ns());
}

void* AioContexts::run_thread(void* self) { static_cast<AioContexts*>(self)->run(); }

void AioContexts::run() {
  runtime::World& world = state_.world;
  for (;;) {
    awaited_ns_ = next_due_ns();
    world.block({goes_on, this, awaited_ns_, "what it is asked", the_kernel});
    world.point("aio completion", the_kernel, nullptr);
    state_.timers.advance();
    for (std::size_t i = 0; i < contexts_.size(); ++i) {
      const std::int64_t due = contexts_[i]->next_due_ns();
      if (due < 0 || due > world.now_ns()) continue;
      contexts_[i]->complete_one();
      break;
    }
  }
}

// ---- the calls ----

int Kernel::io_setup(unsigned most, unsigned long* id, const void* pc) {
  State& k = *state_;
  k.enter("io_setup", {}, pc);
  const auto done = [&](int result) { return k.leave("io_setup", -1, result, pc, most); };
  k.world.memory.plain_read(k.thread(), id, sizeof *id, pc);
  if (*id != 0 || most == 0) return done(-EINVAL);
  AioContext* made = nullptr;
  const int result = k.aio.set_up(most, made, pc);
  if (made != nullptr) {
    k.world.memory.plain_write(k.thread(), id, sizeof *id, pc);
    *id = made->id();
  }
  return done(result);
}

int Kernel::io_destroy(unsigned long id, const void* pc) {
  State& k = *state_;
  k.enter("io_destroy", {}, pc);
  AioContext* const context = k.aio.find(id);
  if (context != nullptr) k.aio.destroy(*context, pc);
  return k.leave("io_destroy", -1, context != nullptr ? 0 : -EINVAL, pc);
}

long Kernel::io_submit(unsigned long id, long count, iocb** blocks, const void* pc) {
  State& k = *state_;
  k.enter("io_submit", {}, pc);
  const auto done = [&](long result) { return k.leave("io_submit", -1, result, pc, count); };
  AioContext* const context = k.aio.find(id);
  if (context == nullptr || count < 0) return done(-EINVAL);
  count = std::min(count, static_cast<long>(context->entries()));
  long taken = 0;
  int error = 0;
  while (taken < count) {
    k.world.memory.plain_read(k.thread(), blocks + taken, sizeof *blocks, pc);
    error = context->submit(*blocks[taken], pc);
    if (error != 0) break;
    ++taken;
  }
  return done(taken > 0 ? taken : error);
}

namespace {

struct Wait {
  const AioContext* context;
  unsigned wanted;
};

bool has_enough(void* data) {
  const auto& wait = *static_cast<Wait*>(data);
  return wait.context->dead() || wait.context->unseen() >= wait.wanted;
}

long get_events(State& k, std::uint64_t id, long least, long most, io_event* events,
                std::int64_t timeout_ns, const void* pc) {
  k.enter("io_getevents", {}, pc);
  const auto done = [&](long result) { return k.leave("io_getevents", -1, result, pc, least); };
  AioContext* const context = k.aio.find(id);
  if (context == nullptr || least < 0 || least > most) return done(-EINVAL);
  const std::int64_t deadline_ns = deadline_after(k.world.now_ns(), timeout_ns);
  long taken = context->take(most, events, pc);
  while (taken < least && timeout_ns != 0) {
    Wait wait{context, static_cast<unsigned>(least - taken)};
    const int woken = k.wait_for_signal("io_getevents", {}, deadline_ns, has_enough, &wait);
    if (context->dead()) return done(taken > 0 ? taken : -EINVAL);
    taken += context->take(most - taken, events + taken, pc);
    if (woken == -EINTR && taken == 0) return done(-EINTR);
    if (woken != 0) break;
  }
  k.world.state_changed();
  return done(taken);
}

}  // namespace

long Kernel::io_getevents(unsigned long id, long least, long most, io_event* events,
                          std::int64_t timeout_ns, const void* pc) {
  return state_->signals.repeat(
      false, [&] { return get_events(*state_, id, least, most, events, timeout_ns, pc); });
}

/// Linux cancels what said how: IOCB_CMD_POLL alone, which is not simulated. All else is EINVAL.
int Kernel::io_cancel(const iocb* block, const void* pc) {
  State& k = *state_;
  k.enter("io_cancel", {}, pc);
  k.world.memory.plain_read(k.thread(), &block->aio_key, sizeof block->aio_key, pc);
  return k.leave("io_cancel", -1, -EINVAL, pc);
}

}  // namespace aiosim::kernel
