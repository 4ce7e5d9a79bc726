// malloc and its relatives, operator new among them (so that a block is known by the code that
// asked for it, not by libstdc++'s). Code under test allocates in the run's arena; everybody else,
// and libc itself, on the host. Who frees does not matter: the address says whose a block is.
#include <malloc.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string>

#include "fault/points.h"
#include "runtime/call_stack.h"
#include "runtime/crash.h"
#include "runtime/heap.h"
#include "runtime/leaks.h"
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

bool strikes() {
  if (!fault::is_armed(fault::PointId::malloc_enomem)) [[likely]]
    return false;
  const RuntimeScope scope;
  return fault::strikes(fault::PointId::malloc_enomem);
}

void* allocate(std::size_t size, std::size_t alignment, HeapForm form, const Caller& caller) {
  Thread& self = *g_current;
  // What libstdc++ itself asks malloc for is an exception's memory; it has a pool for bad times.
  const bool may_strike = form != HeapForm::malloc || !is_cxx_library(caller.pc);
  HeapRedZone before{};
  HeapRedZone after{};
  void* const at = may_strike && strikes()
                       ? nullptr
                       : heap_allocate(size, alignment, self.id, form, before, after);
  if (at == nullptr) {
    errno = ENOMEM;
    return nullptr;
  }
  memory::Memory& memory = world().memory;
  memory.allocated(self.id, at, size, call_stack(caller));
  memory.red_zone(before.at, before.size);
  memory.red_zone(after.at, after.size);
  return at;
}

// --- frees ---------------------------------------------------------------------------------------

constexpr const char* allocators[] = {"malloc", "operator new", "operator new[]"};
constexpr const char* deallocators[] = {"free", "operator delete", "operator delete[]"};

constexpr std::size_t any_size = ~std::size_t{0};

struct Freeing {
  HeapForm form;
  std::size_t size;  // that a sized operator delete was told
};

std::string freeing(const Freeing& what, const Caller& caller) {
  return std::string(deallocators[static_cast<std::size_t>(what.form)]) + " by thread " +
         std::to_string(g_current->id) + " at " + describe_code(caller.pc);
}

[[noreturn]] void invalid_free(const std::string& why, const void* at, const Freeing& what,
                               const Caller& caller) {
  World& w = world();
  w.fail(VerdictKind::invalid_free, freeing(what, caller) + " of " + why +
                                        describe_current_stack(caller.pc) +
                                        w.memory.describe_block(at));
}

[[noreturn]] void bad_free(HeapState state, const void* at, const Freeing& what,
                           const Caller& caller) {
  if (state == HeapState::no_block) {
    invalid_free("an address that malloc never gave", at, what, caller);
  }
  World& w = world();
  w.fail(VerdictKind::double_free, freeing(what, caller) + " of a block that was freed before" +
                                       describe_current_stack(caller.pc) +
                                       w.memory.describe_block(at));
}

// A block goes back to who gave it: free what malloc gave, delete[] what new[] gave, and a sized
// delete says the size that was asked for.
void check_form(const HeapBlock& block, const Freeing& what, const Caller& caller) {
  if (what.form != block.form) {
    invalid_free("a block of " + std::string(allocators[static_cast<std::size_t>(block.form)]),
                 block.at, what, caller);
  }
  if (what.size != any_size && what.size != block.size) {
    invalid_free("a block of another size: " + std::to_string(what.size) + " bytes are said",
                 block.at, what, caller);
  }
}

/// Of a block of the arena, by anybody.
void release(void* at, const Freeing& what, const Caller& caller) {
  HeapBlock block{};
  const HeapState state = heap_state(at, block);
  if (g_current == nullptr) {
    // The run is over: the block went with it, or will at the next reset.
    if (state == HeapState::live) heap_mark_freed(at);
    return;
  }
  const bool checked = under_test();
  const RuntimeScope scope;
  if (state != HeapState::live) bad_free(state, at, what, caller);
  check_form(block, what, caller);
  World& w = world();
  if (checked) {
    w.memory.freed(g_current->id, at, block.size, call_stack(caller));
  } else {
    w.memory.discarded(g_current->id, at, block.size, caller.pc);
  }
  heap_mark_freed(at);
}

