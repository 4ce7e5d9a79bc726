// A bench whose set-up failed measures nothing: it ends with the line that says what failed.
#pragma once

#include <cstdio>
#include <cstdlib>

namespace bench {

inline void check_that(bool holds, const char* what, const char* file, int line) {
  if (holds) return;
  std::fprintf(stderr, "%s:%d: failed: %s\n", file, line, what);
  std::exit(2);
}

}  // namespace bench

#define BENCH_CHECK(condition) ::bench::check_that((condition), #condition, __FILE__, __LINE__)
