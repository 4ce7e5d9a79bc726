// The definition of a libc function that comes after the interposed one.
#pragma once

#include <dlfcn.h>

#include <atomic>
#include <cstdlib>

namespace aiosim::fault {

/// `constinit Next<::read> next_read{"read"}; next_read(fd, buffer, size);`
/// Any thread, at any time, also before constructors have run: needs none itself. Looks the symbol
/// up by RTLD_NEXT, so that a sanitizer's interceptor in between still sees the call.
template <auto* declared>
class Next {
 public:
  using Function = decltype(declared);

  constexpr explicit Next(const char* name) : name_(name) {}

  template <typename... Arguments>
  auto operator()(Arguments... arguments) {
    return find()(arguments...);
  }

  /// Null if nobody defines it.
  Function lookup() {
    void* function = found_.load(std::memory_order_relaxed);
    if (function == nullptr) {
      function = dlsym(RTLD_NEXT, name_);
      found_.store(function, std::memory_order_relaxed);
    }
    return reinterpret_cast<Function>(function);
  }

 private:
  Function find() {
    auto function = lookup();
    if (function == nullptr) std::abort();  // a libc without its own functions
    return function;
  }

  const char* name_;
  std::atomic<void*> found_{nullptr};
};

}  // namespace aiosim::fault
