#include "runtime/leaks.h"

#include <link.h>

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "kernel/kernel.h"
#include "runtime/data_symbol.h"
#include "runtime/heap.h"
#include "runtime/tcb.h"
#include "runtime/world.h"

namespace aiosim::runtime {
namespace {

constexpr std::size_t most_told = 3;

struct Block {
  HeapBlock heap;
  bool held = false;
  const void* holder = nullptr;       // where the pointer to it lies
  const char* holder_kind = nullptr;  // null: another block
  std::uint32_t holder_thread = 0;
};

class Reach {
 public:
  Reach() {
    heap_each_live([this](const HeapBlock& block) { blocks_.push_back({block}); });
  }

  std::vector<Block>& blocks() { return blocks_; }

  /// Marks what the words of a root point to, and what these blocks point to.
  void scan_root(const void* begin, std::size_t size, const char* kind, std::uint32_t thread = 0) {
    scan(begin, size, kind, thread);
    while (!to_scan_.empty()) {
      const HeapBlock block = blocks_[to_scan_.back()].heap;
      to_scan_.pop_back();
      scan(block.at, block.size, nullptr, 0);
    }
  }
  void scan_word(const void* word, const char* kind, std::uint32_t thread) {
    scan_root(&word, sizeof word, kind, thread);
  }

  /// The block that holds `address`, or none.
  std::size_t find(std::uintptr_t address) const {
    const auto above = std::upper_bound(
        blocks_.begin(), blocks_.end(), address,
        [](std::uintptr_t at, const Block& block) { return at < block.heap.begin(); });
    if (above == blocks_.begin()) return none;
    const auto index = static_cast<std::size_t>(above - blocks_.begin()) - 1;
    return blocks_[index].heap.holds(address) ? index : none;
  }
  static constexpr std::size_t none = ~std::size_t{0};

 private:
  void scan(const void* begin, std::size_t size, const char* kind, std::uint32_t thread) {
    const auto first = (reinterpret_cast<std::uintptr_t>(begin) + 7) & ~std::uintptr_t{7};
    const auto end = reinterpret_cast<std::uintptr_t>(begin) + size;
    for (std::uintptr_t at = first; at + sizeof(std::uintptr_t) <= end; at += sizeof at) {
      const auto word = *reinterpret_cast<const std::uintptr_t*>(at);
      if (!heap_owns(reinterpret_cast<const void*>(word))) [[likely]]
        continue;
      const std::size_t index = find(word);
      if (index == none || blocks_[index].held) continue;
      blocks_[index].held = true;
      blocks_[index].holder = reinterpret_cast<const void*>(at);
      blocks_[index].holder_kind = kind;
      blocks_[index].holder_thread = thread;
      to_scan_.push_back(index);
    }
  }

