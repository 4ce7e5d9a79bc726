// The hooks that -fsanitize=thread calls, of g++ and clang (ENGINE.md section 1).
//
// Plain hooks announce an access and come before it; atomic hooks perform it (tsan_atomics.cc).
// Hooks never throw: a run that ends leaves the stack as it is.
#include <cstddef>

#include "memory/state.h"
#include "runtime/heap.h"
#include "runtime/live_frames.h"
#include "runtime/world.h"

namespace aiosim::runtime {

namespace {

[[noreturn, gnu::noinline]] void loops_without_point(const void* pc) {
  const RuntimeScope scope;
  world().loops_without_point(pc, max_plain_accesses / 10);
}

// Something may be to be told, or ended.
[[gnu::noinline]] void check_plain(const void* at, std::size_t size, bool write, const void* pc) {
  const RuntimeScope scope;
  memory::Memory::State& state = memory_state();
  state.races.plain(state.accessor(g_current->id, pc), memory::address_of(at), size, write);
}

// Several were. The access does not leave the cell: so `now` says how long it is.
[[gnu::noinline]] void plain_among_others(memory::Cell& cell, const void* at, memory::Access now) {
  memory::Memory::State& state = memory_state();
  if (state.races.settles(cell, g_current->view->clock, now)) return;
  const RuntimeScope scope;
  state.races.plain_in_cell(state.accessor(g_current->id, now.pc), cell, memory::address_of(at),
                            now.size(), now.write());
}

// Somebody was in the cell before.
[[gnu::noinline]] void plain_again(memory::Cell& cell, const void* at, memory::Access now) {
  if (!memory::RaceDetector::settles_simply(cell, g_current->view->clock, now)) {
    plain_among_others(cell, at, now);
  }
}

[[gnu::noinline]] void check_a_frame(const void* at, std::size_t size, bool write, const void* pc,
                                     const void* stack_pointer) {
  check_frame(at, size, write ? "plain write" : "plain read", pc, stack_pointer);
}

// Where there is no simple table, or in more than one cell.
[[gnu::noinline]] void plain_elsewhere(const void* at, std::size_t size, bool write, const void* pc,
                                       const void* stack_pointer) {
  if (in_stack(at)) check_a_frame(at, size, write, pc, stack_pointer);
  const std::uintptr_t address = memory::address_of(at);
  if (address % memory::Shadow::cell_bytes + size > memory::Shadow::cell_bytes || size == 0) {
    return check_plain(at, size, write, pc);
  }
  memory::Memory::State& state = memory_state();
  memory::Cell& cell = state.shadow.cell(address);
  const memory::Access access = g_current->access(at, size, write, pc);
  if (!state.races.plain_at_once(cell, state.shadow.run(), access)) plain_again(cell, at, access);
}

// Most accesses are to stacks and the heap, and find nothing, or what the thread itself left there.
[[gnu::always_inline]] inline void plain(const void* at, std::size_t size, bool write,
                                         const void* pc, const void* stack_pointer) {
  if (!under_test()) return;
  const Thread& self = *g_current;
  if (--g_plain_left == 0) [[unlikely]]
    loops_without_point(pc);
  const std::uintptr_t address = memory::address_of(at);
  const std::uintptr_t place = address - memory::direct_address;
  if (place >= memory::direct_bytes ||
      address % memory::Shadow::cell_bytes + size > memory::Shadow::cell_bytes || size == 0 ||
      (place < memory::stacks_bytes && may_have_returned(at, place, self.id, stack_pointer)))
      [[unlikely]] {
    return plain_elsewhere(at, size, write, pc, stack_pointer);
  }
  memory::Memory::State& state = memory_state();
  memory::Cell& cell = state.shadow.direct(place);
  const memory::Access access = self.access(at, size, write, pc);
  if (!state.races.plain_at_once(cell, state.shadow.run(), access)) plain_again(cell, at, access);
}

}  // namespace
}  // namespace aiosim::runtime

using namespace aiosim::runtime;

