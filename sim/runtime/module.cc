#include "aiosim/module.h"

#include <dlfcn.h>
#include <unistd.h>

#include "aiosim/verdict.h"
#include "runtime/module_image.h"

namespace aiosim {

Module::Module(const std::string& file, const char* entry_symbol) : file_(file) {
  // A name without a slash would be searched for in the system's library folders.
  const std::string path = file.find('/') == std::string::npos ? "./" + file : file;
  if (::access(path.c_str(), R_OK) != 0) {
    throw BadInput("module '" + file + "': cannot be read; expected a backend's .so file");
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
  runtime::remember_module(entry_);
}

Module::~Module() {
  // Stays mapped: traces hold code addresses of it, and its thread_local blocks stay in use.
  runtime::forget_module(entry_);
}

}  // namespace aiosim
