// memcpy, memmove and memset: plain accesses to ranges when code under test calls them.
//
// Everybody in the process comes through here, the dynamic linker's first calls included: nothing
// may be relied on but the code itself. The real functions are taken when libaiosim.so is
// initialised; before that a string instruction does.
#include <dlfcn.h>

#include <cstddef>

#include "runtime/heap.h"
#include "runtime/live_frames.h"
#include "runtime/world.h"

namespace aiosim::runtime {

namespace {

using Copy = void* (*)(void*, const void*, std::size_t);
using Fill = void* (*)(void*, int, std::size_t);

Copy real_memcpy = nullptr;
Copy real_memmove = nullptr;
Fill real_memset = nullptr;

__attribute__((constructor)) void take_real() {
  real_memcpy = reinterpret_cast<Copy>(dlsym(RTLD_NEXT, "memcpy"));
  real_memmove = reinterpret_cast<Copy>(dlsym(RTLD_NEXT, "memmove"));
  real_memset = reinterpret_cast<Fill>(dlsym(RTLD_NEXT, "memset"));
}

void* copy_up(void* to, const void* from, std::size_t size) {
  void* at = to;
  asm volatile("rep movsb" : "+D"(at), "+S"(from), "+c"(size) : : "memory");
  return to;
}

void* copy_down(void* to, const void* from, std::size_t size) {
  void* at = static_cast<char*>(to) + size - 1;
  const void* last = static_cast<const char*>(from) + size - 1;
  asm volatile("std; rep movsb; cld" : "+D"(at), "+S"(last), "+c"(size) : : "memory");
  return to;
}

/// The runtime's own calls on a simulated thread are nobody's accesses.
bool checked(const void* caller) {
  return under_test() && !is_runtime(caller) && !is_host_library(caller);
}

void check_copy(void* to, const void* from, std::size_t size, const void* pc,
                const void* stack_pointer) {
  if (in_stack(from)) check_frame(from, size, "read", pc, stack_pointer);
  if (in_stack(to)) check_frame(to, size, "write", pc, stack_pointer);
  const RuntimeScope scope;
  World& w = world();
  w.memory.plain_read(g_current->id, from, size, pc);
  w.memory.plain_write(g_current->id, to, size, pc);
}

void check_fill(void* to, std::size_t size, const void* pc, const void* stack_pointer) {
  if (in_stack(to)) check_frame(to, size, "write", pc, stack_pointer);
  const RuntimeScope scope;
  world().memory.plain_write(g_current->id, to, size, pc);
}

}  // namespace

}  // namespace aiosim::runtime

using namespace aiosim::runtime;

#define AIOSIM_HOOK __builtin_return_address(0), __builtin_dwarf_cfa()

extern "C" {

void* memcpy(void* to, const void* from, std::size_t size) noexcept {
  if (checked(__builtin_return_address(0))) [[unlikely]] {
    check_copy(to, from, size, AIOSIM_HOOK);
  }
  return real_memcpy != nullptr ? real_memcpy(to, from, size) : copy_up(to, from, size);
}

void* memmove(void* to, const void* from, std::size_t size) noexcept {
  if (checked(__builtin_return_address(0))) [[unlikely]] {
    check_copy(to, from, size, AIOSIM_HOOK);
  }
  if (real_memmove != nullptr) return real_memmove(to, from, size);
  return to <= from ? copy_up(to, from, size) : copy_down(to, from, size);
}

void* memset(void* to, int value, std::size_t size) noexcept {
  if (checked(__builtin_return_address(0))) [[unlikely]] {
    check_fill(to, size, AIOSIM_HOOK);
  }
  if (real_memset != nullptr) return real_memset(to, value, size);
  void* at = to;
  asm volatile("rep stosb" : "+D"(at), "+c"(size) : "a"(value) : "memory");
  return to;
}

// Clang calls these for the copies of instrumented code.
void* __tsan_memcpy(void* to, const void* from, std::size_t size) noexcept {
  if (under_test()) check_copy(to, from, size, AIOSIM_HOOK);
  return real_memcpy != nullptr ? real_memcpy(to, from, size) : copy_up(to, from, size);
}

void* __tsan_memmove(void* to, const void* from, std::size_t size) noexcept {
  if (under_test()) check_copy(to, from, size, AIOSIM_HOOK);
  if (real_memmove != nullptr) return real_memmove(to, from, size);
  return to <= from ? copy_up(to, from, size) : copy_down(to, from, size);
}

void* __tsan_memset(void* to, int value, std::size_t size) noexcept {
  if (under_test()) check_fill(to, size, AIOSIM_HOOK);
  if (real_memset != nullptr) return real_memset(to, value, size);
  void* at = to;
  asm volatile("rep stosb" : "+D"(at), "+c"(size) : "a"(value) : "memory");
  return to;
}

}  // extern "C"
