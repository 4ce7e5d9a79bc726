#include "runtime/leftovers.h"

#include <link.h>

#include <algorithm>
#include <cstring>
#include <string_view>
#include <utility>

#include "kernel/kernel.h"
#include "runtime/data_symbol.h"
#include "runtime/module_image.h"

namespace aiosim::runtime {
namespace {

constexpr std::size_t most_told = 16;

bool is_watched(const dl_phdr_info& object) {
  const std::string_view name = object.dlpi_name != nullptr ? object.dlpi_name : "";
  if (name.empty() || name.find('/') == name.npos) return false;  // the executable, the vdso
  for (const std::string_view known :
       {"/libaiosim.so", "/libc.so", "/ld-linux", "/libstdc++.so", "/libgcc_s.so", "/libm.so"}) {
    if (name.find(known) != name.npos) return false;
  }
  return !is_remembered(object.dlpi_addr);
}

}  // namespace

void LibraryState::take() {
  segments_.clear();
  dl_iterate_phdr(
      [](dl_phdr_info* object, std::size_t, void* data) {
        auto& segments = *static_cast<std::vector<Segment>*>(data);
        for (int i = 0; i < object->dlpi_phnum && is_watched(*object); ++i) {
          const auto& segment = object->dlpi_phdr[i];
          if (segment.p_type != PT_LOAD || (segment.p_flags & PF_W) == 0) continue;
          const char* at = reinterpret_cast<const char*>(object->dlpi_addr + segment.p_vaddr);
          segments.push_back({at, std::vector<char>(at, at + segment.p_memsz)});
        }
        return 0;
      },
      &segments_);
}

std::vector<std::string> LibraryState::changes() const {
  std::vector<std::string> lines;
  for (const Segment& segment : segments_) {
    for (std::size_t i = 0; i < segment.bytes.size() && lines.size() < most_told;) {
      const std::size_t part = std::min<std::size_t>(8, segment.bytes.size() - i);
      if (std::memcmp(segment.at + i, segment.bytes.data() + i, part) != 0) {
        std::string line = describe_data(segment.at + i) + " has changed, and stays so";
        if (lines.empty() || lines.back() != line) lines.push_back(std::move(line));
      }
      i += part;
    }
  }
  return lines;
}

std::vector<std::string> open_ends(World& world) {
  std::vector<std::string> lines;
  for (std::uint32_t i = 1; i < world.thread_count(); ++i) {
    const Thread& thread = world.thread(i);
    if (thread.state == Thread::State::finished || thread.of_kernel) continue;
    std::string line = "thread " + std::to_string(i) + " has not ended";
    if (thread.state == Thread::State::blocked) {
      line += ": it waits in " + std::string(thread.wait.operation);
    }
    lines.push_back(std::move(line));
  }
  for (const int fd : world.kernel->open_fds()) {
    lines.push_back("fd " + std::to_string(fd) + " is open");
  }
  return lines;
}

}  // namespace aiosim::runtime
