// Plain and atomic accesses to one place. A plain one and another that is not ordered with it race,
// if either writes ([intro.races] p21), atomic or not. A plain write that is ordered with
// everything else is the place's one value for all that comes after it.
#include "litmus.h"

namespace litmus {
namespace {

std::atomic_ref<int> as_atomic(int& place) { return std::atomic_ref<int>(place); }

template <class First, class Second>
Registers two(First first, Second second) {
  int x = 0, r1 = 0, r2 = 0;
  together([&] { first(x, r1); }, [&] { second(x, r2); });
  return {r1, r2};
}

void plain_write(int& x, int&) { x = 1; }
void plain_read(int& x, int& r) { r = x; }
void atomic_store(int& x, int&) { as_atomic(x).store(1, sc); }
void atomic_load(int& x, int& r) { r = as_atomic(x).load(sc); }
void atomic_add(int& x, int& r) { r = as_atomic(x).fetch_add(1, sc); }
void failing_cas(int& x, int& r) {
  r = 9;
  as_atomic(x).compare_exchange_strong(r, 1, sc, sc);
}

Registers write_and_load() { return two(plain_write, atomic_load); }
Registers write_and_store() { return two(plain_write, atomic_store); }
Registers read_and_store() { return two(plain_read, atomic_store); }
Registers read_and_add() { return two(plain_read, atomic_add); }
Registers read_and_load() { return two(plain_read, atomic_load); }
Registers read_and_failing_cas() { return two(plain_read, failing_cas); }
Registers write_and_failing_cas() { return two(plain_write, failing_cas); }

//   x = 1 (one way); y = 1   ||   r1 = y; if (r1) r2 = x (the other way)
template <bool stores_plainly, memory_order store, memory_order load>
Registers passed_on() {
  std::atomic<int> y{0};
  int x = 0, r1 = 0, r2 = 0;
  together(
      [&] {
        if (stores_plainly) {
          x = 1;
        } else {
          as_atomic(x).store(1, rlx);
        }
        y.store(1, store);
      },
      [&] {
        r1 = y.load(load);
        if (r1 != 0) r2 = stores_plainly ? as_atomic(x).load(rlx) : x;
      });
  return {r1, r2};
}

//   atomic x = 1; y = 1   ||   if (y) { plain x = 2; z = 1 }   ||   r1 = z; if (r1) r2 = atomic x
template <memory_order store, memory_order load>
Registers written_between() {
  std::atomic<int> y{0}, z{0};
  int x = 0, r1 = 0, r2 = 0;
  together(
      [&] {
        as_atomic(x).store(1, rlx);
        y.store(1, store);
      },
      [&] {
        if (y.load(load) == 0) return;
        x = 2;
        z.store(1, rel);
      },
      [&] {
        r1 = z.load(acq);
        if (r1 != 0) r2 = as_atomic(x).load(rlx);
      });
  return {r1, r2};
}

// Two plain writes of neighbouring bytes, and an atomic beside them.
Registers neighbours() {
  struct {
    char a, b;
    std::atomic<char> c;
  } s{0, 0, 0};
  int r1 = 0;
  together([&] { s.a = 1; }, [&] { s.b = 1; }, [&] { s.c.store(1, rlx); },
           [&] { r1 = s.c.load(rlx); });
  return {s.a, s.b, r1};
}

constexpr Program programs[] = {
    {"Plain_write_and_atomic_load", write_and_load, "race"},
    {"Plain_write_and_atomic_store", write_and_store, "race"},
    {"Plain_read_and_atomic_store", read_and_store, "race"},
    {"Plain_read_and_atomic_add", read_and_add, "race"},
    {"Plain_read_and_atomic_load", read_and_load, "00"},
    // It fails, so it only reads.
    {"Plain_read_and_failing_cas", read_and_failing_cas, "00"},
    {"Plain_write_and_failing_cas", write_and_failing_cas, "race"},
    {"Plain_then_atomic", passed_on<true, rel, acq>, "00 11"},
    {"Plain_then_atomic_rlx", passed_on<true, rlx, rlx>, "00 race"},
    {"Atomic_then_plain", passed_on<false, rel, acq>, "00 11"},
    {"Atomic_then_plain_rlx", passed_on<false, rlx, rlx>, "00 race"},
    {"Atomic_plain_atomic", written_between<rel, acq>, "00 12"},
    {"Atomic_plain_atomic_rlx", written_between<rlx, rlx>, "00 race"},
    {"Plain_neighbours", neighbours, "110 111"},
};

}  // namespace

constinit const Family plain_accesses{"plain and atomic accesses", programs};

}  // namespace litmus
