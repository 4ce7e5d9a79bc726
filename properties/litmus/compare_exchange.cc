// Compare-exchange. One that succeeds is a read-modify-write with the first order. One that fails
// is a load with the second order, and may read any store that such a load may read, if it holds
// another value than the expected one; a weak one may fail on the expected value too.
#include "litmus.h"

namespace litmus {
namespace {

// Clang's hooks do not tell a weak compare-exchange from a strong one: its do not fail for nothing.
#ifdef __clang__
#define ALLOWED_WEAK(gcc, clang) clang
#else
#define ALLOWED_WEAK(gcc, clang) gcc
#endif

constexpr bool weak = true;
constexpr bool strong = false;

template <bool is_weak>
bool cas(std::atomic<int>& x, int& expected, int desired, memory_order success,
         memory_order failure) {
  return is_weak ? x.compare_exchange_weak(expected, desired, success, failure)
                 : x.compare_exchange_strong(expected, desired, success, failure);
}

//   r1 = cas(x, 0, 1)   ||   r2 = cas(x, 0, 2)      and x at the end
template <bool is_weak>
Registers one_wins() {
  std::atomic<int> x{0};
  int r1 = 0, r2 = 0;
  together(
      [&] {
        int expected = 0;
        r1 = cas<is_weak>(x, expected, 1, ar, rlx);
      },
      [&] {
        int expected = 0;
        r2 = cas<is_weak>(x, expected, 2, ar, rlx);
      });
  return {r1, r2, x.load(rlx)};
}

//   x = 1   ||   r1 = cas(x, EXPECTED -> r2, 5)      and x at the end
template <bool is_weak, int value>
Registers stale() {
  std::atomic<int> x{0};
  int r1 = 0, r2 = value;
  together([&] { x.store(1, rlx); }, [&] { r1 = cas<is_weak>(x, r2, 5, rlx, rlx); });
  return {r1, r2, x.load(rlx)};
}

//   x = 1; y = 1   ||   r1 = y; r2 = cas(x, EXPECTED -> r3, 5)
template <bool is_weak, int value, memory_order store, memory_order load>
Registers mp() {
  std::atomic<int> x{0}, y{0};
  int r1 = 0, r2 = 0, r3 = value;
  together(
      [&] {
        x.store(1, rlx);
        y.store(1, store);
      },
      [&] {
        r1 = y.load(load);
        r2 = cas<is_weak>(x, r3, 5, rlx, rlx);
      });
  return {r1, r2, r3};
}

//   data = 1; x = 1   ||   r1 = cas(x, EXPECTED -> r2, 5); if (it read 1) r3 = data
template <int value, memory_order success, memory_order failure>
Registers two_orders() {
  std::atomic<int> x{0};
  int data = 0, r1 = 0, r2 = value, r3 = 0;
  together(
      [&] {
        data = 1;
        x.store(1, rel);
      },
      [&] {
        r1 = x.compare_exchange_strong(r2, 5, success, failure);
        if (r2 == 1) r3 = data;
      });
  return {r1, r2, r3};
}

//   data = 1; cas(x, 0, 1)   ||   r1 = x; if (r1) r2 = data
template <memory_order success>
Registers publishes() {
  std::atomic<int> x{0};
  int data = 0, r1 = 0, r2 = 0;
  together(
      [&] {
        data = 1;
        int expected = 0;
        x.compare_exchange_strong(expected, 1, success, rlx);
      },
      [&] {
        r1 = x.load(acq);
        if (r1 != 0) r2 = data;
      });
  return {r1, r2};
}

//   x = 1; cas(y, 9 -> r1, 9)   ||   y = 1; cas(x, 9 -> r2, 9)
template <memory_order success, memory_order failure>
Registers sb_by_failing() {
  std::atomic<int> x{0}, y{0};
  int r1 = 9, r2 = 9;
  together(
      [&] {
        x.store(1, sc);
        y.compare_exchange_strong(r1, 9, success, failure);
      },
      [&] {
        y.store(1, sc);
        x.compare_exchange_strong(r2, 9, success, failure);
      });
  return {r1, r2};
}

template <bool is_weak>
Registers count() {
  std::atomic<int> x{0};
  const auto add = [&] {
    int seen = x.load(rlx);
    while (!cas<is_weak>(x, seen, seen + 1, rlx, rlx)) {
    }
  };
  together(add, add);
  return {x.load(rlx)};
}

//   x = 1; x = 0   ||   r1 = cas(x, 0, 5)      and x at the end
Registers aba() {
  std::atomic<int> x{0};
  int r1 = 0, r2 = 0;
  together(
      [&] {
        x.store(1, rlx);
        x.store(0, rlx);
      },
      [&] { r1 = x.compare_exchange_strong(r2, 5, rlx, rlx); });
  return {r1, r2, x.load(rlx)};
}

constexpr Program programs[] = {
    // RMW: the second reads the first's value, and 0 comes before it in mo.
    {"CAS_one_wins", one_wins<strong>, "101 012"},
    // Each may fail for nothing, both too.
    {"CAS_one_wins_weak", one_wins<weak>, ALLOWED_WEAK("101 012 000", "101 012")},
    // It succeeds on 1, or fails on the 0 before it, be x = 1 executed or not.
    {"CAS_expects_1", stale<strong, 1>, "001 115"},
    {"CAS_expects_1_weak", stale<weak, 1>, ALLOWED_WEAK("001 115 011", "001 115")},
    // It succeeds before x = 1, or fails on it. A stale 0 makes it neither succeed nor fail.
    {"CAS_expects_0", stale<strong, 0>, "101 011"},
    {"CAS_expects_0_weak", stale<weak, 0>, ALLOWED_WEAK("101 011 001", "101 011")},
    // Having seen y, it may still fail on the 0 of x.
    {"CAS_MP_expects_1", mp<strong, 1, rlx, rlx>, "000 011 100 111"},
    {"CAS_MP_expects_1_rel_acq", mp<strong, 1, rel, acq>, "000 011 111"},
    // 110 is RMW before x = 1 in mo. E: it was executed after it.
    {"CAS_MP_expects_0", mp<strong, 0, rlx, rlx>, "010 001 101", "110"},
    // 100: it read the stale 0 and failed for nothing.
    {"CAS_MP_expects_0_weak", mp<weak, 0, rlx, rlx>,
     ALLOWED_WEAK("010 001 101 000 100", "010 001 101"), "110"},
    {"CAS_MP_expects_0_weak_rel_acq", mp<weak, 0, rel, acq>,
     ALLOWED_WEAK("010 001 101 000", "010 001 101")},
    // Reading 1 and failing is a load with the second order.
    {"CAS_failure_acquires", two_orders<0, ar, acq>, "100 011"},
    {"CAS_failure_relaxed", two_orders<0, sc, rlx>, "100 race"},
    {"CAS_failure_stronger", two_orders<0, rlx, acq>, "100 011"},
    // Reading 1 and succeeding has the first order.
    {"CAS_success_acquires", two_orders<1, acq, rlx>, "000 111"},
    {"CAS_success_relaxed", two_orders<1, rlx, acq>, "000 race"},
    {"CAS_success_releases_only", two_orders<1, rel, rlx>, "000 race"},
    {"CAS_publishes", publishes<rel>, "00 11"},
    {"CAS_publishes_rlx", publishes<rlx>, "00 race"},
    // SB, its loads being failures: in S if the second order is seq_cst.
    {"CAS_SB_failing_sc", sb_by_failing<sc, sc>, "?? but 00"},
    {"CAS_SB_failing_rlx_sc", sb_by_failing<rlx, sc>, "?? but 00"},
    {"CAS_SB_failing_acq", sb_by_failing<sc, acq>, "??"},
    {"CAS_count", count<strong>, "2"},
    {"CAS_count_weak", count<weak>, "2"},
    // It succeeds on either 0, or fails on 1; after it, 1 and 0 may still come.
    {"CAS_ABA", aba, "100 105 010"},
};

}  // namespace

constinit const Family compare_exchange{"compare-exchange", programs};

}  // namespace litmus
