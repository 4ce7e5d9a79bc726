// What a program asks of the machine and of libc besides: answered by the world, the same in each
// run, or refused by name; never by the host.
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>

#include "scenario.h"

namespace aiosim::threads {
namespace {

bool is_open(int fd) { return fcntl(fd, F_GETFD) >= 0; }

void affinity() {
  cpu_set_t set;
  CPU_ZERO(&set);
  assert(pthread_setaffinity_np(pthread_self(), sizeof set, &set) == EINVAL);
  CPU_SET(1, &set);
  assert(pthread_setaffinity_np(pthread_self(), sizeof set, &set) == 0);
  assert(sched_setaffinity(0, sizeof set, &set) == 0);
  assert(pthread_getaffinity_np(pthread_self(), sizeof set, &set) == 0 && CPU_COUNT(&set) == 4);
}

void priorities() {
  int policy = -1;
  sched_param param{};
  assert(pthread_getschedparam(pthread_self(), &policy, &param) == 0);
  assert(policy == SCHED_OTHER && param.sched_priority == 0);
  assert(pthread_setschedparam(pthread_self(), policy, &param) == 0);
  param.sched_priority = 1;
  assert(pthread_setschedparam(pthread_self(), SCHED_FIFO, &param) == EPERM);
}

void cancel_state() {
  int old = -1;
  assert(pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &old) == 0);
  assert(old == PTHREAD_CANCEL_ENABLE);
  std::thread([] {
    int others = -1;
    pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &others);
    assert(others == PTHREAD_CANCEL_ENABLE);
  }).join();
  assert(pthread_setcancelstate(old, &old) == 0 && old == PTHREAD_CANCEL_DISABLE);
  assert(pthread_setcancelstate(7, &old) == EINVAL);
  pthread_testcancel();
}

void names() {
  assert(prctl(PR_SET_NAME, "a name that is too long for it") == 0);
  char name[16];
  assert(prctl(PR_GET_NAME, name) == 0 && std::strcmp(name, "a name that is ") == 0);
  assert(pthread_getname_np(pthread_self(), name, sizeof name) == 0);
  assert(std::strcmp(name, "a name that is ") == 0);
}

void ranges_of_fds() {
  const int low = eventfd(0, 0);
  const int high = eventfd(0, 0);
  assert(close_range(5, 4, 0) < 0 && errno == EINVAL);
  assert(close_range(static_cast<unsigned>(high), ~0U, 0) == 0);
  assert(is_open(low) && !is_open(high));
  closefrom(low);
  assert(!is_open(low));
}

void no_terminal() {
  const int fd = eventfd(0, 0);
  assert(!isatty(fd) && errno == ENOTTY);
  close(fd);
  assert(!isatty(fd) && errno == EBADF);
}

void one_clock() {
  timespec before{};
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &before);
  assert(timespec_get(&now, TIME_UTC) == TIME_UTC);
  assert(now.tv_sec == before.tv_sec && now.tv_nsec > before.tv_nsec);
  assert(timespec_get(&now, 0) == 0);
}

/// As many scheduling points as each generator says: the trace tells one number from another.
void random_numbers() {
  std::random_device device;
  const unsigned all[] = {static_cast<unsigned>(std::rand()), static_cast<unsigned>(random()),
                          static_cast<unsigned>(lrand48()), arc4random(), device()};
  for (const unsigned number : all) {
    for (unsigned i = number % 16; i > 0; --i) poll(nullptr, 0, 0);
  }
  std::srand(7);
  const int first = std::rand();
  std::srand(7);
  assert(std::rand() == first);
}

void as_in_a_new_process() {
  assert(std::rand() == 1804289383);  // what glibc's first number is
  assert(lrand48() == 0);
}

void mapped_file() { mmap(nullptr, 4096, PROT_READ, MAP_SHARED, memfd_create("f", 0), 0); }
void mapped_memory() {
  void* const at =
      mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  assert(at != MAP_FAILED);
  munmap(at, 4096);
}
void many_messages() { sendmmsg(3, nullptr, 0, 0); }
void printed_to_an_fd() { dprintf(3, "text"); }
void opened_by_stdio() { static_cast<void>(std::fopen("/dev/null", "r")); }
void environment() { setenv("A_NAME", "a value", 1); }
void processor_time() { static_cast<void>(std::clock()); }

constexpr Scenario all[] = {
    {"AffinityIsForgotten", affinity},
    {"PrioritiesAreTheUsual", priorities},
    {"CancelStateIsEachThreads", cancel_state},
    {"PrctlNames", names},
    {"RangesOfFdsAreClosed", ranges_of_fds},
    {"NoFdIsATerminal", no_terminal},
    {"TimespecGetIsTheWorlds", one_clock},
    {"RandomNumbersAreTheRuns", random_numbers},
    {"RandBeginsAnewInEachRun", as_in_a_new_process},
    {"MappedMemory", mapped_memory},
    {"MappedFile", mapped_file, "crash", "mmap() of an fd is not simulated"},
    {"ManyMessages", many_messages, "crash", "sendmmsg() is not simulated"},
    {"PrintedToAnFd", printed_to_an_fd, "crash", "vdprintf() is not simulated"},
    {"OpenedByStdio", opened_by_stdio, "crash", "fopen() is not simulated"},
    {"Environment", environment, "crash", "setenv() is not simulated"},
    {"ProcessorTime", processor_time, "crash", "clock() is not simulated"},
};

}  // namespace

Scenarios machine() { return {all, std::size(all)}; }

}  // namespace aiosim::threads
