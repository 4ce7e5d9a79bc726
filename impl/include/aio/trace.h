// Trace events of the loop, delivered to one sink for the whole process (D4).
//
//   any thread      set_trace_sink()
//   home threads    the sink is called from the thread whose context it is about
#pragma once

#include <cstdint>

namespace aio {

class Context;

enum class TraceKind {
  poll_begin,         // busy polling starts; ns = for how long at most
  poll_end,           // busy polling ends; ns = how long it took; progress = a source was ready
  poll_time,          // a pollable handler was dispatched; ns = its busy polling time from now on
  monitor_upgrade,    // ppoll -> epoll
  monitor_downgrade,  // epoll -> ppoll, for the rest of the context's life
  reentered,          // a bottom half is called while its guard is engaged (R23); name = its own
};

struct TraceEvent {
  TraceKind kind;
  const Context* context;
  std::int64_t ns = 0;
  bool progress = false;
  std::int64_t timeout_ns = 0;  // poll_begin, poll_end: how long the poll may still take in all
  int fd = -1;                  // poll_time: the handler's
  std::int64_t was_ns = 0;      // poll_time: its time before
  std::int64_t block_ns = 0;    // poll_time: from the poll's beginning to the end of its wait
  const char* name = nullptr;   // reentered: the bottom half's
};

/// Who hears trace events. `emit` may be called from several threads at once and must not call the
/// loop.
struct TraceSink {
  void (*emit)(void* opaque, const TraceEvent& event);
  void* opaque;
};

/// Sets the sink, null for none. The caller keeps `sink` alive until no context runs any more.
/// Any thread.
void set_trace_sink(const TraceSink* sink);

/// Delivers `event` if there is a sink.
void trace(const TraceEvent& event);

}  // namespace aio
