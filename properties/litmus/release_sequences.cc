// Release sequences: an acquire that reads a later store than the release still sw it, if all the
// stores between are read-modify-writes, whoever made them ([intro.races] p5). In C++20 a plain
// atomic store ends it, one by the releasing thread too.
//
// The reader looks at plain data when it sees the last value: without sw it races.
#include "litmus.h"

namespace litmus {
namespace {

//   data = 1; fence; y = 1   ||   fetch_add(y, 1)   ||   r1 = y; fence; if (r1 == 2) r2 = data
template <memory_order fence1, memory_order store, memory_order rmw, memory_order load,
          memory_order fence2>
Registers continued() {
  std::atomic<int> y{0};
  int data = 0, r1 = 0, r2 = 0;
  together(
      [&] {
        data = 1;
        fence<fence1>();
        y.store(1, store);
      },
      [&] { y.fetch_add(1, rmw); },
      [&] {
        r1 = y.load(load);
        fence<fence2>();
        if (r1 == 2) r2 = data;
      });
  return {r1, r2};
}

// As above, with compare_exchange(y, 1, 2) in the middle.
template <memory_order success>
Registers continued_by_cas() {
  std::atomic<int> y{0};
  int data = 0, r1 = 0, r2 = 0;
  together(
      [&] {
        data = 1;
        y.store(1, rel);
      },
      [&] {
        int expected = 1;
        y.compare_exchange_strong(expected, 2, success, rlx);
      },
      [&] {
        r1 = y.load(acq);
        if (r1 == 2) r2 = data;
      });
  return {r1, r2};
}

//   data = 1; y = 1; y = 2   ||   r1 = y; if (r1 == 2) r2 = data
template <memory_order second>
Registers own_store() {
  std::atomic<int> y{0};
  int data = 0, r1 = 0, r2 = 0;
  together(
      [&] {
        data = 1;
        y.store(1, rel);
        y.store(2, second);
      },
      [&] {
        r1 = y.load(acq);
        if (r1 == 2) r2 = data;
      });
  return {r1, r2};
}

//   data = 1; y = 1; fetch_add(y, 1)   ||   r1 = y; if (r1 == 2) r2 = data
Registers own_rmw() {
  std::atomic<int> y{0};
  int data = 0, r1 = 0, r2 = 0;
  together(
      [&] {
        data = 1;
        y.store(1, rel);
        y.fetch_add(1, rlx);
      },
      [&] {
        r1 = y.load(acq);
        if (r1 == 2) r2 = data;
      });
  return {r1, r2};
}

//   data = 1; y = 1   ||   if (y == 1) y = 2   ||   r1 = y; if (r1 == 2) r2 = data
template <memory_order load, memory_order store>
Registers other_store() {
  std::atomic<int> y{0};
  int data = 0, r1 = 0, r2 = 0;
  together(
      [&] {
        data = 1;
        y.store(1, rel);
      },
      [&] {
        if (y.load(load) == 1) y.store(2, store);
      },
      [&] {
        r1 = y.load(acq);
        if (r1 == 2) r2 = data;
      });
  return {r1, r2};
}

//   data = 1; y = 1; y = 2   ||   fetch_add(y, 1)   ||   r1 = y; if (r1 == 3) r2 = data
Registers ended_then_rmw() {
  std::atomic<int> y{0};
  int data = 0, r1 = 0, r2 = 0;
  together(
      [&] {
        data = 1;
        y.store(1, rel);
        y.store(2, rlx);
      },
      [&] { y.fetch_add(1, rlx); },
      [&] {
        r1 = y.load(acq);
        if (r1 == 3) r2 = data;
      });
  return {r1, r2};
}

//   data = 1; fetch_add(y, 1)   ||   fetch_add(y, 1)   ||   fetch_add(y, 1)
//   ||   r1 = y; if (r1 == 3) r2 = data
template <memory_order head>
Registers chain() {
  std::atomic<int> y{0};
  int data = 0, r1 = 0, r2 = 0;
  together(
      [&] {
        data = 1;
        y.fetch_add(1, head);
      },
      [&] { y.fetch_add(1, rlx); }, [&] { y.fetch_add(1, rlx); },
      [&] {
        r1 = y.load(acq);
        if (r1 == 3) r2 = data;
      });
  return {r1, r2};
}

//   a = 1; fetch_add(y, 1)   ||   b = 1; fetch_add(y, 1)   ||   r1 = y; if (r1 == 2) r2 = a, r3 = b
template <memory_order first, memory_order second>
Registers two_heads() {
  std::atomic<int> y{0};
  int a = 0, b = 0, r1 = 0, r2 = 0, r3 = 0;
  together(
      [&] {
        a = 1;
        y.fetch_add(1, first);
      },
      [&] {
        b = 1;
        y.fetch_add(1, second);
      },
      [&] {
        r1 = y.load(acq);
        if (r1 == 2) {
          r2 = a;
          r3 = b;
        }
      });
  return {r1, r2, r3};
}

constexpr Program programs[] = {
    {"ReleaseSequence_rmw", continued<rlx, rel, rlx, acq, rlx>, "00 10 21"},
    {"ReleaseSequence_rmw_acq", continued<rlx, rel, acq, acq, rlx>, "00 10 21"},
    // [atomics.fences] p2: the sequence that the store would head if it were a release.
    {"ReleaseSequence_of_fence", continued<rel, rlx, rlx, acq, rlx>, "00 10 21"},
    {"ReleaseSequence_fences", continued<rel, rlx, rlx, rlx, acq>, "00 10 21"},
    // No head; a releasing RMW publishes its own thread's past alone; no acquire.
    {"ReleaseSequence_no_head", continued<rlx, rlx, rlx, acq, rlx>, "00 10 race"},
    {"ReleaseSequence_rmw_rel_no_head", continued<rlx, rlx, rel, acq, rlx>, "00 10 race"},
    {"ReleaseSequence_no_acquire", continued<rlx, rel, ar, rlx, rlx>, "00 10 race"},
    {"ReleaseSequence_cas", continued_by_cas<rlx>, "00 10 21"},
    // The second store is not an RMW: what C++17 still allowed here, C++20 does not.
    {"ReleaseSequence_own_store", own_store<rlx>, "00 10 race"},
    {"ReleaseSequence_own_release", own_store<rel>, "00 10 21"},
    {"ReleaseSequence_own_rmw", own_rmw, "00 10 21"},
    {"ReleaseSequence_other_store", other_store<rlx, rlx>, "00 10 race"},
    // Not the sequence but hb: acquired, then released anew.
    {"ReleaseSequence_other_release", other_store<acq, rel>, "00 10 21"},
    // 3 is 2 + 1, and 2 headed nothing.
    {"ReleaseSequence_rmw_of_ended", ended_then_rmw, "00 10 20 race"},
    // Wherever the head is among the three, all that follow continue it.
    {"ReleaseSequence_chain", chain<rel>, "00 10 20 31"},
    {"ReleaseSequence_chain_no_head", chain<rlx>, "00 10 20 race"},
    // A releasing RMW continues the sequence of the one it read, and heads its own.
    {"ReleaseSequence_two_heads", two_heads<rel, rel>, "000 100 211"},
    {"ReleaseSequence_one_head_of_two", two_heads<rel, rlx>, "000 100 race"},
};

}  // namespace

constinit const Family release_sequences{"release sequences", programs};

}  // namespace litmus
