#include "runtime/crash.h"

#include <cxxabi.h>
#include <dlfcn.h>
#include <signal.h>
#include <sys/mman.h>
#include <ucontext.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <typeinfo>

#include "runtime/real.h"
#include "runtime/world.h"

namespace aiosim::runtime {
namespace {

struct Signal {
  int number;
  const char* name;
  struct sigaction former;
};
std::array<Signal, 4> caught = {{{SIGSEGV, "SIGSEGV", {}},
                                 {SIGBUS, "SIGBUS", {}},
                                 {SIGFPE, "SIGFPE", {}},
                                 {SIGILL, "SIGILL", {}}}};

// What the handler saw, for the code that it returns to.
struct Crash {
  int number;
  const void* address;
  const void* pc;
};
Crash crash;

// A stack of its own: the thread's may be exhausted, and the signal stack is the kernel's.
constexpr std::size_t last_stack_size = 64 * 1024;
alignas(16) char last_stack[last_stack_size];

[[noreturn]] void end_after_crash() {
  const char* signal_name = "signal";
  for (const Signal& s : caught) {
    if (s.number == crash.number) signal_name = s.name;
  }
  ++g_current->harness;
  char address[32];
  std::snprintf(address, sizeof address, "%p", crash.address);
  std::string text = signal_name;
  if (crash.number == SIGSEGV && in_stack_guard(crash.address)) {
    text += ": stack overflow";
  } else if (crash.number == SIGSEGV && reinterpret_cast<std::uintptr_t>(crash.address) < 65536) {
    text += std::string(": null pointer access at ") + address;
  } else if (crash.number == SIGSEGV) {
    text += ": invalid memory access";
  }
  text += " at " + describe_code(crash.pc) + " in " + g_current->name;
  world().fail(VerdictKind::crash, std::move(text));
}

void handle(int number, siginfo_t* info, void* data) {
  if (g_current == nullptr) {
    // Not ours: the former handler, on the fault that comes again.
    for (const Signal& s : caught) {
      if (s.number == number) sigaction(number, &s.former, nullptr);
    }
    return;
  }
  auto* context = static_cast<ucontext_t*>(data);
  auto& registers = context->uc_mcontext.gregs;
  crash = {number, info->si_addr, reinterpret_cast<const void*>(registers[REG_RIP])};
  registers[REG_RIP] = reinterpret_cast<greg_t>(&end_after_crash);
  // As after a call: 16-byte aligned plus the return address.
  registers[REG_RSP] = reinterpret_cast<greg_t>(last_stack + last_stack_size - 8);
}

std::terminate_handler former_terminate = nullptr;

[[noreturn]] void terminate_in_world() {
  if (g_current == nullptr) {
    former_terminate();
    std::abort();
  }
  end_by_terminate(nullptr);
}

/// Why there may be a std::terminate without an exception; "" if it is not that.
std::string describe_unjoined() {
  World& w = world();
  for (std::uint32_t id = 1; id < w.thread_count(); ++id) {
    const Thread& thread = w.thread(id);
    if (thread.joined || thread.detached) continue;
    return "; " + std::string(thread.name) +
           " is neither joined nor detached, which the end of a std::thread does not allow";
  }
  return {};
}

}  // namespace

void install_crash_handlers() {
  static bool installed = false;
  if (installed) return;
  installed = true;
  constexpr std::size_t size = 64 * 1024;
  void* memory =
      mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  stack_t alternate{};
  alternate.ss_sp = memory;
  alternate.ss_size = size;
  sigaltstack(&alternate, nullptr);
  for (Signal& s : caught) {
    struct sigaction action {};
    action.sa_sigaction = handle;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
    sigaction(s.number, &action, &s.former);
  }
  former_terminate = std::set_terminate(terminate_in_world);
}

void end_by_terminate(const void* pc) {
  ++g_current->harness;
  std::string text = "std::terminate in " + std::string(g_current->name);
  if (std::current_exception() != nullptr) {
    world().fail(VerdictKind::escaped_exception, text + ": " + describe_current_exception());
  }
  if (pc != nullptr && !is_cxx_runtime(pc)) text += " at " + describe_code(pc);
  world().fail(VerdictKind::crash, text + describe_unjoined());
}

std::string describe_current_exception() {
  const std::type_info* type = abi::__cxa_current_exception_type();
  if (type == nullptr) return "unknown exception";
  int status = 0;
  char* readable = abi::__cxa_demangle(type->name(), nullptr, nullptr, &status);
  std::string text = readable != nullptr ? readable : type->name();
  std::free(readable);
  try {
    throw;
  } catch (const std::exception& e) {
    text += std::string(": ") + e.what();
  } catch (...) {
  }
  return text;
}

std::string describe_code(const void* pc) {
  Dl_info info{};
  char text[32];
  if (dladdr(pc, &info) == 0 || info.dli_fname == nullptr) {
    std::snprintf(text, sizeof text, "%p", pc);
    return text;
  }
  const char* slash = std::strrchr(info.dli_fname, '/');
  std::snprintf(text, sizeof text, "+0x%zx",
                static_cast<std::size_t>(static_cast<const char*>(pc) -
                                         static_cast<const char*>(info.dli_fbase)));
  return std::string(slash != nullptr ? slash + 1 : info.dli_fname) + text;
}

}  // namespace aiosim::runtime
