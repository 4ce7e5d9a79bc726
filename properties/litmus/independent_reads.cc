// IRIW, independent reads of independent writes: do two readers agree on the order of two stores?
//
//   x = 1   ||   y = 1   ||   r1 = x; fence; r2 = y   ||   r3 = y; fence; r4 = x
//
// 1010: the third thread saw x first, the fourth y. Neither store happens before the load that
// misses it, so S alone can forbid it.
#include "litmus.h"

namespace litmus {
namespace {

template <memory_order store, memory_order first, memory_order second, memory_order fence1 = rlx,
          memory_order fence2 = fence1>
Registers iriw() {
  std::atomic<int> x{0}, y{0};
  int r1 = 0, r2 = 0, r3 = 0, r4 = 0;
  together([&] { x.store(1, store); }, [&] { y.store(1, store); },
           [&] {
             r1 = x.load(first);
             fence<fence1>();
             r2 = y.load(second);
           },
           [&] {
             r3 = y.load(first);
             fence<fence2>();
             r4 = x.load(second);
           });
  return {r1, r2, r3, r4};
}

constexpr Program programs[] = {
    {"IRIW_rlx", iriw<rlx, rlx, rlx>, "????"},
    {"IRIW_rel_acq", iriw<rel, acq, acq>, "????"},
    // 4.1: r2 co (y = 1) co r3, r4 co (x = 1) co r1: r1 < r2 < r3 < r4 < r1.
    {"IRIW_sc", iriw<sc, sc, sc>, "???? but 1010"},
    // The stores need not be in S for it.
    {"IRIW_sc_loads", iriw<rlx, sc, sc>, "???? but 1010"},
    // 4.4: r2 co r3 hb fence2: fence1 < fence2; r4 co r1 hb fence1: fence2 < fence1.
    {"IRIW_fences", iriw<rlx, rlx, rlx, sc>, "???? but 1010"},
    {"IRIW_one_fence", iriw<rlx, rlx, rlx, sc, rlx>, "????"},
    {"IRIW_fences_acq_rel", iriw<rlx, rlx, rlx, ar>, "????"},
    // The loads that miss are not in S.
    {"IRIW_sc_then_acq", iriw<sc, sc, acq>, "????"},
    // E: (x = 1) before r1 before r2 before (y = 1) in S, and the other way. In C++20 no store
    // strongly happens before the other thread's load: S may be r2, r4, x = 1, y = 1.
    {"IRIW_acq_then_sc", iriw<sc, acq, sc>, "???? but 1010", "1010"},
};

}  // namespace

constinit const Family independent_reads{"independent reads", programs};

}  // namespace litmus
