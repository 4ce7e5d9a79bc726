// Atomics of 1 to 16 bytes: each is one piece, and has its own history.
//
// C++ knows no atomic access to a part of an atomic object. Two sizes at one place, one of them a
// write, that are not ordered are called a race here, whatever their orders; if they are ordered,
// the later one reads what the earlier one left in memory.
#include <cstdint>
#include <type_traits>

#include "litmus.h"

namespace litmus {
namespace {

struct alignas(16) Pair {
  std::uint64_t a, b;
};

template <class T>
T filled(int value) {
  const std::uint64_t word = value == 0 ? 0 : 0x0101010101010101u * static_cast<unsigned>(value);
  if constexpr (std::is_same_v<T, Pair>) {
    return {word, word};
  } else {
    return static_cast<T>(word);
  }
}

/// The number that filled() was called with; 9 if the value is in pieces.
template <class T>
int number(T value) {
  if constexpr (std::is_same_v<T, Pair>) {
    return value.a == value.b ? static_cast<int>(value.a & 0xff) : 9;
  } else {
    const int low = static_cast<int>(value & 0xff);
    return value == filled<T>(low) ? low : 9;
  }
}

//   x = 1; y = 1   ||   r1 = y; r2 = x, where x is a T
template <class T, memory_order store, memory_order load>
Registers mp() {
  std::atomic<T> x{filled<T>(0)};
  std::atomic<int> y{0};
  int r1 = 0, r2 = 0;
  together(
      [&] {
        x.store(filled<T>(1), rlx);
        y.store(1, store);
      },
      [&] {
        r1 = y.load(load);
        r2 = number(x.load(rlx));
      });
  return {r1, r2};
}

//   exchange(x, 1)   ||   exchange(x, 2)      and x at the end
template <class T>
Registers exchange() {
  std::atomic<T> x{filled<T>(0)};
  int r1 = 0, r2 = 0;
  together([&] { r1 = number(x.exchange(filled<T>(1), ar)); },
           [&] { r2 = number(x.exchange(filled<T>(2), ar)); });
  return {r1, r2, number(x.load(rlx))};
}

//   r1 = cas(x, 0, 1)   ||   r2 = cas(x, 0, 2)      and x at the end
template <class T>
Registers cas() {
  std::atomic<T> x{filled<T>(0)};
  int r[2] = {};
  const auto one = [&](int self) {
    T expected = filled<T>(0);
    r[self] = x.compare_exchange_strong(expected, filled<T>(self + 1), ar, acq);
  };
  together([&] { one(0); }, [&] { one(1); });
  return {r[0], r[1], number(x.load(rlx))};
}

// SB on neighbouring bytes: neither store hides the other's history.
Registers neighbours() {
  struct {
    std::atomic<std::uint8_t> x{0}, y{0};
  } s;
  int r1 = 0, r2 = 0;
  together(
      [&] {
        s.x.store(1, rlx);
        r1 = s.y.load(rlx);
      },
      [&] {
        s.y.store(1, rlx);
        r2 = s.x.load(rlx);
      });
  return {r1, r2, s.x.load(rlx), s.y.load(rlx)};
}

union Words {
  std::uint64_t whole;
  std::uint32_t half[2];
};
std::atomic_ref<std::uint64_t> whole(Words& w) { return std::atomic_ref<std::uint64_t>(w.whole); }
std::atomic_ref<std::uint32_t> half(Words& w) { return std::atomic_ref<std::uint32_t>(w.half[0]); }

Registers store_and_half_load() {
  alignas(8) Words w{0};
  int r = 0;
  together([&] { whole(w).store(filled<std::uint64_t>(1), sc); },
           [&] { r = static_cast<int>(half(w).load(sc)); });
  return {r};
}

Registers load_and_half_store() {
  alignas(8) Words w{0};
  int r = 0;
  together([&] { r = static_cast<int>(whole(w).load(sc)); }, [&] { half(w).store(1, sc); });
  return {r};
}

Registers load_and_half_load() {
  alignas(8) Words w{0};
  int r1 = 0, r2 = 0;
  together([&] { r1 = static_cast<int>(whole(w).load(rlx)); },
           [&] { r2 = static_cast<int>(half(w).load(rlx)); });
  return {r1, r2};
}

//   whole = 1; y = 1   ||   r1 = y; if (r1) r2 = half
template <memory_order store, memory_order load>
Registers half_passed_on() {
  alignas(8) Words w{0};
  std::atomic<int> y{0};
  int r1 = 0, r2 = 0;
  together(
      [&] {
        whole(w).store(filled<std::uint64_t>(1), rlx);
        y.store(1, store);
      },
      [&] {
        r1 = y.load(load);
        if (r1 != 0) r2 = number(half(w).load(rlx));
      });
  return {r1, r2};
}

//   whole = 1; y = 1   ||   r1 = y; if (r1) r2 = half   ||   r3 = whole
Registers half_beside_whole() {
  alignas(8) Words w{0};
  std::atomic<int> y{0};
  int r1 = 0, r2 = 0, r3 = 0;
  together(
      [&] {
        whole(w).store(filled<std::uint64_t>(1), rlx);
        y.store(1, rel);
      },
      [&] {
        r1 = y.load(acq);
        if (r1 != 0) r2 = number(half(w).load(rlx));
      },
      [&] { r3 = number(whole(w).load(rlx)); });
  return {r1, r2, r3};
}

constexpr Program programs[] = {
    // As MP of ints: no value is in pieces.
    {"Size_1_MP_rlx", mp<std::uint8_t, rlx, rlx>, "??"},
    {"Size_2_MP_rlx", mp<std::uint16_t, rlx, rlx>, "??"},
    {"Size_8_MP_rlx", mp<std::uint64_t, rlx, rlx>, "??"},
    {"Size_16_MP_rlx", mp<Pair, rlx, rlx>, "??"},
    {"Size_1_MP_rel_acq", mp<std::uint8_t, rel, acq>, "?? but 10"},
    {"Size_16_MP_rel_acq", mp<Pair, rel, acq>, "?? but 10"},
    {"Size_1_exchange", exchange<std::uint8_t>, "012 201"},
    {"Size_16_exchange", exchange<Pair>, "012 201"},
    {"Size_2_cas", cas<std::uint16_t>, "101 012"},
    {"Size_16_cas", cas<Pair>, "101 012"},
    {"Size_neighbours", neighbours, "??11"},
    {"Sizes_mixed_store_whole", store_and_half_load, "race"},
    {"Sizes_mixed_load_whole", load_and_half_store, "race"},
    {"Sizes_mixed_loads", load_and_half_load, "00"},
    {"Sizes_mixed_ordered", half_passed_on<rel, acq>, "00 11"},
    // Two loads do not race, and the half that was read says nothing of the whole.
    {"Sizes_mixed_beside", half_beside_whole, "00? 11?"},
    {"Sizes_mixed_rlx", half_passed_on<rlx, rlx>, "00 race"},
};

}  // namespace

constinit const Family sizes{"sizes", programs};

}  // namespace litmus
