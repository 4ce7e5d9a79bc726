// Read-modify-writes: nothing comes between what one reads and what it writes (RMW), relaxed or
// not. So they are totally ordered by mo, and each reads its predecessor.
#include "litmus.h"

namespace litmus {
namespace {

/// What both saw, and what came of it.
template <class First, class Second>
Registers two(int start, First first, Second second) {
  std::atomic<int> x{start};
  int r1 = 0, r2 = 0;
  together([&] { r1 = first(x); }, [&] { r2 = second(x); });
  return {r1, r2, x.load(rlx)};
}

template <memory_order order>
Registers add() {
  const auto op = [](std::atomic<int>& x) { return x.fetch_add(1, order); };
  return two(0, op, op);
}
Registers subtract() {
  return two(
      5, [](std::atomic<int>& x) { return x.fetch_sub(1, rlx); },
      [](std::atomic<int>& x) { return x.fetch_sub(2, rlx); });
}
Registers bit_or() {
  return two(
      0, [](std::atomic<int>& x) { return x.fetch_or(1, rlx); },
      [](std::atomic<int>& x) { return x.fetch_or(2, rlx); });
}
Registers bit_and() {
  return two(
      3, [](std::atomic<int>& x) { return x.fetch_and(1, rlx); },
      [](std::atomic<int>& x) { return x.fetch_and(2, rlx); });
}
Registers bit_xor() {
  return two(
      1, [](std::atomic<int>& x) { return x.fetch_xor(3, rlx); },
      [](std::atomic<int>& x) { return x.fetch_xor(1, rlx); });
}
Registers exchange() {
  return two(
      0, [](std::atomic<int>& x) { return x.exchange(1, rlx); },
      [](std::atomic<int>& x) { return x.exchange(2, rlx); });
}
Registers add_and_store() {
  return two(
      0, [](std::atomic<int>& x) { return x.fetch_add(1, rlx); },
      [](std::atomic<int>& x) {
        x.store(5, rlx);
        return 0;
      });
}

template <memory_order order>
Registers three() {
  std::atomic<int> x{0};
  int r[3] = {};
  const auto add = [&](int i) { r[i] = x.fetch_add(1, order); };
  together([&] { add(0); }, [&] { add(1); }, [&] { add(2); });
  return {r[0], r[1], r[2]};
}

//   x = 1; y = 1   ||   r1 = y; r2 = fetch_add(x, 2)
template <memory_order store, memory_order load>
Registers mp() {
  std::atomic<int> x{0}, y{0};
  int r1 = 0, r2 = 0;
  together(
      [&] {
        x.store(1, rlx);
        y.store(1, store);
      },
      [&] {
        r1 = y.load(load);
        r2 = x.fetch_add(2, rlx);  // 0 would be a load, says clang
      });
  return {r1, r2};
}

//   if (!exchange(lock, 1)) { ++data; lock = 0; }   twice: who came in, and data
template <memory_order lock_order, memory_order unlock>
Registers try_lock() {
  std::atomic<int> lock{0};
  int data = 0, in[2] = {};
  const auto enter = [&](int self) {
    if (lock.exchange(1, lock_order) != 0) return;
    in[self] = 1;
    ++data;
    lock.store(0, unlock);
  };
  together([&] { enter(0); }, [&] { enter(1); });
  return {in[0], in[1], data};
}

template <memory_order lock_order, memory_order unlock>
Registers spin_lock() {
  std::atomic_flag lock;
  int data = 0;
  const auto enter = [&] {
    while (lock.test_and_set(lock_order)) {
    }
    ++data;
    lock.clear(unlock);
  };
  together(enter, enter);
  return {data};
}

constexpr Program programs[] = {
    // The one that comes second reads what the first wrote.
    {"RMW_add_rlx", add<rlx>, "012 102"},
    {"RMW_add_sc", add<sc>, "012 102"},
    {"RMW_sub", subtract, "542 352"},
    {"RMW_or", bit_or, "013 203"},
    {"RMW_and", bit_and, "310 230"},
    {"RMW_xor", bit_xor, "123 013"},
    {"RMW_exchange", exchange, "012 201"},
    // The store falls before both halves or after both.
    {"RMW_add_and_store", add_and_store, "005 506"},
    {"RMW_three_rlx", three<rlx>, "012 021 102 120 201 210"},
    {"RMW_three_acq_rel", three<ar>, "012 021 102 120 201 210"},
    // CoRW, if y sw.
    {"RMW_MP_rel_acq", mp<rel, acq>, "00 01 11"},
    // E: x = 1 was executed before the RMW, so it comes before it in mo.
    {"RMW_MP_rlx", mp<rlx, rlx>, "00 01 11", "10"},
    // Somebody comes in; if both do, the second acquired what the first released.
    {"RMW_try_lock", try_lock<acq, rel>, "101 011 112"},
    {"RMW_try_lock_sc", try_lock<sc, sc>, "101 011 112"},
    {"RMW_try_lock_rlx", try_lock<rlx, rel>, "101 011 race"},
    {"RMW_try_unlock_rlx", try_lock<acq, rlx>, "101 011 race"},
    {"RMW_spin_lock", spin_lock<acq, rel>, "2"},
    // Whoever comes second has read the first's clear, and nothing sw.
    {"RMW_spin_lock_rlx", spin_lock<rlx, rlx>, "race"},
};

}  // namespace

constinit const Family read_modify_write{"read-modify-write", programs};

}  // namespace litmus
