#include "aio/trace.h"

#include <atomic>

namespace aio {

namespace {
std::atomic<const TraceSink*> the_sink{nullptr};
}  // namespace

void set_trace_sink(const TraceSink* sink) { the_sink.store(sink, std::memory_order_release); }

void trace(const TraceEvent& event) {
  const TraceSink* sink = the_sink.load(std::memory_order_acquire);
  if (sink != nullptr) sink->emit(sink->opaque, event);
}

}  // namespace aio
