// What a world says: the hash of its events, on demand the events themselves, and what a thread
// waits for.
#include "runtime/heap.h"
#include "runtime/world.h"

namespace aiosim::runtime {

void World::record(const char* operation, Object object, std::int64_t a, std::int64_t b,
                   const void* pc, std::string detail) {
  mix_event(operation, object, a, b);
  if (tracing()) trace(operation, object, a, b, pc, std::move(detail));
}

void World::trace(const char* operation, Object object, std::int64_t a, std::int64_t b,
                  const void* pc, std::string detail) {
  Thread& me = *g_current;
  ++me.harness;
  trace_.push_back(
      {step_, now_ns_, me.id, operation, describe(object), a, b, std::move(detail), pc});
  --me.harness;
}

void World::trace_choice(const RawChoice& choice) {
  std::string detail = std::string(name(choice.key.kind)) + ' ' +
                       std::to_string(choice.key.number) + " -> " + std::to_string(choice.value) +
                       " of " + std::to_string(choice.answers);
  if (choice.key.kind == Kind::sched) {
    const Thread& asked = *threads_[choice.key.thread];
    detail += ", " + std::string(threads_[asked.candidates[choice.value]]->name) + " runs";
  }
  trace_.push_back({step_, now_ns_, choice.key.thread, "choice", describe(choice.site.object), 0,
                    0, std::move(detail), choice.site.pc});
}

void World::hear(const char* text, std::size_t size) {
  const RuntimeScope scope;
  constexpr std::size_t most = 1024;
  last_words_.append(text, std::min(size, most - std::min(most, last_words_.size())));
  while (!last_words_.empty() && last_words_.back() == '\n') last_words_.pop_back();
}

std::uint32_t World::object_number(ObjectType type, const void* address) {
  const RuntimeScope scope;
  return numbers_.number(type, address);
}

void World::forget_object(ObjectType type, const void* address) { numbers_.forget(type, address); }

std::string World::describe_wait(const Thread& thread) {
  std::string text = thread.wait.operation;
  const std::string object = describe(thread.wait.object);
  if (!object.empty()) text += " of " + object;
  if (thread.wait.deadline_ns >= 0) {
    text += " until " + std::to_string(thread.wait.deadline_ns - world_start_ns) + " ns";
  }
  return text;
}

}  // namespace aiosim::runtime
