#include "under_test.h"

#include <sched.h>
#include <time.h>

#include <cerrno>
#include <cstring>
#include <string>

namespace properties {

using aiosim::UnderTestScope;

void pass_time(std::int64_t ns) {
  if (!aiosim::in_world()) {
    std::this_thread::yield();
    return;
  }
  timespec left{ns / 1'000'000'000, ns % 1'000'000'000};
  aiosim::note("advance", ns);
  const UnderTestScope scope;
  while (nanosleep(&left, &left) != 0 && errno == EINTR) {
  }
}

void make_way() {
  const UnderTestScope scope;
  sched_yield();
}

void join_thread(void* place) {
  auto* thread = std::launder(reinterpret_cast<std::thread*>(place));
  const UnderTestScope scope;
  thread->join();
  thread->~thread();
}

void could_not_make(int error) {
  const std::string why = error == 0 ? "errno does not say why" : std::strerror(error);
  aiosim::stop_run(
      {aiosim::VerdictKind::rule_broken, "R97", "what a loop needs could not be made: " + why});
}

}  // namespace properties
