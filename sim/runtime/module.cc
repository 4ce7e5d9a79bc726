#include "aiosim/module.h"

#include <dlfcn.h>
#include <unistd.h>

#include <fstream>
#include <iterator>

#include "aiosim/verdict.h"
#include "runtime/module_image.h"

namespace aiosim {
namespace {

/// `name` as a whole, or its beginning where a version follows, among the strings of `path`.
bool file_holds(const std::string& path, const std::string& name) {
  std::ifstream file(path, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  const std::string whole = std::string(1, '\0') + name;
  return bytes.find(whole + '\0') != bytes.npos || bytes.find(whole + '.') != bytes.npos;
}

}  // namespace

Module::Module(const std::string& file, const char* entry_symbol) : file_(file) {
  // A name without a slash would be searched for in the system's library folders.
  const std::string path = file.find('/') == std::string::npos ? "./" + file : file;
  if (::access(path.c_str(), R_OK) != 0) {
    throw BadInput("module '" + file + "': cannot be read; expected a backend's .so file");
  }
  // Its start-up would end the process.
  for (const char* library : {"libasan.so", "libtsan.so"}) {
    if (file_holds(path, library)) {
      throw BadInput("module '" + file + "': linked with " + library +
                     "; expected no -fsanitize among the linker's flags");
    }
  }
  handle_ = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle_ == nullptr) {
    std::string why = dlerror();
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
  instrumented_ = file_holds(path, "__tsan_init");
  runtime::remember_module(entry_);
}

Module::~Module() {
  // Stays mapped: traces hold code addresses of it, and its thread_local blocks stay in use.
  runtime::forget_module(entry_);
}

}  // namespace aiosim
