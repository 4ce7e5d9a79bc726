#include "runtime/heap.h"

#include <link.h>
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <string>
#include <string_view>

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
  std::uintptr_t end;  // of the block's red zone, where the next header or gap begins
  std::uint32_t thread;
  HeapForm form;
};
static_assert(sizeof(Header) == 32);

// After a block: an overrun by one element of an array should not reach the next block. The next
// header is a red zone, too.
std::size_t red_zone_after(std::size_t size) {
  constexpr std::size_t most = 256;
  return std::min(size / 8, most);
}

struct Range {
  std::uintptr_t begin;
  std::uintptr_t end;
  bool holds(std::uintptr_t at) const { return at - begin < end - begin; }
};

bool mapped = false;
std::uintptr_t next_free = heap_address;
std::uintptr_t red_until = heap_address;  // the red zones of this run reach so far
std::size_t live_blocks = 0;
std::array<Range, 8> host_code{};
std::size_t host_code_count = 0;
std::array<Range, 8> cxx_code{};
std::size_t cxx_code_count = 0;
std::array<Range, 64> all_code{};
std::size_t all_code_count = 0;
unsigned long long objects_seen = 0;  // loaded and unloaded so far

template <std::size_t n>
void add(std::array<Range, n>& ranges, std::size_t& count, Range range) {
  if (count < n) ranges[count++] = range;
}

template <std::size_t n>
bool holds(const std::array<Range, n>& ranges, std::size_t count, const void* pc) {
  const auto at = reinterpret_cast<std::uintptr_t>(pc);
  return std::any_of(ranges.begin(), ranges.begin() + count,
                     [at](const Range& range) { return range.holds(at); });
}

Header& header_of(const void* at) {
  return *reinterpret_cast<Header*>(reinterpret_cast<std::uintptr_t>(at) - sizeof(Header));
}

std::uintptr_t align(std::uintptr_t at, std::size_t alignment) {
  return (at + alignment - 1) & ~(std::uintptr_t{alignment} - 1);
}

int note_code(dl_phdr_info* object, std::size_t, void*) {
  const std::string_view name = object->dlpi_name != nullptr ? object->dlpi_name : "";
  const bool host = name.find("/libc.so") != name.npos || name.find("/ld-linux") != name.npos;
  const bool cxx = name.find("/libstdc++.so") != name.npos;
  for (int i = 0; i < object->dlpi_phnum; ++i) {
    const auto& segment = object->dlpi_phdr[i];
    if (segment.p_type != PT_LOAD || (segment.p_flags & PF_X) == 0) continue;
    const std::uintptr_t begin = object->dlpi_addr + segment.p_vaddr;
    const Range range{begin, begin + segment.p_memsz};
    if (host) add(host_code, host_code_count, range);
    if (cxx) add(cxx_code, cxx_code_count, range);
    add(all_code, all_code_count, range);
  }
  return 0;
}

// Only when objects came or went since the last time.
void note_loaded_code() {
  unsigned long long now = 0;
  dl_iterate_phdr(
      [](dl_phdr_info* object, std::size_t, void* seen) {
        *static_cast<unsigned long long*>(seen) = object->dlpi_adds + object->dlpi_subs;
        return 1;
      },
      &now);
  if (now == objects_seen) return;
  objects_seen = now;
  host_code_count = cxx_code_count = all_code_count = 0;
  dl_iterate_phdr(note_code, nullptr);
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
  mapped = true;
}

}  // namespace

void heap_reset() {
  if (!mapped) map_arena();
  if (host_code_count == 0) note_loaded_code();  // libc and libstdc++ neither come nor go
  const std::size_t used = next_free - heap_address;
  std::memset(reinterpret_cast<void*>(heap_address), 0, std::min(used, zeroed_by_hand));
  if (used > zeroed_by_hand) {
    const std::uintptr_t rest = heap_address + zeroed_by_hand;
    madvise(reinterpret_cast<void*>(rest), next_free - rest, MADV_DONTNEED);
  }
  next_free = heap_address;
  red_until = heap_address;
  live_blocks = 0;
}

std::size_t heap_used() { return next_free - heap_address; }

void* heap_allocate(std::size_t size, std::size_t alignment, std::uint32_t thread, HeapForm form,
                    HeapRedZone& before, HeapRedZone& after) {
  alignment = std::max(alignment, least_alignment);
  const std::uintptr_t begin = next_free;
  if (size > heap_bytes || alignment > heap_bytes) return nullptr;
  const std::uintptr_t at = align(begin + sizeof(Header), alignment);
  // Not even an empty block shares its address with the next header.
  const std::uintptr_t end =
      align(at + std::max<std::size_t>(size, 1) + red_zone_after(size), least_alignment);
  if (end > heap_address + heap_bytes - sizeof(Header)) return nullptr;
  next_free = end;
  const std::uint64_t gap = at - sizeof(Header) - begin;
  if (gap != 0) std::memcpy(reinterpret_cast<void*>(begin), &gap, sizeof gap);
  header_of(reinterpret_cast<void*>(at)) = {live_mark, size, end, thread, form};
  ++live_blocks;
  before = {reinterpret_cast<char*>(red_until), at - red_until};
  red_until = end + sizeof(Header);
  after = {reinterpret_cast<char*>(at + size), red_until - (at + size)};
  return reinterpret_cast<void*>(at);
}

HeapState heap_state(const void* at, HeapBlock& block) {
  const auto address = reinterpret_cast<std::uintptr_t>(at);
  if (address % least_alignment != 0 || address < heap_address + sizeof(Header) ||
      address >= next_free) {
    return HeapState::no_block;
  }
  const Header& header = header_of(at);
  if (header.mark != live_mark && header.mark != freed_mark) return HeapState::no_block;
  block = {reinterpret_cast<char*>(address), header.size, header.thread, header.form};
  return header.mark == live_mark ? HeapState::live : HeapState::freed;
}

void heap_mark_freed(void* at) {
  header_of(at).mark = freed_mark;
  --live_blocks;
}

std::size_t heap_live_blocks() { return live_blocks; }

void heap_each_live(const std::function<void(const HeapBlock&)>& visit) {
  std::uintptr_t at = heap_address;
  while (at < next_free) {
    const auto* header = reinterpret_cast<const Header*>(at);
    if (header->mark != live_mark && header->mark != freed_mark) {
      const std::uint64_t gap = header->mark;
      header = reinterpret_cast<const Header*>(at + gap);
      if (gap == 0 || gap >= next_free - at) return;  // code under test wrote over it
    }
    if (header->mark == live_mark) {
      const std::uintptr_t block = reinterpret_cast<std::uintptr_t>(header) + sizeof(Header);
      visit({reinterpret_cast<char*>(block), header->size, header->thread, header->form});
    }
    if (header->end <= at) return;
    at = header->end;
  }
}

bool is_host_library(const void* pc) { return holds(host_code, host_code_count, pc); }

bool is_cxx_library(const void* pc) { return holds(cxx_code, cxx_code_count, pc); }

bool is_code(const void* pc) {
  note_loaded_code();
  return holds(all_code, all_code_count, pc);
}

bool is_runtime(const void* pc) {
  const auto at = reinterpret_cast<std::uintptr_t>(pc);
  return at >= reinterpret_cast<std::uintptr_t>(__ehdr_start) &&
         at < reinterpret_cast<std::uintptr_t>(etext);
}

}  // namespace aiosim::runtime
