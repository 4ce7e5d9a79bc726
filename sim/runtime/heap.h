// The heap of a run: an arena at a fixed address, the same addresses in every run and process.
//
// Blocks are handed out one after the other and never reused within a run, so that a use of freed
// memory is found whenever it comes. Around each block lies a red zone. heap_reset() takes
// everything back and zeroes it: a new run sees the same bytes. Only code under test allocates
// here; see RuntimeScope.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

#include "memory/layout.h"
#include "runtime/world.h"

namespace aiosim::runtime {

/// The runtime's own work on a simulated thread: what it allocates is the host's, what it touches
/// is not checked. An interposer or hook that found under_test() opens one before it does anything
/// that may allocate (std::string, vectors, verdict texts); calling back into code under test
/// needs an UnderTestScope.
class RuntimeScope {
 public:
  RuntimeScope() : thread_(g_current) {
    if (thread_ != nullptr) ++thread_->harness;
  }
  ~RuntimeScope() {
    if (thread_ != nullptr) --thread_->harness;
  }
  RuntimeScope(const RuntimeScope&) = delete;
  RuntimeScope& operator=(const RuntimeScope&) = delete;

 private:
  Thread* const thread_;
};

using memory::heap_address;
using memory::heap_bytes;

inline bool heap_owns(const void* at) {
  return reinterpret_cast<std::uintptr_t>(at) - heap_address < heap_bytes;
}

/// A new run: the whole arena is free, and zero. Throws std::runtime_error if the address range is
/// not to be had.
void heap_reset();

/// From heap_address on: the blocks of this run and what is written down about them.
std::size_t heap_used();

/// Who may free a block.
enum class HeapForm : std::uint8_t { malloc, new_object, new_array };

struct HeapBlock {
  char* at;
  std::size_t size;  // as asked for
  std::uint32_t thread;
  HeapForm form;

  bool holds(std::uintptr_t address) const {
    return address - reinterpret_cast<std::uintptr_t>(at) < size || address == begin();
  }
  std::uintptr_t begin() const { return reinterpret_cast<std::uintptr_t>(at); }
};

/// Bytes of no block.
struct HeapRedZone {
  char* at;
  std::size_t size;
};

/// Null if the arena is full. `alignment` is a power of two. The red zones are those around the
/// block that no allocation before it had; each ends with eight aligned bytes.
void* heap_allocate(std::size_t size, std::size_t alignment, std::uint32_t thread, HeapForm form,
                    HeapRedZone& before, HeapRedZone& after);

enum class HeapState : std::uint8_t { live, freed, no_block };
/// What `at` is, and the block if it is, or was, one.
HeapState heap_state(const void* at, HeapBlock& block);
/// `at` is live.
void heap_mark_freed(void* at);

/// How many blocks are not freed.
std::size_t heap_live_blocks();

/// Calls visit for each block that is not freed, in the order of allocation, and of addresses.
void heap_each_live(const std::function<void(const HeapBlock&)>& visit);

/// Is `pc` in libc or the dynamic linker? What they allocate outlives a run (buffers of stdio,
/// thread_local blocks of modules), so it comes from the host.
bool is_host_library(const void* pc);

/// Is `pc` in libstdc++?
bool is_cxx_library(const void* pc);

/// Is `pc` in libaiosim.so itself?
bool is_runtime(const void* pc);

/// Is `pc` in the code of some loaded object?
bool is_code(const void* pc);

}  // namespace aiosim::runtime
