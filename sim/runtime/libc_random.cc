// Random numbers: the same in each run, and in a replay. What glibc and libstdc++ would take from
// the host or keep from an earlier run is given by the simulated kernel, or begins anew.
#include <sys/random.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "runtime/libc_call.h"
#include "runtime/libc_random.h"
#include "runtime/real.h"

namespace aiosim::runtime {

ssize_t simulated_random(void* buffer, std::size_t size, const void* pc) {
  const RuntimeScope scope;
  world().kernel->random_bytes(buffer, size, pc);
  return static_cast<ssize_t>(size);
}

namespace {

std::uint32_t random_word(const void* pc) {
  std::uint32_t word = 0;
  simulated_random(&word, sizeof word, pc);
  return word;
}

/// The generators of rand(3), random(3) and drand48(3) keep their state: as in a new process.
void begin_generators() {
  static std::uint64_t begun = 0;
  if (!under_test() || begun == world().run_number()) return;
  begun = world().run_number();
  AIOSIM_REAL(srandom)(1);
  unsigned short zero[3] = {0, 0, 0};
  AIOSIM_REAL(seed48)(zero);
}

}  // namespace
}  // namespace aiosim::runtime

using namespace aiosim::runtime;

extern "C" {

ssize_t getrandom(void* buffer, std::size_t size, unsigned flags) {
  if (!under_test()) return AIOSIM_REAL(getrandom)(buffer, size, flags);
  return simulated_random(buffer, size, CALLER);
}

int getentropy(void* buffer, std::size_t size) {
  if (!under_test()) return AIOSIM_REAL(getentropy)(buffer, size);
  constexpr std::size_t most = 256;  // getentropy(3)
  if (size > most) return libc_result(-EIO);
  simulated_random(buffer, size, CALLER);
  return 0;
}

std::uint32_t arc4random() noexcept {
  return under_test() ? random_word(CALLER) : AIOSIM_REAL(arc4random)();
}

void arc4random_buf(void* buffer, std::size_t size) noexcept {
  if (!under_test()) return AIOSIM_REAL(arc4random_buf)(buffer, size);
  simulated_random(buffer, size, CALLER);
}

std::uint32_t arc4random_uniform(std::uint32_t bound) noexcept {
  if (!under_test()) return AIOSIM_REAL(arc4random_uniform)(bound);
  return bound < 2 ? 0 : random_word(CALLER) % bound;
}

#define FROM_THE_BEGINNING(result, function, parameters, arguments) \
  result function parameters noexcept {                             \
    begin_generators();                                             \
    return AIOSIM_REAL(function) arguments;                         \
  }

FROM_THE_BEGINNING(int, rand, (), ())
FROM_THE_BEGINNING(void, srand, (unsigned seed), (seed))
FROM_THE_BEGINNING(long, random, (), ())
FROM_THE_BEGINNING(void, srandom, (unsigned seed), (seed))
FROM_THE_BEGINNING(double, drand48, (), ())
FROM_THE_BEGINNING(long, lrand48, (), ())
FROM_THE_BEGINNING(long, mrand48, (), ())
FROM_THE_BEGINNING(void, srand48, (long seed), (seed))

// std::random_device::operator(), whatever its token: it would ask the processor.
unsigned aiosim_random_device(void* device) __asm__("_ZNSt13random_device9_M_getvalEv");
unsigned aiosim_random_device(void* device) {
  if (under_test()) return random_word(CALLER);
  static const auto next = reinterpret_cast<unsigned (*)(void*)>(
      next_symbol("_ZNSt13random_device9_M_getvalEv", nullptr));
  return next(device);
}

}  // extern "C"
