// The libc functions behind our interposers, for calls that are not simulated.
#pragma once

#include <pthread.h>
#include <semaphore.h>
#include <signal.h>

namespace aiosim::runtime {

/// The next definition of `name` after libaiosim.so; ends the process if there is none. `version`
/// may be null: the default one.
void* next_symbol(const char* name, const char* version);

/// Calls the real function of that name: AIOSIM_REAL(pthread_join)(thread, result).
#define AIOSIM_REAL_VERSION(function, version)                                              \
  ([]() {                                                                                   \
    static decltype(&::function) next = nullptr;                                            \
    if (next == nullptr) {                                                                  \
      next = reinterpret_cast<decltype(&::function)>(                                       \
          ::aiosim::runtime::next_symbol(#function, version));                              \
    }                                                                                       \
    return next;                                                                            \
  }())
#define AIOSIM_REAL(function) AIOSIM_REAL_VERSION(function, nullptr)

/// Does `address` lie in the C++ runtime libraries? Their state outlives a run: it is the host's.
bool is_cxx_runtime(const void* address);

namespace real {

inline int pthread_create(pthread_t* thread, const pthread_attr_t* attributes,
                          void* (*start)(void*), void* argument) {
  return AIOSIM_REAL(pthread_create)(thread, attributes, start, argument);
}
inline int pthread_sigmask(int how, const sigset_t* set, sigset_t* old) {
  return AIOSIM_REAL(pthread_sigmask)(how, set, old);
}

}  // namespace real
}  // namespace aiosim::runtime
