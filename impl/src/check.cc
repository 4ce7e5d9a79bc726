#include "check.h"

#include <cstdio>
#include <cstdlib>

namespace aio::detail {

void check_failed(const char* file, int line, const char* what) {
  std::fprintf(stderr, "%s:%d: check failed: %s\n", file, line, what);
  std::abort();
}

}  // namespace aio::detail
