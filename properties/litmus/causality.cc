// Causality over three threads: what one thread learnt from another, does a third see it?
#include "litmus.h"

namespace litmus {
namespace {

// WRC, write to read causality.
//   x = 1   ||   r1 = x; fence; y = 1   ||   r2 = y; fence; r3 = x
template <memory_order store1, memory_order load1, memory_order fence1, memory_order store2,
          memory_order load2, memory_order fence2>
Registers wrc() {
  std::atomic<int> x{0}, y{0};
  int r1 = 0, r2 = 0, r3 = 0;
  together([&] { x.store(1, store1); },
           [&] {
             r1 = x.load(load1);
             fence<fence1>();
             y.store(1, store2);
           },
           [&] {
             r2 = y.load(load2);
             fence<fence2>();
             r3 = x.load(rlx);
           });
  return {r1, r2, r3};
}

//   data = 1; x = 1   ||   r1 = x; if (r1) y = 1   ||   r2 = y; if (r2) r3 = data
template <memory_order store1, memory_order load1, memory_order store2, memory_order load2>
Registers wrc_plain() {
  std::atomic<int> x{0}, y{0};
  int data = 0, r1 = 0, r2 = 0, r3 = 0;
  together(
      [&] {
        data = 1;
        x.store(1, store1);
      },
      [&] {
        r1 = x.load(load1);
        if (r1 != 0) y.store(1, store2);
      },
      [&] {
        r2 = y.load(load2);
        if (r2 != 0) r3 = data;
      });
  return {r1, r2, r3};
}

// RWC, read to write causality.
//   x = 1   ||   r1 = x; fence; r2 = y   ||   y = 1; fence; r3 = x
template <memory_order store, memory_order load1, memory_order fence1, memory_order load,
          memory_order fence2>
Registers rwc() {
  std::atomic<int> x{0}, y{0};
  int r1 = 0, r2 = 0, r3 = 0;
  together([&] { x.store(1, store); },
           [&] {
             r1 = x.load(load1);
             fence<fence1>();
             r2 = y.load(load);
           },
           [&] {
             y.store(1, store);
             fence<fence2>();
             r3 = x.load(load);
           });
  return {r1, r2, r3};
}

// W+RWC.
//   x = 1; y = 1   ||   r1 = y; fence; r2 = z   ||   z = 1; fence; r3 = x
template <memory_order store, memory_order load, memory_order fence1, memory_order fence2>
Registers w_rwc() {
  std::atomic<int> x{0}, y{0}, z{0};
  int r1 = 0, r2 = 0, r3 = 0;
  together(
      [&] {
        x.store(1, rlx);
        y.store(1, store);
      },
      [&] {
        r1 = y.load(load);
        fence<fence1>();
        r2 = z.load(rlx);
      },
      [&] {
        z.store(1, rlx);
        fence<fence2>();
        r3 = x.load(rlx);
      });
  return {r1, r2, r3};
}

// ISA2: two messages in a row.
//   x = 1; fence; y = 1   ||   r1 = y; fence; z = 1   ||   r2 = z; fence; r3 = x
template <memory_order fence1, memory_order store1, memory_order load1, memory_order fence2,
          memory_order store2, memory_order load2, memory_order fence3>
Registers isa2() {
  std::atomic<int> x{0}, y{0}, z{0};
  int r1 = 0, r2 = 0, r3 = 0;
  together(
      [&] {
        x.store(1, rlx);
        fence<fence1>();
        y.store(1, store1);
      },
      [&] {
        r1 = y.load(load1);
        fence<fence2>();
        z.store(1, store2);
      },
      [&] {
        r2 = z.load(load2);
        fence<fence3>();
        r3 = x.load(rlx);
      });
  return {r1, r2, r3};
}

constexpr Program programs[] = {
    {"WRC_rlx", wrc<rlx, rlx, rlx, rlx, rlx, rlx>, "???"},
    // r1 reads x = 1 and hb r3 by way of y: CoRR. (sw on x is not even needed.)
    {"WRC_rel_acq", wrc<rel, acq, rlx, rel, acq, rlx>, "??? but 110"},
    {"WRC_fences", wrc<rlx, rlx, rel, rlx, rlx, acq>, "??? but 110"},
    // The second edge is missing.
    {"WRC_first_edge", wrc<rel, acq, rlx, rlx, rlx, rlx>, "???"},
    {"WRC_no_acquire", wrc<sc, sc, rlx, rel, rlx, rlx>, "???"},
    // hb is transitive: x and y both sw. r2 is 1 only if r1 is.
    {"WRC_plain_rel_acq", wrc_plain<rel, acq, rel, acq>, "000 100 111"},
    {"WRC_plain_first_edge", wrc_plain<rel, acq, rlx, acq>, "000 100 race"},
    {"WRC_plain_second_edge", wrc_plain<rel, rlx, rel, acq>, "000 100 race"},
    // Nothing of y happens before r2, nothing of x before r3 but the first values.
    {"RWC_rlx", rwc<rlx, rlx, rlx, rlx, rlx>, "???"},
    {"RWC_rel_acq", rwc<rel, acq, rlx, acq, rlx>, "???"},
    // 4.1: (x = 1) < r1 < r2 < (y = 1) < r3 < (x = 1).
    {"RWC_sc", rwc<sc, sc, rlx, sc, rlx>, "??? but 100"},
    // 4.4: r2 co (y = 1): fence1 < fence2. r3 co (x = 1) co r1, and r1 hb fence1: fence2 < fence1.
    {"RWC_fences", rwc<rlx, rlx, sc, rlx, sc>, "??? but 100"},
    {"RWC_first_fence", rwc<rlx, rlx, sc, rlx, rlx>, "???"},
    {"RWC_second_fence", rwc<rlx, rlx, rlx, rlx, sc>, "???"},
    // E: (x = 1) before r1 before r2 in S. In C++20 that acquire is not in S and x = 1 does not
    // strongly happen before r2: S may be r2, y = 1, r3, x = 1.
    {"RWC_sc_but_acq", rwc<sc, acq, rlx, sc, rlx>, "??? but 100", "100"},
    {"W_RWC_rel_acq", w_rwc<rel, acq, rlx, rlx>, "???"},
    // 4.4: r2 co (z = 1): fence1 < fence2. r3 co (x = 1) hb fence1, if r1 is 1: fence2 < fence1.
    {"W_RWC_fences", w_rwc<rel, acq, sc, sc>, "??? but 100"},
    // The fence is an acquire fence too.
    {"W_RWC_fences_rel_rlx", w_rwc<rel, rlx, sc, sc>, "??? but 100"},
    // x = 1 does not happen before fence1.
    {"W_RWC_fences_rlx", w_rwc<rlx, rlx, sc, sc>, "???"},
    {"W_RWC_one_fence", w_rwc<rel, acq, sc, rlx>, "???"},
    {"ISA2_rlx", isa2<rlx, rlx, rlx, rlx, rlx, rlx, rlx>, "???"},
    // (x = 1) hb r3 through y and z: CoWR.
    {"ISA2_rel_acq", isa2<rlx, rel, acq, rlx, rel, acq, rlx>, "??? but 110"},
    {"ISA2_sc", isa2<rlx, sc, sc, rlx, sc, sc, rlx>, "??? but 110"},
    {"ISA2_fences", isa2<rel, rlx, rlx, ar, rlx, rlx, acq>, "??? but 110"},
    {"ISA2_first_edge", isa2<rlx, rel, acq, rlx, rlx, acq, rlx>, "???"},
    {"ISA2_second_edge", isa2<rlx, rlx, acq, rlx, rel, acq, rlx>, "???"},
    // A release fence in the middle publishes nothing that was not acquired.
    {"ISA2_middle_only_releases", isa2<rel, rlx, rlx, rel, rlx, rlx, acq>, "???"},
};

}  // namespace

constinit const Family causality{"causality", programs};

}  // namespace litmus
