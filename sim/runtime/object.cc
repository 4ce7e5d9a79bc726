#include "runtime/object.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>

#include "aiosim/choice.h"

namespace aiosim::runtime {
namespace {

constexpr std::array<std::string_view, static_cast<std::size_t>(ObjectType::count_)> type_names = {
    "",     "atomic", "fd",    "mutex",  "condition", "semaphore", "rwlock",
    "once", "guard",  "futex", "thread", "clock",     "heap",      "barrier",
    "spinlock",
    "the kernel",     "the order of seq_cst", "the harness"};

}  // namespace

std::string describe(Object object) {
  if (object.type == ObjectType::none) return {};
  using enum ObjectType;
  if (object.type == clock || object.type == heap || object.type >= kernel) {
    return std::string(type_names[static_cast<std::size_t>(object.type)]);
  }
  const std::string_view type = type_names[static_cast<std::size_t>(object.type)];
  std::array<char, 32> text;
  char* end = std::copy(type.begin(), type.end(), text.begin());
  *end++ = ' ';
  end = std::to_chars(end, text.end(), object.number).ptr;
  return {text.begin(), end};
}

ObjectNumbers::ObjectNumbers() : slots_(256) {}

void ObjectNumbers::reset() {
  ++generation_;
  used_ = 0;
  std::fill(std::begin(next_), std::end(next_), 0u);
}

ObjectNumbers::Slot& ObjectNumbers::slot(ObjectType type, const void* address) {
  const std::size_t mask = slots_.size() - 1;
  std::size_t i = mix64(reinterpret_cast<std::uintptr_t>(address) +
                        static_cast<std::uintptr_t>(type)) & mask;
  while (slots_[i].generation == generation_ &&
         (slots_[i].address != address || slots_[i].type != type)) {
    i = (i + 1) & mask;
  }
  return slots_[i];
}

void ObjectNumbers::grow() {
  std::vector<Slot> old(slots_.size() * 2);
  old.swap(slots_);
  for (const Slot& s : old) {
    if (s.generation == generation_) slot(s.type, s.address) = s;
  }
}

std::uint32_t ObjectNumbers::number(ObjectType type, const void* address) {
  Slot* s = &slot(type, address);
  if (s->generation != generation_) {
    if (++used_ * 2 > slots_.size()) {
      grow();
      s = &slot(type, address);
    }
    *s = {generation_, address, type, 0};
  }
  if (s->number == 0) s->number = ++next_[static_cast<std::size_t>(type)];
  return s->number;
}

void ObjectNumbers::forget(ObjectType type, const void* address) {
  Slot& s = slot(type, address);
  if (s.generation == generation_) s.number = 0;
}

}  // namespace aiosim::runtime
