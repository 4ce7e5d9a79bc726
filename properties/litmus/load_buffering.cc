// LB, load buffering: each thread loads one place, then stores to the other.
//
//   r1 = x; fence; y = 1    ||    r2 = y; fence; x = 1
//
// 11 asks that each load reads a store that comes after the other load. E: a load reads what was
// executed before it, r1 < (y = 1) < r2 < (x = 1) < r1 is a cycle: never 11. C++20 forbids it where
// the stores sw the loads (a cycle in hb), and allows it otherwise.
#include "litmus.h"

namespace litmus {
namespace {

template <memory_order load, memory_order fence_order, memory_order store>
Registers lb() {
  std::atomic<int> x{0}, y{0};
  int r1 = 0, r2 = 0;
  together(
      [&] {
        r1 = x.load(load);
        fence<fence_order>();
        y.store(1, store);
      },
      [&] {
        r2 = y.load(load);
        fence<fence_order>();
        x.store(1, store);
      });
  return {r1, r2};
}

//   r1 = x; y = r1   ||   r2 = y; x = r2
Registers lb_of_nothing() {
  std::atomic<int> x{0}, y{0};
  int r1 = 0, r2 = 0;
  together(
      [&] {
        r1 = x.load(rlx);
        y.store(r1, rlx);
      },
      [&] {
        r2 = y.load(rlx);
        x.store(r2, rlx);
      });
  return {r1, r2};
}

//   r1 = x; if (r1) y = 1   ||   r2 = y; x = 1
Registers lb_controlled() {
  std::atomic<int> x{0}, y{0};
  int r1 = 0, r2 = 0;
  together(
      [&] {
        r1 = x.load(rlx);
        if (r1 != 0) y.store(1, rlx);
      },
      [&] {
        r2 = y.load(rlx);
        x.store(1, rlx);
      });
  return {r1, r2};
}

constexpr Program programs[] = {
    {"LB_rlx", lb<rlx, rlx, rlx>, "00 01 10", "11"},
    {"LB_acq_rlx", lb<acq, rlx, rlx>, "00 01 10", "11"},
    {"LB_rlx_rel", lb<rlx, rlx, rel>, "00 01 10", "11"},
    {"LB_acq_rel", lb<acq, rlx, rel>, "00 01 10"},
    {"LB_sc", lb<sc, rlx, sc>, "00 01 10"},
    // Release fence before a store, acquire fence after a load: the acq_rel fence is both.
    {"LB_fences", lb<rlx, ar, rlx>, "00 01 10"},
    // No 1 is ever stored: [atomics.order] p8 asks that none comes out of thin air.
    {"LB_thin_air", lb_of_nothing, "00"},
    // y is stored only if r1 is 1: never 01. E: 11 needs x = 1 before r1, so before r2, which is
    // before it. C++20 allows it, and hardware that lets the second thread's store pass its load.
    {"LB_controlled", lb_controlled, "00 10", "11"},
};

}  // namespace

constinit const Family load_buffering{"load buffering", programs};

}  // namespace litmus
