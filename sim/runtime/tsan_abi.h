// Atomic operations of hooks outside a run: what the code means.
#pragma once

#include <cstdint>

#include "memory/memory.h"

namespace aiosim::runtime {

using Wide = memory::Value;

// seq_cst whatever was asked for: stronger is right, and the order is a run-time value here.

/// One instruction; the x86-64 baseline of compilers does not assume it.
inline bool host_exchange_if_equal(volatile Wide* at, Wide& expected, Wide desired) {
  auto low = static_cast<std::uint64_t>(expected);
  auto high = static_cast<std::uint64_t>(expected >> 64);
  bool equal;
  asm volatile("lock cmpxchg16b %[at]"
               : [at] "+m"(*at), "+a"(low), "+d"(high), "=@ccz"(equal)
               : "b"(static_cast<std::uint64_t>(desired)),
                 "c"(static_cast<std::uint64_t>(desired >> 64))
               : "memory");
  if (!equal) expected = Wide{high} << 64 | low;
  return equal;
}

template <class T>
bool host_exchange_if_equal(volatile T* at, T& expected, T desired) {
  return __atomic_compare_exchange_n(at, &expected, desired, false, __ATOMIC_SEQ_CST,
                                     __ATOMIC_SEQ_CST);
}

template <class T>
T host_load(const volatile T* at) {
  if constexpr (sizeof(T) == 16) {
    T value = 0;
    host_exchange_if_equal(const_cast<volatile T*>(at), value, T{0});
    return value;
  } else {
    return __atomic_load_n(at, __ATOMIC_SEQ_CST);
  }
}

template <class T>
T host_rmw(volatile T* at, memory::Rmw op, T operand) {
  T old = host_load(at);
  T value;
  do {
    switch (op) {
      case memory::Rmw::exchange:
        value = operand;
        break;
      case memory::Rmw::add:
        value = static_cast<T>(old + operand);
        break;
      case memory::Rmw::sub:
        value = static_cast<T>(old - operand);
        break;
      case memory::Rmw::bit_and:
        value = old & operand;
        break;
      case memory::Rmw::bit_or:
        value = old | operand;
        break;
      case memory::Rmw::bit_xor:
        value = old ^ operand;
        break;
      default:
        value = static_cast<T>(~(old & operand));
        break;
    }
  } while (!host_exchange_if_equal(at, old, value));
  return old;
}

}  // namespace aiosim::runtime