  std::vector<Block> blocks_;  // by address
  std::vector<std::size_t> to_scan_;
};

bool contains(const dl_phdr_info& object, const void* at) {
  const auto address = reinterpret_cast<std::uintptr_t>(at);
  for (int i = 0; i < object.dlpi_phnum; ++i) {
    const auto& segment = object.dlpi_phdr[i];
    const std::uintptr_t low = object.dlpi_addr + segment.p_vaddr;
    if (segment.p_type == PT_LOAD && address - low < segment.p_memsz) return true;
  }
  return false;
}

int scan_segments(dl_phdr_info* object, std::size_t, void* data) {
  if (contains(*object, reinterpret_cast<const void*>(&scan_segments))) return 0;
  for (int i = 0; i < object->dlpi_phnum; ++i) {
    const auto& segment = object->dlpi_phdr[i];
    if (segment.p_type != PT_LOAD || (segment.p_flags & PF_W) == 0) continue;
    static_cast<Reach*>(data)->scan_root(
        reinterpret_cast<const void*>(object->dlpi_addr + segment.p_vaddr), segment.p_memsz,
        "static");
  }
  return 0;
}

struct TlsBlocks {
  struct Range {
    const void* at;
    std::size_t size;
  };
  Range ranges[64];
  std::size_t count = 0;
};

int note_tls(dl_phdr_info* object, std::size_t size, void* data) {
  auto& blocks = *static_cast<TlsBlocks*>(data);
  if (size < sizeof(dl_phdr_info) || object->dlpi_tls_data == nullptr) return 0;
  for (int i = 0; i < object->dlpi_phnum; ++i) {
    const auto& segment = object->dlpi_phdr[i];
    if (segment.p_type != PT_TLS || blocks.count == std::size(blocks.ranges)) continue;
    blocks.ranges[blocks.count++] = {object->dlpi_tls_data, segment.p_memsz};
  }
  return 0;
}

// dl_iterate_phdr names the caller's own thread_locals: %fs is the thread's meanwhile.
void scan_thread_locals(Reach& reach, const Thread& thread) {
  static TlsBlocks blocks;
  blocks.count = 0;
  const std::uintptr_t own = get_fs();
  set_fs(thread.tcb->fs);
  dl_iterate_phdr(note_tls, &blocks);
  set_fs(own);
  for (std::size_t i = 0; i < blocks.count; ++i) {
    reach.scan_root(blocks.ranges[i].at, blocks.ranges[i].size, "a thread_local", thread.id);
  }
}

// The first thread's body has returned: of its stack nothing is left.
void scan_thread(Reach& reach, const Thread& thread) {
  reach.scan_word(thread.result, "the result", thread.id);
  const bool ended = thread.state == Thread::State::finished;
  if (ended && thread.id != 0) return;
  scan_thread_locals(reach, thread);
  for (const void* value : thread.specific) reach.scan_word(value, "a key's value", thread.id);
  for (const auto& handler : thread.exit_handlers) {
    reach.scan_word(handler.second, "a thread_local", thread.id);
  }
  if (ended) return;
  reach.scan_word(thread.argument, "the argument", thread.id);
  const auto* const low = static_cast<const char*>(thread.context);
  reach.scan_root(low, static_cast<std::size_t>(thread.stack->top - low), "the stack", thread.id);
}

std::string bytes(std::size_t count) {
  return std::to_string(count) + (count == 1 ? " byte" : " bytes");
}

std::string lost_text(World& world, Reach& reach) {
  // Told are those that no other lost block points to; a ring has none: then its first.
  std::vector<std::size_t> lost;
  std::size_t size = 0;
  std::vector<bool> pointed_to(reach.blocks().size(), false);
  for (std::size_t i = 0; i < reach.blocks().size(); ++i) {
    const Block& block = reach.blocks()[i];
    if (block.held) continue;
    lost.push_back(i);
    size += block.heap.size;
    for (std::size_t at = 0; at + sizeof(std::uintptr_t) <= block.heap.size; at += 8) {
      std::uintptr_t word;
      std::memcpy(&word, block.heap.at + at, sizeof word);
      const std::size_t other = reach.find(word);
      if (other != Reach::none && other != i) pointed_to[other] = true;
    }
  }
  if (lost.empty()) return {};
  std::vector<std::size_t> told;
  std::copy_if(lost.begin(), lost.end(), std::back_inserter(told),
               [&](std::size_t i) { return !pointed_to[i]; });
  if (told.empty()) told.push_back(lost.front());
  told.resize(std::min(told.size(), most_told));

  std::string text;
  for (const std::size_t i : told) {
    const HeapBlock& block = reach.blocks()[i].heap;
    if (text.empty()) {
      text = "a block of " + bytes(block.size) + " was never freed, and nothing points to it: " +
             world.memory.describe_allocation(block.at);
    } else {
      text += "\n  and a block of " + bytes(block.size) + " " +
              world.memory.describe_allocation(block.at);
    }
  }
  return lost.size() == 1 ? text
                          : text + "\n  lost in all: " + bytes(size) + " in " +
                                std::to_string(lost.size()) + " blocks";
}

std::string held_text(World& world, const Block& block) {
  std::string by(block.holder_kind);
  if (by == "static") {
    by = describe_data(block.holder);
  } else if (by != "the kernel") {
    by += " of thread " + std::to_string(block.holder_thread);
  }
  return by + " holds a block of " + bytes(block.heap.size) + " " +
         world.memory.describe_allocation(block.heap.at);
}

}  // namespace

HeapRemains find_remains(World& world, bool describe_held) {
  HeapRemains remains;
  Reach reach;
  if (reach.blocks().empty()) return remains;
  dl_iterate_phdr(scan_segments, &reach);
  for (std::uint32_t i = 0; i < world.thread_count(); ++i) scan_thread(reach, world.thread(i));
  world.kernel->each_held(
      [&reach](const void* at, std::size_t size) { reach.scan_root(at, size, "the kernel"); });
  remains.lost = lost_text(world, reach);
  for (const Block& block : reach.blocks()) {
    if (!describe_held || !block.held || block.holder_kind == nullptr) continue;
    remains.held.push_back(held_text(world, block));
  }
  return remains;
}

const char* not_of_the_heap(const void* at) {
  if (in_stack(at)) return "the address of a local variable";
  struct Search {
    const void* at;
    bool found;
  } search{at, false};
  dl_iterate_phdr(
      [](dl_phdr_info* object, std::size_t, void* data) {
        auto& wanted = *static_cast<Search*>(data);
        wanted.found = contains(*object, wanted.at);
        return wanted.found ? 1 : 0;
      },
      &search);
  return search.found ? "the address of a static object" : nullptr;
}

}  // namespace aiosim::runtime
