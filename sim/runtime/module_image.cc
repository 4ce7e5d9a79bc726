#include "runtime/module_image.h"

#include <elf.h>
#include <link.h>

#include <cstdint>
#include <cstring>
#include <utility>

extern "C" void* __tls_get_addr(void* index);

namespace aiosim::runtime {
namespace {

struct Segment {
  char* at;
  std::vector<char> image;
};

struct ModuleImage {
  std::uintptr_t base = 0;
  std::vector<Segment> segments;
  std::size_t tls_module = 0;  // 0: no thread_locals
  const char* tls_image = nullptr;
  std::size_t tls_image_size = 0;
  std::size_t tls_size = 0;
  bool loaded = true;
};

// Never shrinks: the order of modules is the index into Tcb::tls.
std::vector<ModuleImage>& modules() {
  static auto* all = new std::vector<ModuleImage>;
  return *all;
}

struct Search {
  std::uintptr_t address;
  ModuleImage* found;
};

bool contains(const dl_phdr_info& info, std::uintptr_t address) {
  for (int i = 0; i < info.dlpi_phnum; ++i) {
    const ElfW(Phdr)& header = info.dlpi_phdr[i];
    const std::uintptr_t low = info.dlpi_addr + header.p_vaddr;
    if (header.p_type == PT_LOAD && address >= low && address < low + header.p_memsz) return true;
  }
  return false;
}

// What lies in PT_GNU_RELRO is read-only by now; the rest of a writable segment is the state.
void remember_segment(const dl_phdr_info& info, const ElfW(Phdr)& header, ModuleImage& image) {
  std::uintptr_t low = info.dlpi_addr + header.p_vaddr;
  const std::uintptr_t high = low + header.p_memsz;
  for (int i = 0; i < info.dlpi_phnum; ++i) {
    const ElfW(Phdr)& other = info.dlpi_phdr[i];
    if (other.p_type != PT_GNU_RELRO) continue;
    const std::uintptr_t end = (info.dlpi_addr + other.p_vaddr + other.p_memsz) & ~4095ul;
    if (end > low && end <= high) low = end;
  }
  char* at = reinterpret_cast<char*>(low);
  image.segments.push_back({at, std::vector<char>(at, reinterpret_cast<char*>(high))});
}

int visit(dl_phdr_info* info, std::size_t, void* data) {
  auto& search = *static_cast<Search*>(data);
  if (!contains(*info, search.address)) return 0;
  ModuleImage& image = *search.found;
  image.base = info->dlpi_addr;
  for (int i = 0; i < info->dlpi_phnum; ++i) {
    const ElfW(Phdr)& header = info->dlpi_phdr[i];
    if (header.p_type == PT_LOAD && (header.p_flags & PF_W) != 0) {
      remember_segment(*info, header, image);
    } else if (header.p_type == PT_TLS) {
      image.tls_module = info->dlpi_tls_modid;
      image.tls_image = reinterpret_cast<const char*>(info->dlpi_addr + header.p_vaddr);
      image.tls_image_size = header.p_filesz;
      image.tls_size = header.p_memsz;
    }
  }
  return 1;
}

}  // namespace

std::size_t module_count = 0;

void remember_module(const void* address) {
  ModuleImage image;
  Search search{reinterpret_cast<std::uintptr_t>(address), &image};
  if (dl_iterate_phdr(visit, &search) != 0) modules().push_back(std::move(image));
  module_count = modules().size();
}

void forget_module(const void* address) {
  ModuleImage image;
  Search search{reinterpret_cast<std::uintptr_t>(address), &image};
  if (dl_iterate_phdr(visit, &search) == 0) return;
  for (ModuleImage& known : modules()) {
    if (known.base == image.base) known.loaded = false;
  }
}

bool is_remembered(std::uintptr_t base) {
  for (const ModuleImage& known : modules()) {
    if (known.base == base && known.loaded) return true;
  }
  return false;
}

void each_segment(const VisitBytes& visit) {
  for (const ModuleImage& module : modules()) {
    if (!module.loaded) continue;
    for (const Segment& segment : module.segments) visit(segment.at, segment.image.size());
  }
}

void each_tls_block(const std::vector<void*>& blocks, const VisitBytes& visit) {
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    const ModuleImage& module = modules()[i];
    if (module.loaded && blocks[i] != nullptr) visit(blocks[i], module.tls_size);
  }
}

void restore_segments() {
  for (const ModuleImage& module : modules()) {
    if (!module.loaded) continue;
    for (const Segment& segment : module.segments) {
      std::memcpy(segment.at, segment.image.data(), segment.image.size());
    }
  }
}

void find_tls_blocks(std::vector<void*>& blocks) {
  for (std::size_t i = blocks.size(); i < modules().size(); ++i) {
    const ModuleImage& module = modules()[i];
    void* block = nullptr;
    if (module.loaded && module.tls_module != 0) {
      std::size_t index[2] = {module.tls_module, 0};
      block = __tls_get_addr(index);
    }
    blocks.push_back(block);
  }
}

void restore_tls_images(const std::vector<void*>& blocks) {
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    const ModuleImage& module = modules()[i];
    if (!module.loaded || blocks[i] == nullptr) continue;
    char* block = static_cast<char*>(blocks[i]);
    std::memcpy(block, module.tls_image, module.tls_image_size);
    std::memset(block + module.tls_image_size, 0, module.tls_size - module.tls_image_size);
  }
}

}  // namespace aiosim::runtime
