// loop_bench [--idle_seconds=N] [ARGUMENT OF Google Benchmark...]: event loops on the real kernel,
// all in one process; the rows of all of them can be interleaved
// (--benchmark_enable_random_interleaving).
#include <sys/resource.h>

#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "adapters/check.h"
#include "rows.h"

namespace {

constexpr rlim_t most_fds = 10'000;

void allow_many_fds() {
  rlimit limit{};
  BENCH_CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
  if (limit.rlim_max < most_fds) {
    std::fprintf(stderr, "loop_bench: at most %llu file descriptors; expected %llu (ulimit -Hn)\n",
                 static_cast<unsigned long long>(limit.rlim_max),
                 static_cast<unsigned long long>(most_fds));
    std::exit(2);
  }
  if (limit.rlim_cur < most_fds) limit.rlim_cur = most_fds;
  BENCH_CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
}

/// Takes --idle_seconds=N out of the arguments.
double idle_seconds(int* argc, char** argv) {
  constexpr std::string_view flag = "--idle_seconds=";
  double seconds = 10;
  int kept = 0;
  for (int i = 0; i < *argc; ++i) {
    if (!std::string_view(argv[i]).starts_with(flag)) {
      argv[kept++] = argv[i];
      continue;
    }
    char* end = nullptr;
    seconds = std::strtod(argv[i] + flag.size(), &end);
    if (*end != '\0' || !(seconds > 0 && seconds <= 3600)) {
      std::fprintf(stderr, "loop_bench: %s: expected seconds, more than 0, at most 3600\n",
                   argv[i]);
      std::exit(2);
    }
  }
  *argc = kept;
  return seconds;
}

}  // namespace

int main(int argc, char** argv) {
  const double seconds = idle_seconds(&argc, argv);
  allow_many_fds();
  bench::register_bottom_half_rows();
  bench::register_timer_rows();
  bench::register_fd_rows();
  bench::register_notify_rows();
  bench::register_virtqueue_rows();
  bench::register_idle_rows(seconds);
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
