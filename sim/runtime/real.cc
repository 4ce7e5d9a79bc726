#include "runtime/real.h"

#include <cxxabi.h>
#include <dlfcn.h>
#include <link.h>
#include <unistd.h>
#include <unwind.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>

namespace aiosim::runtime {
namespace {

// No function statics here: their guards ask is_cxx_runtime().
struct Range {
  std::uintptr_t low = 0, high = 0;
  bool holds(std::uintptr_t at) const { return at >= low && at < high; }
};
std::array<Range, 2> cxx_runtime;  // libstdc++ and libgcc_s

int find_cxx_runtime(dl_phdr_info* info, std::size_t, void*) {
  const std::uintptr_t known[] = {reinterpret_cast<std::uintptr_t>(&abi::__cxa_demangle),
                                  reinterpret_cast<std::uintptr_t>(&_Unwind_RaiseException)};
  Range range{~std::uintptr_t{0}, 0};
  for (int i = 0; i < info->dlpi_phnum; ++i) {
    const ElfW(Phdr)& header = info->dlpi_phdr[i];
    if (header.p_type != PT_LOAD) continue;
    const std::uintptr_t low = info->dlpi_addr + header.p_vaddr;
    range = {std::min(range.low, low), std::max(range.high, low + header.p_memsz)};
  }
  for (std::size_t i = 0; i < cxx_runtime.size(); ++i) {
    if (range.holds(known[i])) cxx_runtime[i] = range;
  }
  return 0;
}

}  // namespace

bool is_cxx_runtime(const void* address) {
  if (cxx_runtime[0].high == 0) dl_iterate_phdr(find_cxx_runtime, nullptr);
  const auto at = reinterpret_cast<std::uintptr_t>(address);
  return cxx_runtime[0].holds(at) || cxx_runtime[1].holds(at);
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
