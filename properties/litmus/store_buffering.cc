// SB, store buffering: each thread stores to one place and loads the other.
//
//   x = 1; fence; r1 = y    ||    y = 1; fence; r2 = x
//
// 00 asks that both loads miss the other's store. Nothing of the other place but its first value
// happens before either load, so coherence never forbids it: S alone can. 01, 10 and 11 come of
// running one thread after the other, or the stores first.
#include "litmus.h"

namespace litmus {
namespace {

template <memory_order store1, memory_order fence1, memory_order load1,
          memory_order store2 = store1, memory_order fence2 = fence1, memory_order load2 = load1>
Registers sb() {
  std::atomic<int> x{0}, y{0};
  int r1 = 0, r2 = 0;
  together(
      [&] {
        x.store(1, store1);
        fence<fence1>();
        r1 = y.load(load1);
      },
      [&] {
        y.store(1, store2);
        fence<fence2>();
        r2 = x.load(load2);
      });
  return {r1, r2};
}

//   exchange(x, 1); r1 = y   ||   exchange(y, 1); r2 = x
template <memory_order rmw, memory_order load>
Registers exchange_sb() {
  std::atomic<int> x{0}, y{0};
  int r1 = 0, r2 = 0;
  together(
      [&] {
        x.exchange(1, rmw);
        r1 = y.load(load);
      },
      [&] {
        y.exchange(1, rmw);
        r2 = x.load(load);
      });
  return {r1, r2};
}

//   x = 1; r1 = fetch_add(y, 0)   ||   y = 1; r2 = fetch_add(x, 0)
template <memory_order rmw>
Registers sb_exchange() {
  std::atomic<int> x{0}, y{0};
  int r1 = 0, r2 = 0;
  together(
      [&] {
        x.store(1, rlx);
        r1 = y.fetch_add(0, rmw);
      },
      [&] {
        y.store(1, rlx);
        r2 = x.fetch_add(0, rmw);
      });
  return {r1, r2};
}

//   x = 1; fence; z = 1   ||   r1 = z; r2 = y   ||   y = 1; fence; r3 = x
template <memory_order store, memory_order load>
Registers fence_reaches() {
  std::atomic<int> x{0}, y{0}, z{0};
  int r1 = 0, r2 = 0, r3 = 0;
  together(
      [&] {
        x.store(1, rlx);
        fence<sc>();
        z.store(1, store);
      },
      [&] {
        r1 = z.load(load);
        r2 = y.load(rlx);
      },
      [&] {
        y.store(1, rlx);
        fence<sc>();
        r3 = x.load(rlx);
      });
  return {r1, r2, r3};
}

//   x = 1; r1 = y   ||   y = 1; r2 = z   ||   z = 1; r3 = x
template <memory_order store, memory_order fence_order, memory_order load>
Registers sb_of_three() {
  std::atomic<int> x{0}, y{0}, z{0};
  int r1 = 0, r2 = 0, r3 = 0;
  const auto thread = [](std::atomic<int>& own, std::atomic<int>& next, int& r) {
    own.store(1, store);
    fence<fence_order>();
    r = next.load(load);
  };
  together([&] { thread(x, y, r1); }, [&] { thread(y, z, r2); }, [&] { thread(z, x, r3); });
  return {r1, r2, r3};
}

constexpr Program programs[] = {
    {"SB_rlx", sb<rlx, rlx, rlx>, "??"},
    {"SB_rel_acq", sb<rel, rlx, acq>, "??"},
    // Both loads miss: load1 co store2 and load2 co store1. By 4.1 load1 < store2 and
    // load2 < store1 in S, and each store < its thread's load: a cycle.
    {"SB_sc", sb<sc, rlx, sc>, "?? but 00"},
    // The loads are not in S, and no fence brings them there.
    {"SB_sc_acq", sb<sc, rlx, acq>, "??"},
    // The stores are not in S.
    {"SB_rlx_sc", sb<rlx, rlx, sc>, "??"},
    // 4.4: load1 co store2, fence1 hb load1, store2 hb fence2: fence1 < fence2; and the other way.
    {"SB_fences", sb<rlx, sc, rlx>, "?? but 00"},
    {"SB_fences_acq_rel", sb<rlx, ar, rlx>, "??"},
    // 4.4 needs a fence on either side.
    {"SB_one_fence", sb<rlx, sc, rlx, rlx, rlx, rlx>, "??"},
    // 4.3: load1 co store2: fence1 < store2. 4.2: load2 co store1: load2 < fence1. And
    // store2 < load2: a cycle.
    {"SB_fence_and_sc", sb<rlx, sc, rlx, sc, rlx, sc>, "?? but 00"},
    // 4.2 needs load2 in S, 4.3 store2.
    {"SB_fence_and_sc_store", sb<rlx, sc, rlx, sc, rlx, acq>, "??"},
    {"SB_fence_and_sc_load", sb<rlx, sc, rlx, rlx, rlx, sc>, "??"},
    // As the stores they contain.
    {"SB_exchange_acq_rel", exchange_sb<ar, rlx>, "??"},
    {"SB_exchange_acq_rel_sc", exchange_sb<ar, sc>, "??"},
    {"SB_exchange_sc", exchange_sb<sc, sc>, "?? but 00"},
    // RMW: to read 0 the RMW comes before the store in mo. E: store1 < rmw1 < store2 < rmw2 <
    // store1. C++20 has no such rule for relaxed stores.
    {"SB_read_by_rmw", sb_exchange<ar>, "?? but 00", "00"},
    // In C++20 too: either RMW is in S, but the stores are not, so nothing orders rmw1 and store2.
    {"SB_read_by_rmw_sc", sb_exchange<sc>, "?? but 00", "00"},
    // 100: fence1 sw-hb r2 by way of z. 4.4: r2 co (y = 1): fence1 < fence3. r3 co (x = 1):
    // fence3 < fence1. A cycle. Without sw nothing of it follows.
    {"SB_fence_reaches_through_hb", fence_reaches<rel, acq>, "??? but 100"},
    {"SB_fence_without_hb", fence_reaches<rlx, rlx>, "???"},
    {"SB3_rel_acq", sb_of_three<rel, rlx, acq>, "???"},
    // As SB_sc and SB_fences, round three corners.
    {"SB3_sc", sb_of_three<sc, rlx, sc>, "??? but 000"},
    {"SB3_fences", sb_of_three<rlx, sc, rlx>, "??? but 000"},
};

}  // namespace

constinit const Family store_buffering{"store buffering", programs};

}  // namespace litmus
