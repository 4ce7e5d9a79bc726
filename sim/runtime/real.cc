#include "runtime/real.h"

#include <cxxabi.h>
#include <dlfcn.h>
#include <link.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace aiosim::runtime {
namespace {

// No function statics here: their guards ask is_cxx_runtime().
struct Range {
  std::uintptr_t low = 0, high = 0;
};
Range cxx_runtime;

int find_cxx_runtime(dl_phdr_info* info, std::size_t, void*) {
  const auto known = reinterpret_cast<std::uintptr_t>(&abi::__cxa_demangle);
  Range range{~std::uintptr_t{0}, 0};
  for (int i = 0; i < info->dlpi_phnum; ++i) {
    const ElfW(Phdr)& header = info->dlpi_phdr[i];
    if (header.p_type != PT_LOAD) continue;
    const std::uintptr_t low = info->dlpi_addr + header.p_vaddr;
    range = {std::min(range.low, low), std::max(range.high, low + header.p_memsz)};
  }
  if (known < range.low || known >= range.high) return 0;
  cxx_runtime = range;
  return 1;
}

}  // namespace

bool is_cxx_runtime(const void* address) {
  if (cxx_runtime.high == 0) dl_iterate_phdr(find_cxx_runtime, nullptr);
  const auto at = reinterpret_cast<std::uintptr_t>(address);
  return at >= cxx_runtime.low && at < cxx_runtime.high;
}

void* next_symbol(const char* name, const char* version) {
  void* found = version != nullptr ? dlvsym(RTLD_NEXT, name, version) : dlsym(RTLD_NEXT, name);
  if (found == nullptr) {
    // No formatted output: this may be the very first call of the process.
    static const char text[] = "aiosim: libc does not define ";
    auto ignored = ::write(2, text, sizeof text - 1);
    ignored = ::write(2, name, std::strlen(name));
    ignored = ::write(2, "\n", 1);
    static_cast<void>(ignored);
    _exit(2);
  }
  return found;
}

}  // namespace aiosim::runtime
