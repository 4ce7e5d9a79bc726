// MP, message passing: data, then a flag; the reader looks at the flag, then at the data.
//
//   x = 1; fence; y = 1    ||    r1 = y; fence; r2 = x
//
// 10 is the message that arrived before its contents. It is forbidden where x = 1 happens before
// r2 whenever r1 is 1 (CoWR). With plain data that is what keeps r2 from being a race.
#include <mutex>

#include "litmus.h"

namespace litmus {
namespace {

template <memory_order fence1, memory_order store, memory_order load, memory_order fence2>
Registers mp() {
  std::atomic<int> x{0}, y{0};
  int r1 = 0, r2 = 0;
  together(
      [&] {
        x.store(1, rlx);
        fence<fence1>();
        y.store(1, store);
      },
      [&] {
        r1 = y.load(load);
        fence<fence2>();
        r2 = x.load(rlx);
      });
  return {r1, r2};
}

// The data is seq_cst, the flag is relaxed.
Registers mp_sc_data() {
  std::atomic<int> x{0}, y{0};
  int r1 = 0, r2 = 0;
  together(
      [&] {
        x.store(1, sc);
        y.store(1, rlx);
      },
      [&] {
        r1 = y.load(rlx);
        r2 = x.load(sc);
      });
  return {r1, r2};
}

//   data = 1; fence; y = 1   ||   r1 = y; fence; if (r1) r2 = data
template <memory_order fence1, memory_order store, memory_order load, memory_order fence2>
Registers mp_plain() {
  int data = 0, r1 = 0, r2 = 0;
  std::atomic<int> y{0};
  together(
      [&] {
        data = 1;
        fence<fence1>();
        y.store(1, store);
      },
      [&] {
        r1 = y.load(load);
        fence<fence2>();
        if (r1 != 0) r2 = data;
      });
  return {r1, r2};
}

template <memory_order store, memory_order load>
Registers written_after() {
  int data = 0, r1 = 0, r2 = 0;
  std::atomic<int> y{0};
  together(
      [&] {
        y.store(1, store);
        data = 1;
      },
      [&] {
        r1 = y.load(load);
        if (r1 != 0) r2 = data;
      });
  return {r1, r2};
}

template <memory_order store, memory_order load>
Registers waiting() {
  int data = 0, r = 0;
  std::atomic<int> y{0};
  together(
      [&] {
        data = 1;
        y.store(1, store);
      },
      [&] {
        while (y.load(load) == 0) {
        }
        r = data;
      });
  return {r};
}

template <memory_order load>
Registers pointer() {
  int data = 0, r1 = 0, r2 = 0;
  std::atomic<int*> place{nullptr};
  together(
      [&] {
        data = 1;
        place.store(&data, rel);
      },
      [&] {
        const int* at = place.load(load);
        r1 = at != nullptr;
        if (at != nullptr) r2 = *at;
      });
  return {r1, r2};
}

Registers locked() {
  int data = 0, flag = 0, r1 = 0, r2 = 0;
  std::mutex mutex;
  together(
      [&] {
        const std::lock_guard lock(mutex);
        data = 1;
        flag = 1;
      },
      [&] {
        const std::lock_guard lock(mutex);
        r1 = flag;
        r2 = data;
      });
  return {r1, r2};
}

constexpr Program programs[] = {
    {"MP_rlx", mp<rlx, rlx, rlx, rlx>, "??"},
    // sw needs both ends.
    {"MP_rel_rlx", mp<rlx, rel, rlx, rlx>, "??"},
    {"MP_rlx_acq", mp<rlx, rlx, acq, rlx>, "??"},
    {"MP_rel_acq", mp<rlx, rel, acq, rlx>, "?? but 10"},
    {"MP_sc", mp<rlx, sc, sc, rlx>, "?? but 10"},
    // [atomics.fences] p2 to p4: fence and fence, fence and operation, operation and fence.
    {"MP_fences", mp<rel, rlx, rlx, acq>, "?? but 10"},
    {"MP_fence_acq", mp<rel, rlx, acq, rlx>, "?? but 10"},
    {"MP_rel_fence", mp<rlx, rel, rlx, acq>, "?? but 10"},
    {"MP_fences_sc", mp<sc, rlx, rlx, sc>, "?? but 10"},
    {"MP_fence_only_in_writer", mp<sc, rlx, rlx, rlx>, "??"},
    {"MP_fence_only_in_reader", mp<rlx, rlx, rlx, sc>, "??"},
    {"MP_fences_swapped", mp<acq, rlx, rlx, rel>, "??"},
    // No load depends on the flag, so C++20 has no edge here. Ours: consume is acquire.
    {"MP_consume", mp<rlx, rel, con, rlx>, "?? but 10", "10"},
    // E: x = 1 was executed before r2, so it comes before it in S, and 4.1 forbids 0. C++20: S may
    // have r2 first, since the relaxed flag makes no hb.
    {"MP_sc_data", mp_sc_data, "?? but 10", "10"},
    {"MP_plain_rel_acq", mp_plain<rlx, rel, acq, rlx>, "00 11"},
    {"MP_plain_fences", mp_plain<rel, rlx, rlx, acq>, "00 11"},
    // If the flag was seen, nothing orders the read of data with its write.
    {"MP_plain_rlx", mp_plain<rlx, rlx, rlx, rlx>, "00 race"},
    {"MP_plain_rel_rlx", mp_plain<rlx, rel, rlx, rlx>, "00 race"},
    {"MP_plain_rlx_acq", mp_plain<rlx, rlx, acq, rlx>, "00 race"},
    {"MP_plain_fences_swapped", mp_plain<acq, rlx, rlx, rel>, "00 race"},
    // What follows the release is not published by it.
    {"MP_plain_written_after", written_after<rel, acq>, "00 race"},
    {"MP_plain_written_after_sc", written_after<sc, sc>, "00 race"},
    {"MP_plain_waits", waiting<rel, acq>, "1"},
    {"MP_plain_waits_rlx", waiting<rlx, rlx>, "race"},
    // The read depends on the pointer, so consume is enough in C++20 too.
    {"MP_pointer_consume", pointer<con>, "00 11"},
    // C++20 has no dependency ordering for relaxed loads, and neither have we: hardware has.
    {"MP_pointer_rlx", pointer<rlx>, "00 race"},
    // An unlock sw the next lock.
    {"MP_mutex", locked, "00 11"},
};

}  // namespace

constinit const Family message_passing{"message passing", programs};

}  // namespace litmus
