// In place of fd_monitor_io_uring.cc where there is no liburing.
#include "ring_monitor.h"

namespace aio {

std::unique_ptr<RingMonitor> make_ring_monitor(unsigned, FdHandlerList&) { return nullptr; }

}  // namespace aio
