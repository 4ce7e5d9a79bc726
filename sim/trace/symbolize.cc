#include "trace/symbolize.h"

#include <cxxabi.h>
#include <dwarf.h>
#include <elfutils/libdw.h>
#include <elfutils/libdwfl.h>
#include <link.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <regex>
#include <unordered_map>
#include <vector>

namespace aiosim::trace {
namespace {

bool is_system(const std::string& file) {
  return file.starts_with("/usr/include/") || file.starts_with("/usr/lib/") ||
         file.starts_with("<");
}

std::string demangled(const char* name) {
  int status = 0;
  char* text = abi::__cxa_demangle(name, nullptr, nullptr, &status);
  std::string out = status == 0 && text != nullptr ? text : name;
  std::free(text);
  return out;
}

/// "aio::Context::notify(int) const" -> "aio::Context::notify"; "operator()" and a lambda's own
/// parameters inside "{lambda(int)#1}" stay.
std::string without_parameters(const std::string& text) {
  int depth = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '{' || c == '<') ++depth;
    if ((c == '}' || c == '>') && depth > 0) --depth;
    if (c != '(' || depth > 0) continue;
    if (text.compare(i, 21, "(anonymous namespace)") == 0) {
      i += 20;
      continue;
    }
    if (i >= 8 && text.compare(i - 8, 8, "operator") == 0) {
      ++i;
      continue;
    }
    return text.substr(0, i);
  }
  return text;
}

std::string function_name(Dwarf_Die* die) {
  Dwarf_Attribute attribute;
  for (const unsigned which : {DW_AT_linkage_name, DW_AT_MIPS_linkage_name}) {
    if (dwarf_attr_integrate(die, which, &attribute) == nullptr) continue;
    const char* name = dwarf_formstring(&attribute);
    if (name == nullptr) continue;
    const std::string whole = demangled(name);
    if (whole.find("::$_") != std::string::npos) break;  // clang's lambdas; g++ gives them none
    return without_parameters(whole);
  }
  const char* name = dwarf_diename(die);
  return name == nullptr ? std::string() : name;
}

/// Where the inlined function `die` was called.
Place call_site(Dwarf_Die* unit, Dwarf_Die* die) {
  Place place;
  Dwarf_Attribute attribute;
  Dwarf_Word value = 0;
  if (dwarf_formudata(dwarf_attr(die, DW_AT_call_line, &attribute), &value) == 0) {
    place.line = static_cast<unsigned>(value);
  }
  Dwarf_Files* files = nullptr;
  std::size_t count = 0;
  if (dwarf_formudata(dwarf_attr(die, DW_AT_call_file, &attribute), &value) == 0 &&
      dwarf_getsrcfiles(unit, &files, &count) == 0 && value < count) {
    const char* file = dwarf_filesrc(files, value, nullptr, nullptr);
    if (file != nullptr) place.file = file;
  }
  return place;
}

bool is_function(Dwarf_Die* die) {
  const int tag = dwarf_tag(die);
  return tag == DW_TAG_subprogram || tag == DW_TAG_inlined_subroutine;
}

}  // namespace

struct Symbolizer::Impl {
  Dwfl* dwfl = nullptr;
  char* no_debug_path = nullptr;
  Dwfl_Callbacks callbacks = {};
  std::unordered_map<const void*, Place> known;

  void open() {
    callbacks.find_elf = dwfl_linux_proc_find_elf;
    callbacks.find_debuginfo = dwfl_standard_find_debuginfo;
    callbacks.debuginfo_path = &no_debug_path;
    dwfl = dwfl_begin(&callbacks);
    if (dwfl == nullptr) return;
    dwfl_report_begin(dwfl);
    dwfl_linux_proc_report(dwfl, getpid());
    dwfl_report_end(dwfl, nullptr, nullptr);
  }

  Place look_up(const void* pc);
};

/// The compilation unit of an address. clang writes no .debug_aranges, by which libdw looks first.
Dwarf_Die* find_unit(Dwfl_Module* module, Dwarf_Addr address, Dwarf_Addr* bias) {
  Dwarf_Die* unit = dwfl_module_addrdie(module, address, bias);
  if (unit != nullptr) return unit;
  while ((unit = dwfl_module_nextcu(module, unit, bias)) != nullptr) {
    if (dwarf_haspc(unit, address - *bias) > 0) break;
  }
  return unit;
}

