#include "runtime/sync_objects.h"

#include <algorithm>

#include "runtime/heap.h"

namespace aiosim::runtime {
namespace {

constexpr std::size_t first_word = 4;  // of a lock, ... in memory: what stands for all of it

}  // namespace

void SyncObjects::reset() {
  if (used_ == 0) return;
  used_ = 0;
  for (auto& table : by_number_) table.clear();
  waits_at_.fill(nullptr);
}

SyncObject& SyncObjects::look_up(ObjectType type, const void* address) {
  const RuntimeScope scope;
  const std::uint32_t number = world().object_number(type, address);
  auto& table = by_number_[static_cast<std::size_t>(type)];
  if (table.size() <= number) table.resize(number + 1, nullptr);
  if (table[number] == nullptr) {
    if (used_ == objects_.size()) objects_.emplace_back();
    SyncObject& fresh = objects_[used_++];
    fresh.name = {type, number};
    fresh.seen = false;
    fresh.owner = SyncObject::nobody;
    fresh.taken_at = nullptr;
    fresh.count = 0;
    fresh.done = false;
    fresh.message.clock.clear();
    fresh.message.fence = 0;
    fresh.from_readers.clock.clear();
    fresh.from_readers.fence = 0;
    fresh.readers.clear();
    fresh.writers.clear();
    fresh.waiters.clear();
    table[number] = &fresh;
  }
  return *table[number];
}

void SyncObjects::forget(ObjectType type, const void* address, const char* how, const void* pc) {
  const RuntimeScope scope;
  World& w = world();
  const SyncObject& object = look_up(type, address);
  if (!object.seen) return;
  const std::string what = describe(object.name) + ' ' + how + " at " + w.describe_pc(pc);
  if (object.held()) {
    w.fail(VerdictKind::crash, what + " while it is held by " + holders(object));
  }
  for (std::uint32_t id = 0; id < w.thread_count(); ++id) {
    const Thread& thread = w.thread(id);
    const Object waited = thread.wait.object;
    if (thread.state != Thread::State::blocked || waited.type != type) continue;
    if (waited.number != object.name.number) continue;
    // A condition may go once its waiters are woken, although they have not run since.
    const auto& waiters = object.waiters;
    const bool woken = type == ObjectType::condition || type == ObjectType::barrier;
    const auto mine = [&](const Waiter* waiter) { return waiter->thread == id; };
    if (woken && std::none_of(waiters.begin(), waiters.end(), mine)) continue;
    if (type == ObjectType::semaphore && thread.wait.ready(thread.wait.data)) continue;
    w.fail(VerdictKind::crash, what + " while " + std::string(thread.name) + " waits for it");
  }
  w.touch(object.name, true);
  w.forget_object(type, address);
}

// To make or destroy one is to write to it: no use may be concurrent.
void SyncObjects::make(ObjectType type, void* address, const void* pc) {
  const RuntimeScope scope;
  forget(type, address, "is made anew", pc);
  world().memory.plain_write(g_current->id, address, first_word, pc);
}

void SyncObjects::destroy(ObjectType type, void* address, const char* operation, const void* pc) {
  const RuntimeScope scope;
  World& w = world();
  const Object name = look_up(type, address).name;
  w.point(operation, name, pc);
  forget(type, address, "is destroyed", pc);
  w.memory.plain_write(g_current->id, address, first_word, pc);
  w.record(operation, name, 0, 0, pc);
}

const SyncObject* SyncObjects::find(Object name) const {
  const auto& table = by_number_[static_cast<std::size_t>(name.type)];
  return name.number < table.size() ? table[name.number] : nullptr;
}

Wake SyncObjects::block(const SyncObject& object, const Wait& wait, const void* pc) {
  const std::uint32_t thread = world().self().id;
  Wait named = wait;
  named.object = object.name;
  waits_at_[thread] = pc;
  const Wake wake = world().block(named);
  waits_at_[thread] = nullptr;
  return wake;
}

void SyncObjects::point_before(const SyncObject& object, const Wait& wait, const void* pc) {
  const std::uint32_t thread = world().self().id;
  Wait named = wait;
  named.object = object.name;
  waits_at_[thread] = pc;
  world().point_before(named, pc, {World::id_of(object.name), true});
  waits_at_[thread] = nullptr;
}

SyncObjects& sync_objects() {
  static auto* objects = new SyncObjects;
  return *objects;
}

std::string holders(const SyncObject& object) {
  World& w = world();
  std::string text;
  const auto add = [&](std::uint32_t id, const void* pc) {
    const Thread& thread = w.thread(id);
    if (!text.empty()) text += " and ";
    text += thread.name;
    if (pc != nullptr) text += " (locked at " + w.describe_pc(pc) + ')';
    if (thread.state == Thread::State::finished) text += ", which has ended";
  };
  if (object.owner != SyncObject::nobody) add(object.owner, object.taken_at);
  for (const Holder& reader : object.readers) add(reader.thread, reader.pc);
  return text;
}

void use_memory(const void* object, const void* pc) {
  const RuntimeScope scope;
  world().memory.plain_read(g_current->id, object, first_word, pc);
}

void misuse(const std::string& what, const void* pc) {
  const RuntimeScope scope;
  World& w = world();
  w.fail(VerdictKind::crash, std::string(w.self().name) + ' ' + what + ", at " + w.describe_pc(pc));
}

}  // namespace aiosim::runtime
