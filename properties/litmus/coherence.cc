// Coherence: all threads agree on one order of the stores to one place, and nobody goes back in it.
// It holds for relaxed accesses too.
#include "litmus.h"

namespace litmus {
namespace {

//   x = 1   ||   r1 = x; r2 = x
template <memory_order store, memory_order load>
Registers corr() {
  std::atomic<int> x{0};
  int r1 = 0, r2 = 0;
  together([&] { x.store(1, store); },
           [&] {
             r1 = x.load(load);
             r2 = x.load(load);
           });
  return {r1, r2};
}

//   x = 1; x = 2   ||   r1 = x; r2 = x
Registers coww() {
  std::atomic<int> x{0};
  int r1 = 0, r2 = 0;
  together(
      [&] {
        x.store(1, rlx);
        x.store(2, rlx);
      },
      [&] {
        r1 = x.load(rlx);
        r2 = x.load(rlx);
      });
  return {r1, r2, x.load(rlx)};
}

//   x = 1   ||   x = 2   ||   two readers of two loads each
// A register is what a reader learnt of the order: 1 if it saw 1 then 2, 2 if 2 then 1, else 0.
template <memory_order store, memory_order load>
Registers readers_agree() {
  std::atomic<int> x{0};
  int r1 = 0, r2 = 0;
  const auto reader = [&](int& r) {
    const int first = x.load(load);
    const int second = x.load(load);
    if (first != 0 && second != 0 && first != second) r = first;
  };
  together([&] { x.store(1, store); }, [&] { x.store(2, store); }, [&] { reader(r1); },
           [&] { reader(r2); });
  return {r1, r2};
}

//   x = 1; r = x   ||   x = 2
Registers cowr() {
  std::atomic<int> x{0};
  int r = 0;
  together(
      [&] {
        x.store(1, rlx);
        r = x.load(rlx);
      },
      [&] { x.store(2, rlx); });
  return {r, x.load(rlx)};
}

//   r = x; x = 1   ||   x = 2
Registers corw() {
  std::atomic<int> x{0};
  int r = 0;
  together(
      [&] {
        r = x.load(rlx);
        x.store(1, rlx);
      },
      [&] { x.store(2, rlx); });
  return {r, x.load(rlx)};
}

//   x = 1   ||   r1 = x; y = 1   ||   r2 = y; r3 = x
template <memory_order store, memory_order load>
Registers corr_through_hb() {
  std::atomic<int> x{0}, y{0};
  int r1 = 0, r2 = 0, r3 = 0;
  together([&] { x.store(1, rlx); },
           [&] {
             r1 = x.load(rlx);
             y.store(1, store);
           },
           [&] {
             r2 = y.load(load);
             r3 = x.load(rlx);
           });
  return {r1, r2, r3};
}

//   r1 = x; y = 1   ||   r2 = y; x = 1
template <memory_order store, memory_order load>
Registers corw_through_hb() {
  std::atomic<int> x{0}, y{0};
  int r1 = 0, r2 = 0;
  together(
      [&] {
        r1 = x.load(rlx);
        y.store(1, store);
      },
      [&] {
        r2 = y.load(load);
        x.store(1, rlx);
      });
  return {r1, r2};
}

//   x = 1; y = 1   ||   r = y; x = 2
template <memory_order store, memory_order load>
Registers coww_through_hb() {
  std::atomic<int> x{0}, y{0};
  int r = 0;
  together(
      [&] {
        x.store(1, rlx);
        y.store(1, store);
      },
      [&] {
        r = y.load(load);
        x.store(2, rlx);
      });
  return {r, x.load(rlx)};
}

constexpr Program programs[] = {
    // CoRR: not 1 and then 0.
    {"CoRR_rlx", corr<rlx, rlx>, "?? but 10"},
    {"CoRR_rel_acq", corr<rel, acq>, "?? but 10"},
    {"CoRR_sc", corr<sc, sc>, "?? but 10"},
    // CoWW: mo is 0 1 2, so 2 is last; CoRR: the reader goes upwards.
    {"CoWW_rlx", coww, "002 012 022 112 122 222"},
    // mo is one of 0 1 2 and 0 2 1 for everybody.
    {"CoRR_two_readers_rlx", readers_agree<rlx, rlx>, "00 01 02 10 20 11 22"},
    {"CoRR_two_readers_sc", readers_agree<sc, sc>, "00 01 02 10 20 11 22"},
    // CoWR: not 0. If 2 is last it may be read or not; if 2 came before 1 it is not.
    {"CoWR_rlx", cowr, "11 12 22"},
    // CoRW: what was read is before 1, so having read 2, 1 is last. Nobody reads its own future.
    {"CoRW_rlx", corw, "01 02 21"},
    // CoRR across threads: r1 hb r3 if r2 is 1.
    {"CoRR_through_hb", corr_through_hb<rel, acq>, "??? but 110"},
    {"CoRR_through_rlx", corr_through_hb<rlx, rlx>, "???"},
    // CoRW across threads: if r2 is 1 then r1 hb (x = 1).
    {"CoRW_through_hb", corw_through_hb<rel, acq>, "00 01 10"},
    // E: load buffering.
    {"CoRW_through_rlx", corw_through_hb<rlx, rlx>, "00 01 10", "11"},
    // CoWW across threads: r is 1, so 2 is last.
    {"CoWW_through_hb", coww_through_hb<rel, acq>, "01 02 12"},
    // E: x = 1 was executed before x = 2 if r is 1.
    {"CoWW_through_rlx", coww_through_hb<rlx, rlx>, "01 02 12", "11"},
};

}  // namespace

constinit const Family coherence{"coherence", programs};

}  // namespace litmus
