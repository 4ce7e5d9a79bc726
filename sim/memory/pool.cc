#include "memory/pool.h"

#include <sys/mman.h>

#include <cstdio>
#include <cstdlib>

namespace aiosim::memory {

void* map_pages(std::size_t bytes) {
  void* at = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (at == MAP_FAILED) {
    std::fprintf(stderr, "aiosim: the memory model needs %zu bytes more than the host gives\n",
                 bytes);
    std::_Exit(2);
  }
  return at;
}

void unmap_pages(void* at, std::size_t bytes) { munmap(at, bytes); }

}  // namespace aiosim::memory
