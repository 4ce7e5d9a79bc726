#include "runtime/data_symbol.h"

#include <cxxabi.h>
#include <dlfcn.h>
#include <elf.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string_view>
#include <vector>

#include "runtime/crash.h"

namespace aiosim::runtime {
namespace {

std::vector<char> contents(const char* file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

/// The `count`-th T at `offset`; zeroes outside of the file.
template <class T>
T read_at(const std::vector<char>& file, std::size_t offset, std::size_t count = 0) {
  T out{};
  offset += count * sizeof(T);
  if (offset + sizeof(T) <= file.size()) std::memcpy(&out, file.data() + offset, sizeof(T));
  return out;
}

std::string demangled(const char* name) {
  int status = 0;
  char* text = abi::__cxa_demangle(name, nullptr, nullptr, &status);
  std::string out = status == 0 && text != nullptr ? text : name;
  std::free(text);
  return out;
}

/// The variable that covers the file's virtual address `wanted`, or "".
std::string find_symbol(const std::vector<char>& file, std::uint64_t wanted) {
  const auto header = read_at<Elf64_Ehdr>(file, 0);
  for (std::size_t i = 0; i < header.e_shnum; ++i) {
    const auto table = read_at<Elf64_Shdr>(file, header.e_shoff, i);
    if (table.sh_type != SHT_SYMTAB && table.sh_type != SHT_DYNSYM) continue;
    const auto names = read_at<Elf64_Shdr>(file, header.e_shoff, table.sh_link);
    for (std::size_t k = 0; k < table.sh_size / sizeof(Elf64_Sym); ++k) {
      const auto symbol = read_at<Elf64_Sym>(file, table.sh_offset, k);
      if (ELF64_ST_TYPE(symbol.st_info) != STT_OBJECT) continue;
      if (wanted - symbol.st_value >= symbol.st_size) continue;
      const std::size_t name = names.sh_offset + symbol.st_name;
      if (name >= file.size()) return {};
      const std::size_t size = strnlen(file.data() + name, file.size() - name);
      std::string text = demangled(std::string(file.data() + name, size).c_str());
      const std::uint64_t inside = wanted - symbol.st_value;
      return inside == 0 ? text : text + "+" + std::to_string(inside);
    }
  }
  return {};
}

}  // namespace

std::string describe_data(const void* at) {
  Dl_info info{};
  if (dladdr(at, &info) == 0 || info.dli_fname == nullptr) return describe_code(at);
  const auto base = reinterpret_cast<std::uintptr_t>(info.dli_fbase);
  const std::vector<char> file = contents(info.dli_fname);
  // An executable that is not relocatable has its addresses in the file.
  const bool relocated = read_at<Elf64_Ehdr>(file, 0).e_type == ET_DYN;
  const std::uint64_t address = reinterpret_cast<std::uintptr_t>(at) - (relocated ? base : 0);
  const std::string symbol = find_symbol(file, address);
  if (symbol.empty()) return describe_code(at);
  const std::string_view name = info.dli_fname;
  return symbol + " (" + std::string(name.substr(name.rfind('/') + 1)) + ")";
}

}  // namespace aiosim::runtime
