// malloc and its relatives, operator new among them (so that a block is known by the code that
// asked for it, not by libstdc++'s). Code under test allocates in the run's arena; everybody else,
// and libc itself, on the host. Who frees does not matter: the address says whose a block is.
#include <malloc.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string>

#include "runtime/heap.h"
#include "runtime/real.h"
#include "runtime/world.h"

extern "C" {
void* __libc_malloc(std::size_t) noexcept;
void* __libc_calloc(std::size_t, std::size_t) noexcept;
void* __libc_realloc(void*, std::size_t) noexcept;
void* __libc_memalign(std::size_t, std::size_t) noexcept;
void __libc_free(void*) noexcept;
}

namespace aiosim::runtime {

namespace {

// Early in a process, before libaiosim.so is initialised, g_current is null and the host serves.
bool in_arena(const void* caller) {
  return under_test() && !is_host_library(caller) && !is_runtime(caller);
}

void* allocate(std::size_t size, std::size_t alignment, const void* pc) {
  Thread& self = *g_current;
  void* const at = heap_allocate(size, alignment, self.id, pc);
  if (at == nullptr) {
    errno = ENOMEM;
    return nullptr;
  }
  world().memory.allocated(self.id, at, size, pc);
  return at;
}

[[noreturn]] void bad_free(HeapState state, const void* pc) {
  World& w = world();
  const std::string where =
      " by thread " + std::to_string(g_current->id) + " at " + w.describe_pc(pc);
  if (state == HeapState::freed) {
    w.fail(VerdictKind::double_free, "free of a block that was freed before" + where);
  }
  w.fail(VerdictKind::double_free, "free of an address that is no block" + where);
}

/// Of a block of the arena, by anybody.
void release(void* at, const void* pc) {
  std::size_t size = 0;
  const HeapState state = heap_state(at, size);
  if (g_current == nullptr) {
    // The run is over: the block went with it, or will at the next reset.
    if (state == HeapState::live) heap_mark_freed(at);
    return;
  }
  const bool checked = under_test();
  const RuntimeScope scope;
  if (state != HeapState::live) bad_free(state, pc);
  World& w = world();
  if (checked) {
    w.memory.freed(g_current->id, at, size, pc);
  } else {
    w.memory.discarded(g_current->id, at, size, pc);
  }
  heap_mark_freed(at);
}

void give_back(void* at, const void* pc) {
  if (heap_owns(at)) {
    release(at, pc);
  } else {
    __libc_free(at);
  }
}

std::size_t usable_size(void* at) {
  if (at == nullptr) return 0;
  if (!heap_owns(at)) return AIOSIM_REAL(malloc_usable_size)(at);
  std::size_t size = 0;
  heap_state(at, size);
  return size;
}

void* zeroed(std::size_t size, const void* pc) {
  void* const at = allocate(size, 1, pc);
  // The arena is zero. For the model somebody must have written it.
  if (at != nullptr) {
    const RuntimeScope scope;
    world().memory.plain_write(g_current->id, at, size, pc);
  }
  return at;
}

// A block always moves: whoever still holds the old address is found.
void* move(void* old, std::size_t size, const void* caller) {
  const bool arena = in_arena(caller);
  if (!arena && !heap_owns(old)) return __libc_realloc(old, size);
  if (old != nullptr && heap_owns(old)) {
    std::size_t ignored;
    const HeapState state = heap_state(old, ignored);
    if (state != HeapState::live && g_current != nullptr) {
      const RuntimeScope scope;
      bad_free(state, caller);
    }
  }
  const std::size_t old_size = usable_size(old);
  void* const at = arena ? allocate(size, 1, caller) : __libc_malloc(size);
  if (at == nullptr) return nullptr;
  const std::size_t copied = old_size < size ? old_size : size;
  if (arena && copied != 0) {
    const RuntimeScope scope;
    world().memory.plain_write(g_current->id, at, copied, caller);
  }
  if (copied != 0) std::memcpy(at, old, copied);
  give_back(old, caller);
  return at;
}

void* allocate_for_new(std::size_t size, std::size_t alignment, const void* pc) noexcept {
  if (in_arena(pc)) return allocate(size, alignment, pc);
  return alignment <= 16 ? __libc_malloc(size) : __libc_memalign(alignment, size);
}

// Throws like any operator new. (That of libstdc++ also asks a new-handler: there is none here.)
void* allocate_or_throw(std::size_t size, std::size_t alignment, const void* pc) {
  void* const at = allocate_for_new(size, alignment, pc);
  if (at == nullptr) throw std::bad_alloc();
  return at;
}

}  // namespace

}  // namespace aiosim::runtime

using namespace aiosim::runtime;

