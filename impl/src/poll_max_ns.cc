#include "poll_max_ns.h"

#include <atomic>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <system_error>

namespace aio::detail {

namespace {
constexpr const char* poll_max_ns_variable = "QEMU_AIO_POLL_MAX_NS";
std::atomic<bool> bad_poll_max_ns_reported{false};
}  // namespace

std::int64_t default_poll_max_ns() {
  const char* text = std::getenv(poll_max_ns_variable);
  if (text == nullptr) return 0;
  const char* end = text + std::strlen(text);
  std::int64_t ns = 0;
  const auto [stop, error] = std::from_chars(text, end, ns);
  if (error == std::errc{} && stop == end && ns >= 0) return ns;
  if (!bad_poll_max_ns_reported.exchange(true, std::memory_order_relaxed)) {
    std::fprintf(stderr, "aio: %s='%s' is not a number of nanoseconds; busy polling is off\n",
                 poll_max_ns_variable, text);
  }
  return 0;
}

}  // namespace aio::detail
