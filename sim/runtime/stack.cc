#include "runtime/stack.h"

#include <sys/mman.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>

namespace aiosim::runtime {
Stack map_stack(unsigned index) {
  const std::uintptr_t at = stacks_address + index * stack_stride;
  void* mapped = mmap(reinterpret_cast<void*>(at), stack_stride, PROT_READ | PROT_WRITE,
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

bool in_stack_guard(const void* address) {
  return in_stack(address) && place_in_stack(address).offset < guard_size;
}

}  // namespace aiosim::runtime
