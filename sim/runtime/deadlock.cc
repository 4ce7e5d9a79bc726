// Why nobody can run: who waits for what, who holds it and since where, and who wait for each
// other in a circle.
#include <algorithm>
#include <vector>

#include "runtime/sync_objects.h"
#include "runtime/world.h"

namespace aiosim::runtime {
namespace {

using Ids = std::vector<std::uint32_t>;

bool waits_for_end(const Thread& thread) { return thread.wait.object.type == ObjectType::thread; }

/// The threads without which `thread` cannot go on.
Ids blockers(World& w, std::uint32_t id) {
  const Thread& thread = w.thread(id);
  if (thread.state != Thread::State::blocked) return {};
  if (waits_for_end(thread)) return {thread.wait.object.number};
  const SyncObject* object = sync_objects().find(thread.wait.object);
  if (object == nullptr) return {};
  Ids ids;
  const bool writes = std::find(object->writers.begin(), object->writers.end(), id) !=
                      object->writers.end();
  if (object->owner == SyncObject::nobody && !writes && !object->writers.empty()) {
    return object->writers;  // a reader lets them go first
  }
  if (object->owner != SyncObject::nobody) ids.push_back(object->owner);
  for (const Holder& reader : object->readers) ids.push_back(reader.thread);
  return ids;
}

/// Extends `path` to a circle, depth first; what is not on it is left out.
bool find_circle(World& w, Ids& path, std::vector<bool>& visited) {
  for (const std::uint32_t next : blockers(w, path.back())) {
    const auto seen = std::find(path.begin(), path.end(), next);
    if (seen != path.end()) {
      path.erase(path.begin(), seen);
      return true;
    }
    if (visited[next]) continue;
    visited[next] = true;
    path.push_back(next);
    if (find_circle(w, path, visited)) return true;
    path.pop_back();
  }
  return false;
}

std::string describe_circle(World& w) {
  std::vector<bool> visited(w.thread_count(), false);
  for (std::uint32_t id = 0; id < w.thread_count(); ++id) {
    if (visited[id]) continue;
    visited[id] = true;
    Ids path{id};
    if (!find_circle(w, path, visited)) continue;
    if (path.size() == 1) return std::string(w.thread(path[0]).name) + " waits for itself";
    std::string text;
    for (std::size_t i = 0; i < path.size(); ++i) {
      if (i > 0) text += i + 1 < path.size() ? ", " : " and ";
      text += w.thread(path[i]).name;
    }
    return text + " wait for each other";
  }
  return {};
}

std::string describe_holder(const SyncObject& object) {
  using enum ObjectType;
  if (object.name.type == barrier) {
    return ", where " + std::to_string(object.waiters.size()) + " of " +
           std::to_string(object.count) + " wait";
  }
  if (!object.held()) return {};
  if (object.name.type == guard || object.name.type == once) {
    return ", being initialised by " + holders(object);
  }
  const bool reading = object.owner == SyncObject::nobody;
  return (reading ? ", held for reading by " : ", held by ") + holders(object);
}

}  // namespace

void World::report_deadlock() {
  ++g_current->harness;
  std::string text = "nobody can ever run again:";
  // First, since what a finding is named for is cut short.
  const std::string circle = describe_circle(*this);
  if (!circle.empty()) text += ' ' + circle + ';';
  for (const Thread* thread : threads_) {
    if (thread->state != Thread::State::blocked || thread->of_kernel) continue;
    text += ' ' + std::string(thread->name) + " waits in ";
    if (waits_for_end(*thread)) {
      text += "thread join of " + std::string(this->thread(thread->wait.object.number).name);
    } else {
      text += describe_wait(*thread);
    }
    if (const void* pc = sync_objects().waits_at(thread->id)) text += " at " + describe_pc(pc);
    const SyncObject* object = sync_objects().find(thread->wait.object);
    if (object != nullptr) text += describe_holder(*object);
    text += ';';
  }
  text.pop_back();
  fail(VerdictKind::deadlock, std::move(text));
}

}  // namespace aiosim::runtime
