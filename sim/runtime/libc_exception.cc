// The C++ runtime counts references to exception objects where no hook sees it: what it orders is
// said here. Each count of an object happens before the next one, as acquire-release.
#include <cxxabi.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <exception>

#include "runtime/crash.h"
#include "runtime/heap.h"
#include "runtime/real.h"
#include "runtime/world.h"

extern "C" {
// As the Itanium ABI mangles them: std::exception_ptr's members, std::rethrow_exception, terminate.
void _ZNSt15__exception_ptr13exception_ptr9_M_addrefEv(void** self) noexcept;
void _ZNSt15__exception_ptr13exception_ptr10_M_releaseEv(void** self) noexcept;
void _ZSt17rethrow_exceptionNSt15__exception_ptr13exception_ptrE(void** pointer);
[[noreturn]] void _ZSt9terminatev() noexcept;
}

namespace aiosim::runtime {
namespace {

// What lies before an exception object in libstdc++ on x86-64 (unwind-cxx.h): the unwinder's part
// is the last, and the class of the exception its first word. A dependent exception is as long, and
// begins with the address of the object that it shares.
constexpr std::size_t header_size = 112;
constexpr std::size_t unwind_header_size = 32;
constexpr std::uint64_t dependent_class = 0x474e5543432b2b01;  // "GNUCC++\1"

void order(const void* object) {
  if (object == nullptr) return;
  const RuntimeScope scope;
  World& w = world();
  w.touch({ObjectType::heap, 0}, true);
  w.memory.acquire_at(g_current->id, object);
  w.memory.release_at(g_current->id, object);
}

struct CaughtExceptions {
  char* top;  // a __cxa_exception
  unsigned uncaught;
};

/// The object of the handler that ends: a rethrown one is reached by way of its own header.
const void* caught_object() {
  const auto* globals = reinterpret_cast<const CaughtExceptions*>(abi::__cxa_get_globals());
  if (globals->top == nullptr) return nullptr;
  const char* end = globals->top + header_size;
  std::uint64_t exception_class;
  std::memcpy(&exception_class, end - unwind_header_size, sizeof exception_class);
  if (exception_class != dependent_class) return end;
  const void* primary;
  std::memcpy(&primary, globals->top, sizeof primary);
  return primary;
}

}  // namespace
}  // namespace aiosim::runtime

using namespace aiosim::runtime;

extern "C" {

void _ZNSt15__exception_ptr13exception_ptr9_M_addrefEv(void** self) noexcept {
  if (under_test()) order(*self);
  AIOSIM_REAL(_ZNSt15__exception_ptr13exception_ptr9_M_addrefEv)(self);
}

void _ZNSt15__exception_ptr13exception_ptr10_M_releaseEv(void** self) noexcept {
  if (under_test()) order(*self);
  AIOSIM_REAL(_ZNSt15__exception_ptr13exception_ptr10_M_releaseEv)(self);
}

void _ZSt17rethrow_exceptionNSt15__exception_ptr13exception_ptrE(void** pointer) {
  if (under_test()) order(*pointer);
  AIOSIM_REAL(_ZSt17rethrow_exceptionNSt15__exception_ptr13exception_ptrE)(pointer);
}

void _ZSt9terminatev() noexcept {
  if (under_test()) end_by_terminate(__builtin_return_address(0));
  AIOSIM_REAL(_ZSt9terminatev)();
  __builtin_unreachable();
}

}  // extern "C"

namespace __cxxabiv1 {
extern "C" void __cxa_end_catch();
}
using __cxxabiv1::__cxa_end_catch;  // AIOSIM_REAL looks in the global namespace

extern "C" void __cxxabiv1::__cxa_end_catch() {
  if (under_test()) order(caught_object());
  AIOSIM_REAL(__cxa_end_catch)();
}
