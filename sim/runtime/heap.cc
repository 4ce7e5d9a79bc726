#include "runtime/heap.h"

#include <link.h>
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <string>

extern "C" {
// Of the linker: where this shared object's image begins and its code ends.
extern const char __ehdr_start[] __attribute__((visibility("hidden")));
extern const char etext[] __attribute__((visibility("hidden")));
}

namespace aiosim::runtime {

namespace {

constexpr std::uint64_t live_mark = 0xa105'11fe'b10c'b10cULL;
constexpr std::uint64_t freed_mark = 0xa105'f4ee'b10c'b10cULL;
constexpr std::size_t least_alignment = 16;

// Larger uses are given back to the host, which zeroes what is touched again.
constexpr std::size_t zeroed_by_hand = std::size_t{1} << 20;

/// Before each block. The next one follows where the block ends, but for a gap that alignment asks
/// for: the gap's first word is its length.
struct Header {
  std::uint64_t mark;
  std::uint64_t size;
  const void* pc;
  std::uint64_t thread;
};
static_assert(sizeof(Header) == 32);

struct Range {
  std::uintptr_t begin;
  std::uintptr_t end;
  bool holds(std::uintptr_t at) const { return at - begin < end - begin; }
};

bool mapped = false;
std::uintptr_t next_free = heap_address;
std::array<Range, 8> host_code{};
std::size_t host_code_count = 0;

Header& header_of(const void* at) {
  return *reinterpret_cast<Header*>(reinterpret_cast<std::uintptr_t>(at) - sizeof(Header));
}

std::uintptr_t align(std::uintptr_t at, std::size_t alignment) {
  return (at + alignment - 1) & ~(std::uintptr_t{alignment} - 1);
}

int note_host_code(dl_phdr_info* object, std::size_t, void*) {
  const std::string_view name = object->dlpi_name != nullptr ? object->dlpi_name : "";
  if (name.find("/libc.so") == name.npos && name.find("/ld-linux") == name.npos) return 0;
  for (int i = 0; i < object->dlpi_phnum; ++i) {
    const auto& segment = object->dlpi_phdr[i];
    if (segment.p_type != PT_LOAD || (segment.p_flags & PF_X) == 0) continue;
    if (host_code_count == host_code.size()) return 0;
    const std::uintptr_t begin = object->dlpi_addr + segment.p_vaddr;
    host_code[host_code_count++] = {begin, begin + segment.p_memsz};
  }
  return 0;
}

void map_arena() {
  void* const wanted = reinterpret_cast<void*>(heap_address);
  void* const got = mmap(wanted, heap_bytes, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
  if (got != wanted) {
    const int error = got == MAP_FAILED ? errno : EEXIST;
    if (got != MAP_FAILED) munmap(got, heap_bytes);
    throw std::runtime_error("the heap of a run needs 1 GiB of addresses at 0x100000000000: " +
                             std::string(std::strerror(error)));
  }
  dl_iterate_phdr(note_host_code, nullptr);
  mapped = true;
}

}  // namespace

void heap_reset() {
  if (!mapped) map_arena();
  const std::size_t used = next_free - heap_address;
  std::memset(reinterpret_cast<void*>(heap_address), 0, std::min(used, zeroed_by_hand));
  if (used > zeroed_by_hand) {
    const std::uintptr_t rest = heap_address + zeroed_by_hand;
    madvise(reinterpret_cast<void*>(rest), next_free - rest, MADV_DONTNEED);
  }
  next_free = heap_address;
}

void* heap_allocate(std::size_t size, std::size_t alignment, std::uint32_t thread, const void* pc) {
  alignment = std::max(alignment, least_alignment);
  const std::uintptr_t begin = next_free;
  if (size > heap_bytes || alignment > heap_bytes) return nullptr;
  const std::uintptr_t at = align(begin + sizeof(Header), alignment);
  // Not even an empty block shares its address with the next header.
  const std::uintptr_t end = align(at + std::max<std::size_t>(size, 1), least_alignment);
  if (end > heap_address + heap_bytes) return nullptr;
  next_free = end;
  const std::uint64_t gap = at - sizeof(Header) - begin;
  if (gap != 0) std::memcpy(reinterpret_cast<void*>(begin), &gap, sizeof gap);
  header_of(reinterpret_cast<void*>(at)) = {live_mark, size, pc, thread};
  return reinterpret_cast<void*>(at);
}

HeapState heap_state(const void* at, std::size_t& size) {
  const auto address = reinterpret_cast<std::uintptr_t>(at);
  if (address % least_alignment != 0 || address < heap_address + sizeof(Header) ||
      address >= next_free) {
    return HeapState::no_block;
  }
  const Header& header = header_of(at);
  if (header.mark != live_mark && header.mark != freed_mark) return HeapState::no_block;
  size = header.size;
  return header.mark == live_mark ? HeapState::live : HeapState::freed;
}

void heap_mark_freed(void* at) { header_of(at).mark = freed_mark; }

void heap_each_live(const std::function<void(const HeapBlock&)>& visit) {
  std::uintptr_t at = heap_address;
  while (at < next_free) {
    const auto* header = reinterpret_cast<const Header*>(at);
    if (header->mark != live_mark && header->mark != freed_mark) {
      const std::uint64_t gap = header->mark;
      header = reinterpret_cast<const Header*>(at + gap);
      if (gap == 0 || gap >= next_free - at) return;  // code under test wrote over it
    }
    const std::uintptr_t block = reinterpret_cast<std::uintptr_t>(header) + sizeof(Header);
    if (header->mark == live_mark) {
      visit({reinterpret_cast<void*>(block), header->size,
             static_cast<std::uint32_t>(header->thread), header->pc});
    }
    at = align(block + std::max<std::size_t>(header->size, 1), least_alignment);
  }
}

bool is_host_library(const void* pc) {
  const auto at = reinterpret_cast<std::uintptr_t>(pc);
  for (std::size_t i = 0; i < host_code_count; ++i) {
    if (host_code[i].holds(at)) return true;
  }
  return false;
}

bool is_runtime(const void* pc) {
  const auto at = reinterpret_cast<std::uintptr_t>(pc);
  return at >= reinterpret_cast<std::uintptr_t>(__ehdr_start) &&
         at < reinterpret_cast<std::uintptr_t>(etext);
}

}  // namespace aiosim::runtime
