// Mutual exclusion by loads and stores. Inside, both threads count up plain data: two inside at
// once, or one after the other without sw, are a race. `in` tells who came in.
#include "litmus.h"

namespace litmus {
namespace {

// Dekker's entry, which gives up instead of waiting.
//   a = 1; fence; if (!b) { ++data; }   ||   b = 1; fence; if (!a) { ++data; }
template <memory_order store, memory_order load, memory_order fence1 = rlx,
          memory_order fence2 = fence1>
Registers dekker() {
  std::atomic<int> a{0}, b{0};
  int data = 0, in1 = 0, in2 = 0;
  together(
      [&] {
        a.store(1, store);
        fence<fence1>();
        if (b.load(load) == 0) {
          ++data;
          in1 = 1;
        }
      },
      [&] {
        b.store(1, store);
        fence<fence2>();
        if (a.load(load) == 0) {
          ++data;
          in2 = 1;
        }
      });
  return {in1, in2};
}

// The same, and whoever was inside opens again.
template <memory_order store, memory_order load, memory_order leave, memory_order fence_order = rlx>
Registers dekker_leaves() {
  std::atomic<int> flags[2] = {};
  int data = 0, in[2] = {};
  const auto enter = [&](int self) {
    flags[self].store(1, store);
    fence<fence_order>();
    if (flags[1 - self].load(load) != 0) return;
    ++data;
    in[self] = 1;
    flags[self].store(0, leave);
  };
  together([&] { enter(0); }, [&] { enter(1); });
  return {in[0], in[1], data};
}

// Peterson's entry, which gives up.
//   flag[me] = 1; turn = other; if (!(flag[other] && turn == other)) { ++data; }
template <memory_order store, memory_order load>
Registers peterson() {
  std::atomic<int> flags[2] = {};
  std::atomic<int> turn{0};
  int data = 0, in[2] = {};
  const auto enter = [&](int self) {
    flags[self].store(1, store);
    turn.store(1 - self, store);
    if (flags[1 - self].load(load) != 0 && turn.load(load) == 1 - self) return;
    ++data;
    in[self] = 1;
  };
  together([&] { enter(0); }, [&] { enter(1); });
  return {in[0], in[1]};
}

// The same with turn exchanged, and no seq_cst.
template <memory_order exchange, memory_order load>
Registers peterson_exchanges() {
  std::atomic<int> flags[2] = {};
  std::atomic<int> turn{0};
  int data = 0, in[2] = {};
  const auto enter = [&](int self) {
    flags[self].store(1, rlx);
    turn.exchange(1 - self, exchange);
    if (flags[1 - self].load(load) != 0 && turn.load(rlx) == 1 - self) return;
    ++data;
    in[self] = 1;
  };
  together([&] { enter(0); }, [&] { enter(1); });
  return {in[0], in[1]};
}

// Peterson's algorithm, waiting.
template <memory_order leave>
Registers peterson_waits() {
  std::atomic<int> flags[2] = {};
  std::atomic<int> turn{0};
  int data = 0;
  const auto enter = [&](int self) {
    flags[self].store(1, sc);
    turn.store(1 - self, sc);
    while (flags[1 - self].load(sc) != 0 && turn.load(sc) == 1 - self) {
    }
    ++data;
    flags[self].store(0, leave);
  };
  together([&] { enter(0); }, [&] { enter(1); });
  return {data};
}

constexpr Program programs[] = {
    // SB: not both loads miss the other's store. Both may see it.
    {"Dekker_sc", dekker<sc, sc>, "00 01 10"},
    {"Dekker_fences", dekker<rlx, rlx, sc>, "00 01 10"},
    {"Dekker_rel_acq", dekker<rel, acq>, "00 01 10 race"},
    {"Dekker_fences_acq_rel", dekker<rlx, rlx, ar>, "00 01 10 race"},
    {"Dekker_one_fence", dekker<rlx, rlx, sc, rlx>, "00 01 10 race"},
    // One may follow the other: it reads the 0 of leaving, for the first 0 is hidden (4.1, 4.4),
    // and that store must sw the load.
    {"Dekker_leaves_sc", dekker_leaves<sc, sc, sc>, "000 011 101 112"},
    {"Dekker_leaves_rel", dekker_leaves<sc, sc, rel>, "000 011 101 112"},
    {"Dekker_leaves_rlx", dekker_leaves<sc, sc, rlx>, "000 011 101 race"},
    {"Dekker_leaves_fences", dekker_leaves<rlx, acq, rel, sc>, "000 011 101 112"},
    {"Dekker_leaves_fences_rlx", dekker_leaves<rlx, rlx, rel, sc>, "000 011 101 race"},
    // Let turn = 1 of thread 0 be the first in S: then thread 1's loads see flag 0 up and its own
    // turn, and it gives up; thread 0 comes in or, having looked before thread 1 wrote turn, not.
    {"Peterson_sc", peterson<sc, sc>, "00 01 10"},
    // Each may miss the other's flag, or the other's turn.
    {"Peterson_rel_acq", peterson<rel, acq>, "00 01 10 race"},
    // The second exchange reads the first and acquires its thread's flag.
    {"Peterson_exchange", peterson_exchanges<ar, rlx>, "00 01 10"},
    {"Peterson_exchange_rlx", peterson_exchanges<rlx, acq>, "00 01 10 race"},
    {"Peterson_exchange_rel", peterson_exchanges<rel, acq>, "00 01 10 race"},
    {"Peterson_waits", peterson_waits<sc>, "2"},
    {"Peterson_waits_rel", peterson_waits<rel>, "2"},
    {"Peterson_waits_rlx", peterson_waits<rlx>, "race"},
};

}  // namespace

constinit const Family mutual_exclusion{"mutual exclusion", programs};

}  // namespace litmus