void give_back(void* at, const Freeing& what, const Caller& caller) {
  if (heap_owns(at)) {
    release(at, what, caller);
    return;
  }
  if (at != nullptr && in_arena(caller.pc)) {
    if (const char* const owner = not_of_the_heap(at)) {
      const RuntimeScope scope;
      invalid_free(owner, nullptr, what, caller);
    }
  }
  __libc_free(at);
}

void give_back_to_malloc(void* at, const Caller& caller) {
  give_back(at, {HeapForm::malloc, any_size}, caller);
}

std::size_t usable_size(void* at) {
  if (at == nullptr) return 0;
  if (!heap_owns(at)) return AIOSIM_REAL(malloc_usable_size)(at);
  HeapBlock block{};
  heap_state(at, block);
  return block.size;
}

void* zeroed(std::size_t size, const Caller& caller) {
  void* const at = allocate(size, 1, HeapForm::malloc, caller);
  // The arena is zero. For the model somebody must have written it.
  if (at != nullptr) {
    const RuntimeScope scope;
    world().memory.plain_write(g_current->id, at, size, caller.pc);
  }
  return at;
}

// A block always moves: whoever still holds the old address is found.
void* move(void* old, std::size_t size, const Caller& caller) {
  const bool arena = in_arena(caller.pc);
  if (!arena && !heap_owns(old)) return __libc_realloc(old, size);
  if (old != nullptr && heap_owns(old)) {
    HeapBlock block{};
    const HeapState state = heap_state(old, block);
    if (state != HeapState::live && g_current != nullptr) {
      const RuntimeScope scope;
      bad_free(state, old, {HeapForm::malloc, any_size}, caller);
    }
  }
  const std::size_t old_size = usable_size(old);
  void* const at = arena ? allocate(size, 1, HeapForm::malloc, caller) : __libc_malloc(size);
  if (at == nullptr) return nullptr;
  const std::size_t copied = old_size < size ? old_size : size;
  if (arena && copied != 0) {
    const RuntimeScope scope;
    world().memory.plain_write(g_current->id, at, copied, caller.pc);
  }
  if (copied != 0) std::memcpy(at, old, copied);
  give_back_to_malloc(old, caller);
  return at;
}

void* allocate_aligned(std::size_t size, std::size_t alignment, const Caller& caller) {
  return in_arena(caller.pc) ? allocate(size, alignment, HeapForm::malloc, caller)
                             : __libc_memalign(alignment, size);
}

void* allocate_for_new(std::size_t size, std::size_t alignment, HeapForm form,
                       const Caller& caller) noexcept {
  if (in_arena(caller.pc)) return allocate(size, alignment, form, caller);
  return alignment <= 16 ? __libc_malloc(size) : __libc_memalign(alignment, size);
}

// Throws like any operator new. (That of libstdc++ also asks a new-handler: there is none here.)
void* allocate_or_throw(std::size_t size, std::size_t alignment, HeapForm form,
                        const Caller& caller) {
  void* const at = allocate_for_new(size, alignment, form, caller);
  if (at == nullptr) throw std::bad_alloc();
  return at;
}

}  // namespace

}  // namespace aiosim::runtime

using namespace aiosim::runtime;

