#include "runtime/stack.h"

#include <sys/mman.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "memory/vector_clock.h"

namespace aiosim::runtime {
namespace {

// Between the usual places of heap, libraries and stack on x86-64 Linux.
constexpr std::uintptr_t base = 0x110000000000;
constexpr std::size_t stride = guard_size + stack_size;

}  // namespace

Stack map_stack(unsigned index) {
  const std::uintptr_t at = base + index * stride;
  void* mapped = mmap(reinterpret_cast<void*>(at), stride, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
  if (mapped != reinterpret_cast<void*>(at)) {
    std::fprintf(stderr, "aiosim: cannot map the stack of simulated thread %u at %p\n", index,
                 reinterpret_cast<void*>(at));
    std::_Exit(2);
  }
  mprotect(mapped, guard_size, PROT_NONE);
  char* low = static_cast<char*>(mapped) + guard_size;
  return {low, low + stack_size};
}

bool in_stack(const void* address) {
  return reinterpret_cast<std::uintptr_t>(address) - base < memory::max_threads * stride;
}

bool in_stack_guard(const void* address) {
  const auto at = reinterpret_cast<std::uintptr_t>(address);
  if (at < base || at >= base + memory::max_threads * stride) return false;
  return (at - base) % stride < guard_size;
}

}  // namespace aiosim::runtime
