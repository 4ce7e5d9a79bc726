// Threads and time of programs: made and spent under test.
#pragma once

#include <cerrno>
#include <cstdint>
#include <new>
#include <system_error>
#include <thread>

#include "aiosim/observe.h"

namespace properties {

/// Simulated time; real threads only make way: no test sleeps.
void pass_time(std::int64_t ns);
void make_way();

/// Starts a thread under test that runs `body` as harness, in a place that is not destroyed if the
/// run is abandoned. A system that has no thread to give is asked again.
template <typename Body>
void start_thread(void* place, const Body& body) {
  constexpr int most_tries = 64;
  const aiosim::UnderTestScope scope;
  for (int i = 0;; ++i) {
    try {
      new (place) std::thread([body] {
        const aiosim::HarnessScope harness;
        body();
      });
      return;
    } catch (const std::system_error&) {
      if (i == most_tries) throw;
    }
  }
}
void join_thread(void* place);

[[noreturn]] void could_not_make(int error);

/// What `make()` makes under test. Refused for want of an fd or a thread, it is asked again.
template <typename Make>
auto made(const Make& make) {
  constexpr int most_tries = 64;
  decltype(make()) out = nullptr;
  int error = 0;
  for (int i = 0; i < most_tries && out == nullptr; ++i) {
    const aiosim::UnderTestScope scope;
    errno = 0;
    out = make();
    error = errno;
    if (out == nullptr && error != EMFILE && error != EAGAIN) break;
  }
  if (out == nullptr) could_not_make(error);  // R97
  return out;
}

}  // namespace properties