// For an access that is under way when the hook is called.
#define AIOSIM_HOOK __builtin_return_address(0), __builtin_dwarf_cfa()

extern "C" {

// --- plain accesses
// -------------------------------------------------------------------------------

#define AIOSIM_PLAIN(name, size)                                                                   \
  void __tsan_##name##read##size(void* at) { plain(at, size, false, AIOSIM_HOOK); }                \
  void __tsan_##name##write##size(void* at) { plain(at, size, true, AIOSIM_HOOK); }                \
  void __tsan_##name##read_write##size(void* at) { plain(at, size, true, AIOSIM_HOOK); }           \
  void __tsan_##name##read##size##_pc(void* at, void* pc) { plain(at, size, false, pc, nullptr); } \
  void __tsan_##name##write##size##_pc(void* at, void* pc) { plain(at, size, true, pc, nullptr); }

#define AIOSIM_PLAIN_SIZES(name) \
  AIOSIM_PLAIN(name, 1)          \
  AIOSIM_PLAIN(name, 2) AIOSIM_PLAIN(name, 4) AIOSIM_PLAIN(name, 8) AIOSIM_PLAIN(name, 16)

AIOSIM_PLAIN_SIZES()
AIOSIM_PLAIN_SIZES(unaligned_)
AIOSIM_PLAIN_SIZES(volatile_)
AIOSIM_PLAIN_SIZES(unaligned_volatile_)

void __tsan_read_range(void* at, std::size_t size) { plain(at, size, false, AIOSIM_HOOK); }
void __tsan_write_range(void* at, std::size_t size) { plain(at, size, true, AIOSIM_HOOK); }
void __tsan_read_range_pc(void* at, std::size_t size, void* pc) {
  plain(at, size, false, pc, nullptr);
}
void __tsan_write_range_pc(void* at, std::size_t size, void* pc) {
  plain(at, size, true, pc, nullptr);
}

// A constructor or destructor that stores the same table again cannot be told from no store.
void __tsan_vptr_update(void** table, void* value) {
  if (*table != value) plain(table, sizeof(void*), true, AIOSIM_HOOK);
}
void __tsan_vptr_read(void** table) { plain(table, sizeof(void*), false, AIOSIM_HOOK); }

// --- annotations
// ----------------------------------------------------------------------------------

void __tsan_acquire(void* at) {
  if (!under_test()) return;
  const RuntimeScope scope;
  world().memory.acquire_at(g_current->id, at);
}
void __tsan_release(void* at) {
  if (!under_test()) return;
  const RuntimeScope scope;
  world().memory.release_at(g_current->id, at);
}

// Locks are seen by what they are made of: pthread_*, futex, or atomics.
void __tsan_mutex_create(void*, unsigned) {}
void __tsan_mutex_destroy(void*, unsigned) {}
void __tsan_mutex_pre_lock(void*, unsigned) {}
void __tsan_mutex_post_lock(void*, unsigned, int) {}
int __tsan_mutex_pre_unlock(void*, unsigned) { return 0; }
void __tsan_mutex_post_unlock(void*, unsigned) {}
void __tsan_mutex_pre_signal(void*, unsigned) {}
void __tsan_mutex_post_signal(void*, unsigned) {}
void __tsan_mutex_pre_divert(void*, unsigned) {}
void __tsan_mutex_post_divert(void*, unsigned) {}

// A coroutine runs on the thread that enters it: its accesses are that thread's.
void* __tsan_get_current_fiber(void) { return g_current; }
void* __tsan_create_fiber(unsigned) { return g_current; }
void __tsan_destroy_fiber(void*) {}
void __tsan_switch_to_fiber(void*, unsigned) {}
void __tsan_set_fiber_name(void*, const char*) {}

// --- without meaning here
// -------------------------------------------------------------------------

void __tsan_init(void) {}
void __tsan_func_entry(void*) {}
void __tsan_func_exit(void) {}
void __tsan_ignore_thread_begin(void) {}
void __tsan_ignore_thread_end(void) {}

}  // extern "C"