Place Symbolizer::Impl::look_up(const void* pc) {
  // A return address: the call is before it.
  const auto address = reinterpret_cast<Dwarf_Addr>(pc) - 1;
  Dwfl_Module* module = dwfl == nullptr ? nullptr : dwfl_addrmodule(dwfl, address);
  if (module == nullptr) return {};
  Place place;
  Dwarf_Addr bias = 0;
  Dwarf_Die* unit = find_unit(module, address, &bias);
  if (Dwarf_Line* line = unit == nullptr ? nullptr : dwarf_getsrc_die(unit, address - bias)) {
    int number = 0;
    const char* file = dwarf_linesrc(line, nullptr, nullptr);
    if (file != nullptr) place.file = file;
    if (dwarf_lineno(line, &number) == 0) place.line = static_cast<unsigned>(number);
  }
  Dwarf_Die* innermost = nullptr;
  const int depth = unit == nullptr ? 0 : dwarf_getscopes(unit, address - bias, &innermost);
  // The scopes of the address, innermost first, as the compiler laid them out; those of an inlined
  // function go on in the function that it was inlined into.
  Dwarf_Die* scopes = nullptr;
  int count = depth > 0 ? dwarf_getscopes_die(&innermost[0], &scopes) : 0;
  Place inner = place;
  bool done = false;
  for (int i = 0; i < count && !done; ++i) {
    if (!is_function(&scopes[i])) continue;
    inner.function = function_name(&scopes[i]);
    if (place.function.empty() && !inner.file.empty()) place = inner;
    done = !is_system(inner.file) && !inner.file.empty();
    if (done) place = inner;
    if (dwarf_tag(&scopes[i]) != DW_TAG_inlined_subroutine) break;
    inner = call_site(unit, &scopes[i]);
  }
  std::free(innermost);
  std::free(scopes);
  if (place.function.empty()) {
    if (const char* name = dwfl_module_addrname(module, address)) {
      place.function = without_parameters(demangled(name));
    }
  }
  return place;
}

Symbolizer::Symbolizer() : impl_(std::make_unique<Impl>()) { impl_->open(); }

Symbolizer::~Symbolizer() {
  if (impl_->dwfl != nullptr) dwfl_end(impl_->dwfl);
}

const Place& Symbolizer::find(const void* pc) {
  const auto it = impl_->known.find(pc);
  if (it != impl_->known.end()) return it->second;
  return impl_->known.emplace(pc, pc == nullptr ? Place{} : impl_->look_up(pc)).first->second;
}

std::string short_place(const Place& place) {
  if (place.file.empty() || place.line == 0) return {};
  return place.file.substr(place.file.rfind('/') + 1) + ":" + std::to_string(place.line);
}

namespace {

struct NamedModule {
  std::string_view name;  // without the folder
  const void* base = nullptr;
};

const void* base_of(std::string_view name) {
  NamedModule wanted{name};
  dl_iterate_phdr(
      [](dl_phdr_info* info, std::size_t, void* data) {
        auto& module = *static_cast<NamedModule*>(data);
        std::string_view file = info->dlpi_name;
        file.remove_prefix(file.rfind('/') + 1);  // npos + 1 is 0
        if (file != module.name) return 0;
        module.base = reinterpret_cast<const void*>(info->dlpi_addr);
        return 1;
      },
      &wanted);
  return wanted.base;
}

}  // namespace

namespace {

/// How a line of a call stack begins. 0 if the place at `at` is in no such line.
std::size_t frame_start(const std::string& text, std::size_t at) {
  for (const std::string_view start : {"\n    in ", "\n    called from "}) {
    const std::size_t size = start.size();
    if (at >= size && text.compare(at - size, size, start) == 0) return size;
  }
  return 0;
}

}  // namespace

std::string with_places(const std::string& text, Symbolizer& symbolizer) {
  static const std::regex address(R"(([A-Za-z0-9_.-]+)\+0x([0-9a-f]+))");
  std::string out;
  std::sregex_iterator it(text.begin(), text.end(), address);
  auto copied = text.begin();
  for (; it != std::sregex_iterator(); ++it) {
    const std::string module = (*it)[1];
    const void* base = base_of(module);
    const auto offset = std::stoull((*it)[2], nullptr, 16);
    const Place found =
        base == nullptr ? Place{} : symbolizer.find(static_cast<const char*>(base) + offset);
    std::string place = short_place(found);
    const auto start = static_cast<std::ptrdiff_t>(
        frame_start(text, static_cast<std::size_t>((*it)[0].first - text.begin())));
    if (start != 0 && place.empty()) {
      // A caller in a library or in the harness, which another machine has elsewhere.
      out.append(copied, (*it)[0].first - start);
      copied = (*it)[0].second;
      continue;
    }
    if (place.empty()) continue;
    if (start != 0 && !found.function.empty()) place = found.function + " (" + place + ")";
    out.append(copied, (*it)[0].first);
    out += place;
    copied = (*it)[0].second;
  }
  return out.append(copied, text.end());
}

std::string source_line(const Place& place) {
  std::ifstream file(place.file);
  std::string text;
  for (unsigned i = 0; i < place.line; ++i) {
    if (!std::getline(file, text)) return {};
  }
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == std::string::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r") + 1 - first);
}

}  // namespace aiosim::trace