extern "C" {

void* malloc(std::size_t size) noexcept {
  const Caller caller = AIOSIM_HERE;
  return in_arena(caller.pc) ? allocate(size, 1, HeapForm::malloc, caller) : __libc_malloc(size);
}

void* calloc(std::size_t count, std::size_t size) noexcept {
  const Caller caller = AIOSIM_HERE;
  if (!in_arena(caller.pc)) return __libc_calloc(count, size);
  std::size_t bytes;
  if (__builtin_mul_overflow(count, size, &bytes)) {
    errno = ENOMEM;
    return nullptr;
  }
  return zeroed(bytes, caller);
}

void free(void* at) noexcept { give_back_to_malloc(at, AIOSIM_HERE); }

void* realloc(void* old, std::size_t size) noexcept {
  const Caller caller = AIOSIM_HERE;
  if (old != nullptr && size == 0) {
    give_back_to_malloc(old, caller);
    return nullptr;
  }
  return move(old, size, caller);
}

void* reallocarray(void* old, std::size_t count, std::size_t size) noexcept {
  const Caller caller = AIOSIM_HERE;
  std::size_t bytes;
  if (__builtin_mul_overflow(count, size, &bytes)) {
    errno = ENOMEM;
    return nullptr;
  }
  if (old != nullptr && bytes == 0) {
    give_back_to_malloc(old, caller);
    return nullptr;
  }
  return move(old, bytes, caller);
}

void* memalign(std::size_t alignment, std::size_t size) noexcept {
  return allocate_aligned(size, alignment, AIOSIM_HERE);
}

void* aligned_alloc(std::size_t alignment, std::size_t size) noexcept {
  return allocate_aligned(size, alignment, AIOSIM_HERE);
}

int posix_memalign(void** result, std::size_t alignment, std::size_t size) noexcept {
  const Caller caller = AIOSIM_HERE;
  if (alignment % sizeof(void*) != 0 || alignment == 0 || (alignment & (alignment - 1)) != 0) {
    return EINVAL;
  }
  const int saved = errno;  // it reports by its result alone
  void* const at = allocate_aligned(size, alignment, caller);
  errno = saved;
  if (at == nullptr) return ENOMEM;
  *result = at;
  return 0;
}

std::size_t malloc_usable_size(void* at) noexcept { return usable_size(at); }

}  // extern "C"

// --- C++ -----------------------------------------------------------------------------------------

#define AIOSIM_NEW(name, form)                                                               \
  void* name(std::size_t size) { return allocate_or_throw(size, 1, form, AIOSIM_HERE); }     \
  void* name(std::size_t size, std::align_val_t alignment) {                                 \
    return allocate_or_throw(size, static_cast<std::size_t>(alignment), form, AIOSIM_HERE);  \
  }                                                                                          \
  void* name(std::size_t size, const std::nothrow_t&) noexcept {                             \
    return allocate_for_new(size, 1, form, AIOSIM_HERE);                                     \
  }                                                                                          \
  void* name(std::size_t size, std::align_val_t alignment, const std::nothrow_t&) noexcept { \
    return allocate_for_new(size, static_cast<std::size_t>(alignment), form, AIOSIM_HERE);   \
  }

#define AIOSIM_DELETE(name, form)                                                                  \
  void name(void* at) noexcept { give_back(at, {form, any_size}, AIOSIM_HERE); }                   \
  void name(void* at, std::size_t size) noexcept { give_back(at, {form, size}, AIOSIM_HERE); }     \
  void name(void* at, std::align_val_t) noexcept { give_back(at, {form, any_size}, AIOSIM_HERE); } \
  void name(void* at, std::size_t size, std::align_val_t) noexcept {                               \
    give_back(at, {form, size}, AIOSIM_HERE);                                                      \
  }                                                                                                \
  void name(void* at, const std::nothrow_t&) noexcept {                                            \
    give_back(at, {form, any_size}, AIOSIM_HERE);                                                  \
  }                                                                                                \
  void name(void* at, std::align_val_t, const std::nothrow_t&) noexcept {                          \
    give_back(at, {form, any_size}, AIOSIM_HERE);                                                  \
  }

AIOSIM_NEW(operator new, HeapForm::new_object)
AIOSIM_NEW(operator new[], HeapForm::new_array)
AIOSIM_DELETE(operator delete, HeapForm::new_object)
AIOSIM_DELETE(operator delete[], HeapForm::new_array)
