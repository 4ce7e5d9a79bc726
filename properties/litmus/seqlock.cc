// Seqlock: the writer makes the number odd, writes, makes it even; the reader reads the number, the
// data, and the number again, and keeps what it read if the number was even and the same.
//
//   seq = 1; fence; a = 1; b = 1; seq = 2   ||   s = seq; r2 = a; r3 = b; fence; r1 = (seq == s)
//
// Right is: not kept, both old, or both new. s = 2 sw: both new. With s = 0, a reader that saw new
// data must see seq = 1: the writer's fence sw the reader's by way of the data, so (seq = 1) hb the
// second look (CoWR). Without either fence it may look as if nothing had been written.
#include "litmus.h"

namespace litmus {
namespace {

template <memory_order begin, memory_order writer, memory_order end, memory_order load,
          memory_order reader>
Registers read_once() {
  std::atomic<int> seq{0}, a{0}, b{0};
  int r1 = 0, r2 = 0, r3 = 0;
  together(
      [&] {
        seq.store(1, begin);
        fence<writer>();
        a.store(1, rlx);
        b.store(1, rlx);
        seq.store(2, end);
      },
      [&] {
        const int s = seq.load(load);
        const int got_a = a.load(rlx);
        const int got_b = b.load(rlx);
        fence<reader>();
        if (seq.load(rlx) != s || s % 2 != 0) return;
        r1 = 1;
        r2 = got_a;
        r3 = got_b;
      });
  return {r1, r2, r3};
}

constexpr Program programs[] = {
    {"Seqlock", read_once<rlx, rel, rel, acq, acq>, "000 100 111"},
    {"Seqlock_fences_sc", read_once<rlx, sc, rel, acq, sc>, "000 100 111"},
    {"Seqlock_no_reader_fence", read_once<rlx, rel, rel, acq, rlx>, "000 100 101 110 111"},
    {"Seqlock_no_writer_fence", read_once<rlx, rlx, rel, acq, acq>, "000 100 101 110 111"},
    // A release does not hold back what follows it.
    {"Seqlock_release_for_fence", read_once<rel, rlx, rel, acq, acq>, "000 100 101 110 111"},
    // s = 2 sw the writer's fence and no more: the data may be old, either half.
    {"Seqlock_end_rlx", read_once<rlx, rel, rlx, acq, acq>, "000 100 101 110 111"},
    // s = 2 is taken in by the reader's fence, too late for the data.
    {"Seqlock_load_rlx", read_once<rlx, rel, rel, rlx, acq>, "000 100 101 110 111"},
};

}  // namespace

constinit const Family seqlock{"seqlock", programs};

}  // namespace litmus
