#include "runtime/sync_objects.h"

#include "runtime/heap.h"
#include "runtime/world.h"

namespace aiosim::runtime {

void SyncObjects::reset() {
  used_ = 0;
  for (auto& table : by_number_) table.clear();
}

SyncObject& SyncObjects::at(ObjectType type, const void* address) {
  const RuntimeScope scope;
  const std::uint32_t number = world().object_number(type, address);
  auto& table = by_number_[static_cast<std::size_t>(type)];
  if (table.size() <= number) table.resize(number + 1, nullptr);
  if (table[number] == nullptr) {
    if (used_ == objects_.size()) objects_.emplace_back();
    SyncObject& fresh = objects_[used_++];
    fresh.name = {type, number};
    fresh.owner = SyncObject::nobody;
    fresh.count = 0;
    fresh.done = false;
    fresh.message.clock.clear();
    fresh.message.fence = 0;
    fresh.waiters.clear();
    table[number] = &fresh;
  }
  return *table[number];
}

void SyncObjects::forget(ObjectType type, const void* address) {
  world().forget_object(type, address);
}

SyncObjects& sync_objects() {
  static auto* objects = new SyncObjects;
  return *objects;
}

}  // namespace aiosim::runtime
