// Which of two stores to one place is the last, against what else is seen.
//
// E places a store when it is executed: of the four, R alone can come out weak.
#include "litmus.h"

namespace litmus {
namespace {

// R.
//   x = 1; fence; y = 1   ||   y = 2; fence; r = x      and y at the end
template <memory_order x_store, memory_order y_store, memory_order load, memory_order fence1,
          memory_order fence2>
Registers r() {
  std::atomic<int> x{0}, y{0};
  int r1 = 0;
  together(
      [&] {
        x.store(1, x_store);
        fence<fence1>();
        y.store(1, y_store);
      },
      [&] {
        y.store(2, y_store);
        fence<fence2>();
        r1 = x.load(load);
      });
  return {y.load(rlx), r1};
}

// S.
//   x = 2; fence; y = 1   ||   r = y; fence; x = 1      and x at the end
template <memory_order store, memory_order load, memory_order fence1, memory_order fence2>
Registers s() {
  std::atomic<int> x{0}, y{0};
  int r1 = 0;
  together(
      [&] {
        x.store(2, rlx);
        fence<fence1>();
        y.store(1, store);
      },
      [&] {
        r1 = y.load(load);
        fence<fence2>();
        x.store(1, rlx);
      });
  return {r1, x.load(rlx)};
}

// 2+2W.
//   x = 1; fence; y = 2   ||   y = 1; fence; x = 2      and x, y at the end
template <memory_order store, memory_order fence_order>
Registers two_plus_two() {
  std::atomic<int> x{0}, y{0};
  together(
      [&] {
        x.store(1, store);
        fence<fence_order>();
        y.store(2, store);
      },
      [&] {
        y.store(1, store);
        fence<fence_order>();
        x.store(2, store);
      });
  return {x.load(rlx), y.load(rlx)};
}

// Z6.U, of "Repairing sequential consistency in C/C++11" (Lahav et al., PLDI 2017).
//   x = 1; y = 1   ||   r1 = fetch_add(y, 1); r2 = y   ||   y = 3; r3 = x
Registers z6_u() {
  std::atomic<int> x{0}, y{0};
  int r1 = 0, r2 = 0, r3 = 0;
  together(
      [&] {
        x.store(1, sc);
        y.store(1, rel);
      },
      [&] {
        r1 = y.fetch_add(1, sc);
        r2 = y.load(rlx);
      },
      [&] {
        y.store(3, sc);
        r3 = x.load(sc);
      });
  return {r1, r2, r3};
}

constexpr Program programs[] = {
    // 20: y = 1, then y = 2, and yet x = 1 is missed.
    {"R_rlx", r<rlx, rlx, rlx, rlx, rlx>, "10 11 20 21"},
    {"R_rel_acq", r<rlx, rel, acq, rlx, rlx>, "10 11 20 21"},
    // 4.1: (x = 1) < (y = 1) < (y = 2) < r < (x = 1).
    {"R_sc", r<sc, sc, sc, rlx, rlx>, "10 11 21"},
    // x = 1 is not in S, and no fence follows it.
    {"R_sc_but_x", r<rlx, sc, sc, rlx, rlx>, "10 11 20 21"},
    // 4.4: (y = 1) co (y = 2): fence1 < fence2; r co (x = 1): fence2 < fence1.
    {"R_fences", r<rlx, rlx, rlx, sc, sc>, "10 11 21"},
    {"R_one_fence", r<rlx, rlx, rlx, rlx, sc>, "10 11 20 21"},
    // 12: y = 1 was read before x = 1, and yet x = 2 is last. E: it was executed before y = 1.
    {"S_rlx", s<rlx, rlx, rlx, rlx>, "01 02 11", "12"},
    {"S_rel_rlx", s<rel, rlx, rlx, rlx>, "01 02 11", "12"},
    // CoWW: (x = 2) hb (x = 1).
    {"S_rel_acq", s<rel, acq, rlx, rlx>, "01 02 11"},
    {"S_fences", s<rlx, rlx, rel, acq>, "01 02 11"},
    {"S_fences_sc", s<rlx, rlx, sc, sc>, "01 02 11"},
    // 11: each thread's first store is the last. E: a store before its successor in mo was executed
    // before it, a cycle. Release alone does not help in C++20: nobody acquires.
    {"W22_rlx", two_plus_two<rlx, rlx>, "12 21 22", "11"},
    {"W22_rel", two_plus_two<rel, rlx>, "12 21 22", "11"},
    {"W22_fences_acq_rel", two_plus_two<rlx, ar>, "12 21 22", "11"},
    // 4.1 makes the same cycle in S; 4.4 makes fence1 < fence2 < fence1.
    {"W22_sc", two_plus_two<sc, rlx>, "12 21 22"},
    {"W22_fences_sc", two_plus_two<rlx, sc>, "12 21 22"},
    // By mo of y, U being fetch_add: 0 1 U 3: r1 is 1, r2 is 2 or 3, r3 is 1, for x = 1 was
    // executed before y = 1, so before y = 3. 0 1 3 U: 341. 0 U 1 3: 011 031. 0 U 3 1: 010 011 030
    // 031. 0 3 1 U: 120 121. 0 3 U 1: 340 341 310 311. C++20 has 130 besides: S may be U, y = 3,
    // r3, x = 1, for x = 1 happens before U, but not strongly.
    {"Z6_U", z6_u, "121 131 341 011 031 010 030 120 340 310 311", "130"},
};

}  // namespace

constinit const Family write_orders{"write orders", programs};

}  // namespace litmus