extern "C" {

void* malloc(std::size_t size) noexcept {
  const void* const pc = __builtin_return_address(0);
  return in_arena(pc) ? allocate(size, 1, pc) : __libc_malloc(size);
}

void* calloc(std::size_t count, std::size_t size) noexcept {
  const void* const pc = __builtin_return_address(0);
  if (!in_arena(pc)) return __libc_calloc(count, size);
  std::size_t bytes;
  if (__builtin_mul_overflow(count, size, &bytes)) {
    errno = ENOMEM;
    return nullptr;
  }
  return zeroed(bytes, pc);
}

void free(void* at) noexcept { give_back(at, __builtin_return_address(0)); }

void* realloc(void* old, std::size_t size) noexcept {
  const void* const pc = __builtin_return_address(0);
  if (old != nullptr && size == 0) {
    give_back(old, pc);
    return nullptr;
  }
  return move(old, size, pc);
}

void* reallocarray(void* old, std::size_t count, std::size_t size) noexcept {
  const void* const pc = __builtin_return_address(0);
  std::size_t bytes;
  if (__builtin_mul_overflow(count, size, &bytes)) {
    errno = ENOMEM;
    return nullptr;
  }
  if (old != nullptr && bytes == 0) {
    give_back(old, pc);
    return nullptr;
  }
  return move(old, bytes, pc);
}

void* memalign(std::size_t alignment, std::size_t size) noexcept {
  const void* const pc = __builtin_return_address(0);
  return in_arena(pc) ? allocate(size, alignment, pc) : __libc_memalign(alignment, size);
}

void* aligned_alloc(std::size_t alignment, std::size_t size) noexcept {
  const void* const pc = __builtin_return_address(0);
  return in_arena(pc) ? allocate(size, alignment, pc) : __libc_memalign(alignment, size);
}

int posix_memalign(void** result, std::size_t alignment, std::size_t size) noexcept {
  const void* const pc = __builtin_return_address(0);
  if (alignment % sizeof(void*) != 0 || alignment == 0 || (alignment & (alignment - 1)) != 0) {
    return EINVAL;
  }
  const int saved = errno;  // it reports by its result alone
  void* const at = in_arena(pc) ? allocate(size, alignment, pc) : __libc_memalign(alignment, size);
  errno = saved;
  if (at == nullptr) return ENOMEM;
  *result = at;
  return 0;
}

std::size_t malloc_usable_size(void* at) noexcept { return usable_size(at); }

}  // extern "C"

// --- C++
// ------------------------------------------------------------------------------------------

#define AIOSIM_CALLER __builtin_return_address(0)

void* operator new(std::size_t size) { return allocate_or_throw(size, 1, AIOSIM_CALLER); }
void* operator new[](std::size_t size) { return allocate_or_throw(size, 1, AIOSIM_CALLER); }
void* operator new(std::size_t size, std::align_val_t alignment) {
  return allocate_or_throw(size, static_cast<std::size_t>(alignment), AIOSIM_CALLER);
}
void* operator new[](std::size_t size, std::align_val_t alignment) {
  return allocate_or_throw(size, static_cast<std::size_t>(alignment), AIOSIM_CALLER);
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  return allocate_for_new(size, 1, AIOSIM_CALLER);
}
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept {
  return allocate_for_new(size, 1, AIOSIM_CALLER);
}
void* operator new(std::size_t size, std::align_val_t alignment, const std::nothrow_t&) noexcept {
  return allocate_for_new(size, static_cast<std::size_t>(alignment), AIOSIM_CALLER);
}
void* operator new[](std::size_t size, std::align_val_t alignment, const std::nothrow_t&) noexcept {
  return allocate_for_new(size, static_cast<std::size_t>(alignment), AIOSIM_CALLER);
}

void operator delete(void* at) noexcept { give_back(at, AIOSIM_CALLER); }
void operator delete[](void* at) noexcept { give_back(at, AIOSIM_CALLER); }
void operator delete(void* at, std::size_t) noexcept { give_back(at, AIOSIM_CALLER); }
void operator delete[](void* at, std::size_t) noexcept { give_back(at, AIOSIM_CALLER); }
void operator delete(void* at, std::align_val_t) noexcept { give_back(at, AIOSIM_CALLER); }
void operator delete[](void* at, std::align_val_t) noexcept { give_back(at, AIOSIM_CALLER); }
void operator delete(void* at, std::size_t, std::align_val_t) noexcept {
  give_back(at, AIOSIM_CALLER);
}
void operator delete[](void* at, std::size_t, std::align_val_t) noexcept {
  give_back(at, AIOSIM_CALLER);
}
void operator delete(void* at, const std::nothrow_t&) noexcept { give_back(at, AIOSIM_CALLER); }
void operator delete[](void* at, const std::nothrow_t&) noexcept { give_back(at, AIOSIM_CALLER); }
