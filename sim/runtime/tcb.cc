#include "runtime/tcb.h"

#include <asm/prctl.h>
#include <cxxabi.h>
#include <linux/futex.h>
#include <signal.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "memory/layout.h"
#include "runtime/module_image.h"
#include "runtime/real.h"

namespace aiosim::runtime {
namespace {

// Raw, because our own interposers must not see the pool's calls.
long futex(std::atomic<std::uint32_t>* word, int op, std::uint32_t value) {
  long result;
  register long r10 asm("r10") = 0;
  asm volatile("syscall"
               : "=a"(result)
               : "a"(SYS_futex), "D"(word), "S"(op), "d"(value), "r"(r10)
               : "rcx", "r11", "memory");
  return result;
}

void* park(void* argument) {
  auto* parked = static_cast<std::atomic<std::uint32_t>*>(argument);
  sigset_t all;
  sigfillset(&all);
  real::pthread_sigmask(SIG_SETMASK, &all, nullptr);
  parked->store(1);
  futex(parked, FUTEX_WAKE_PRIVATE, 1);
  static std::atomic<std::uint32_t> never{0};
  for (;;) futex(&never, FUTEX_WAIT_PRIVATE, 0);
}

std::vector<std::unique_ptr<Tcb>>& pool() {
  static auto* tcbs = new std::vector<std::unique_ptr<Tcb>>;
  return *tcbs;
}

// The parked threads do not exist in the child: borrow from new ones.
void forget_pool() {
  for (auto& tcb : pool()) static_cast<void>(tcb.release());
  pool().clear();
  ++tcb_generation;
}

// glibc puts a thread's control block, and with it pthread_self(), into its stack. Where that lies
// must not differ from process to process: code under test computes with it (std::barrier does).
void* stack_of_parked(unsigned index) {
  constexpr std::size_t size = memory::control_block_stride;
  void* const wanted = reinterpret_cast<void*>(memory::control_blocks_address + index * size);
  // In a forked child the parent's is there, and nobody's.
  munmap(wanted, size);
  void* const got = mmap(wanted, size, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
  return got == wanted ? got : nullptr;
}

std::unique_ptr<Tcb> make_tcb(unsigned index) {
  auto tcb = std::make_unique<Tcb>();
  std::atomic<std::uint32_t> parked{0};
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  void* const stack = stack_of_parked(index);
  if (stack == nullptr || pthread_attr_setstack(&attributes, stack, memory::control_block_stride) ||
      real::pthread_create(&tcb->handle, &attributes, park, &parked) != 0) {
    std::fprintf(stderr, "aiosim: cannot create the pthread whose control block a simulated "
                         "thread borrows\n");
    std::_Exit(2);
  }
  pthread_attr_destroy(&attributes);
  while (parked.load() == 0) futex(&parked, FUTEX_WAIT_PRIVATE, 0);
  tcb->fs = static_cast<std::uintptr_t>(tcb->handle);  // x86-64 glibc: pthread_t is the %fs base
  return tcb;
}

}  // namespace

bool has_fsgsbase = false;
unsigned tcb_generation = 1;

std::uintptr_t get_fs() { return static_cast<std::uintptr_t>(::pthread_self()); }

void set_fs_by_system_call(std::uintptr_t base) {
  long result;
  asm volatile("syscall"
               : "=a"(result)
               : "a"(SYS_arch_prctl), "D"(ARCH_SET_FS), "S"(base)
               : "rcx", "r11", "memory");
}

Tcb& borrow_tcb(unsigned index) {
  auto& tcbs = pool();
  if (tcbs.empty()) {
    constexpr unsigned long hwcap2_fsgsbase = 1ul << 1;
    has_fsgsbase = (getauxval(AT_HWCAP2) & hwcap2_fsgsbase) != 0;
    static const int registered = pthread_atfork(nullptr, nullptr, forget_pool);
    static_cast<void>(registered);
  }
  while (tcbs.size() <= index) tcbs.push_back(make_tcb(static_cast<unsigned>(tcbs.size())));
  return *tcbs[index];
}

namespace {

struct ExceptionGlobals {
  void* caught;
  unsigned uncaught;
};

}  // namespace

void reset_tcb(Tcb& tcb) {
  const bool is_new = tcb.error == nullptr;
  if (is_new || tcb.tls.size() != module_count) {
    const std::uintptr_t own = get_fs();
    set_fs(tcb.fs);
    tcb.error = &errno;
    tcb.exceptions = abi::__cxa_get_globals();
    find_tls_blocks(tcb.tls);
    set_fs(own);
    tcb.has_tls = std::any_of(tcb.tls.begin(), tcb.tls.end(),
                              [](const void* block) { return block != nullptr; });
  }
  *tcb.error = 0;
  *static_cast<ExceptionGlobals*>(tcb.exceptions) = {};
  if (tcb.has_tls) restore_tls_images(tcb.tls);
}

}  // namespace aiosim::runtime
