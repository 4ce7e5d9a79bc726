// Values of 1 to 16 bytes in real memory, and what a read-modify-write makes of them.
#pragma once

#include <cstdint>
#include <cstring>
#include <type_traits>

#include "memory/memory.h"

namespace aiosim::memory {

// Typed, so that no value is put together from parts in memory (a store that a wider load waits
// for).
template <class T>
T read_as(const void* at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

template <class T>
void write_as(void* at, Value value) {
  const T part = static_cast<T>(value);
  std::memcpy(at, &part, sizeof part);
}

inline Value read_memory(const void* at, unsigned size) {
  if (size == 4) return read_as<std::uint32_t>(at);
  switch (size) {
    case 1:
      return read_as<std::uint8_t>(at);
    case 2:
      return read_as<std::uint16_t>(at);
    case 8:
      return read_as<std::uint64_t>(at);
    default:
      return read_as<Value>(at);
  }
}

inline void write_memory(void* at, unsigned size, Value value) {
  if (size == 4) return write_as<std::uint32_t>(at, value);
  switch (size) {
    case 1:
      return write_as<std::uint8_t>(at, value);
    case 2:
      return write_as<std::uint16_t>(at, value);
    case 8:
      return write_as<std::uint64_t>(at, value);
    default:
      return write_as<Value>(at, value);
  }
}

inline Value truncate(Value value, unsigned size) {
  return size >= 16 ? value : value & ((Value{1} << (8 * size)) - 1);
}

/// What values of `size` bytes are computed with.
template <unsigned size>
using WordOf = std::conditional_t<size <= 8, std::uint64_t, Value>;

template <class T>
T combine(Rmw op, T old, T operand) {
  switch (op) {
    case Rmw::exchange:
      return operand;
    case Rmw::add:
      return old + operand;
    case Rmw::sub:
      return old - operand;
    case Rmw::bit_and:
      return old & operand;
    case Rmw::bit_or:
      return old | operand;
    case Rmw::bit_xor:
      return old ^ operand;
    case Rmw::nand:
      return ~(old & operand);
  }
  return old;
}

}  // namespace aiosim::memory
