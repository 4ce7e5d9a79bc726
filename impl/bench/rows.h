// How rows are named and registered. A row is ROW@SUBJECT, as in "fd_dispatch/of:1000@libuv"; what
// the report makes of it is told in ci/bench_report.cc: ns of CPU time per item, or the counters
// called "row:...", each with its unit at the end of its name.
#pragma once

#include <benchmark/benchmark.h>

#include <cstdint>
#include <string>

#include "adapters/aio.h"
#include "adapters/asio.h"
#include "adapters/bare.h"
#include "adapters/glib.h"
#include "adapters/libevent.h"
#include "adapters/libuv.h"
#include "adapters/walk.h"

namespace bench {

using AioPpoll = AioLoop<aio::Monitor::ppoll>;
using AioEpoll = AioLoop<aio::Monitor::epoll>;
using AioIoUring = AioLoop<aio::Monitor::io_uring>;

/// Calls `visit.operator()<Loop>()` for each of them.
template <class... Loops, class Visit>
void for_each_loop(const Visit& visit) {
  (visit.template operator()<Loops>(), ...);
}

/// This project's loop on each monitor that this kernel has.
template <class Visit>
void for_each_own_loop(const Visit& visit) {
  for_each_loop<AioPpoll, AioEpoll>(visit);
  static const bool has_io_uring = AioIoUring().context.monitor_name() == std::string("io_uring");
  if (has_io_uring) for_each_loop<AioIoUring>(visit);
}

/// Every loop that people use.
template <class Visit>
void for_each_full_loop(const Visit& visit) {
  for_each_own_loop(visit);
  for_each_loop<UvLoop, GlibLoop, LibeventLoop, AsioLoop>(visit);
}

/// "ROW/WHAT:N@SUBJECT"
inline std::string row_name(const std::string& row, std::int64_t n, const char* subject) {
  return row + ":" + std::to_string(n) + "@" + subject;
}

inline void count(void* calls) { ++*static_cast<std::int64_t*>(calls); }

/// The row is of no worth unless every call was made.
inline void expect_calls(benchmark::State& state, std::int64_t calls, std::int64_t wanted) {
  if (calls != wanted) state.SkipWithError("a call was lost or made twice");
  state.SetItemsProcessed(wanted);
}

void register_bottom_half_rows();
void register_timer_rows();
void register_fd_rows();
void register_notify_rows();
void register_virtqueue_rows();
void register_idle_rows(double seconds);

}  // namespace bench
