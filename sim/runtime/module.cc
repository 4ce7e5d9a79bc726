#include "aiosim/module.h"

#include <dlfcn.h>
#include <unistd.h>

#include <fstream>
#include <sstream>
#include <utility>

#include "aiosim/verdict.h"
#include "runtime/loading.h"
#include "runtime/module_image.h"

namespace aiosim {
namespace {

std::string bytes_of(const std::string& path) {
  std::ostringstream bytes;
  bytes << std::ifstream(path, std::ios::binary).rdbuf();
  return std::move(bytes).str();
}

/// `name` as a whole, or its beginning where a version follows, among the strings of a file.
bool holds(const std::string& bytes, const std::string& name) {
  for (std::size_t at = bytes.find(name); at != bytes.npos; at = bytes.find(name, at + 1)) {
    const char after = at + name.size() < bytes.size() ? bytes[at + name.size()] : ' ';
    if (at > 0 && bytes[at - 1] == '\0' && (after == '\0' || after == '.')) return true;
  }
  return false;
}

}  // namespace

Module::Module(const std::string& file, const char* entry_symbol) : file_(file) {
  // A name without a slash would be searched for in the system's library folders.
  const std::string path = file.find('/') == std::string::npos ? "./" + file : file;
  if (::access(path.c_str(), R_OK) != 0) {
    throw BadInput("module '" + file + "': cannot be read; expected a backend's .so file");
  }
  const std::string bytes = bytes_of(path);
  // Its start-up would end the process.
  for (const char* library : {"libasan.so", "libtsan.so"}) {
    if (holds(bytes, library)) {
      throw BadInput("module '" + file + "': linked with " + library +
                     "; expected no -fsanitize among the linker's flags");
    }
  }
  std::string why;
  {
    const runtime::Loading loading(file);
    handle_ = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (handle_ == nullptr) why = dlerror();  // before other calls of the loader's
  }
  if (handle_ == nullptr) {
    if (why.starts_with(path + ": ")) why.erase(0, path.size() + 2);
    throw BadInput("module '" + file + "': not a loadable module (" + why + ")");
  }
  entry_ = dlsym(handle_, entry_symbol);
  if (entry_ == nullptr) {
    dlclose(handle_);
    throw BadInput("module '" + file + "': no symbol '" + entry_symbol +
                   "'; expected a module made by aiosim_add_backend()");
  }
  // Every object file that was compiled with the hooks calls this one when it is loaded.
  instrumented_ = holds(bytes, "__tsan_init");
  runtime::remember_module(entry_);
}

Module::~Module() {
  // Stays mapped: traces hold code addresses of it, and its thread_local blocks stay in use.
  runtime::forget_module(entry_);
}

}  // namespace aiosim
