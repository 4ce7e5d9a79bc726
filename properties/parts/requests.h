// What the runs of a thread pool and of Linux AIO do alike with their requests. An Instance has
// number, kind, outstanding, cancelled and handle.
#pragma once

#include <algorithm>
#include <span>

#include "aiosim/observe.h"
#include "oracles/requests.h"
#include "parts/log.h"

namespace properties {

/// Of that kind; 0: of any.
template <typename Instance>
bool any_outstanding(std::span<const Instance> used, int kind) {
  return std::any_of(used.begin(), used.end(), [kind](const Instance& it) {
    return it.outstanding && (kind == 0 || it.kind == kind);
  });
}

/// `cancel(handle)` says whether it was taken back.
template <typename Instance, typename Cancel>
void cancel_one(Instance& it, Log<oracles::RequestWhat>& log, Cancel cancel) {
  aiosim::note("cancel request", it.number);
  log.add(oracles::RequestWhat::cancel, it.number);
  bool taken = false;
  {
    const aiosim::UnderTestScope scope;
    taken = cancel(it.handle);
  }
  it.cancelled = it.cancelled || taken;
  log.add(oracles::RequestWhat::cancel_returned, it.number, taken ? 1 : 0);
}

/// Of several of that kind the newest that is not cancelled yet, else one that is: that must come
/// to nothing.
template <typename Instance, typename Cancel>
void cancel_newest(std::span<Instance> used, int kind, Log<oracles::RequestWhat>& log,
                   Cancel cancel) {
  Instance* which = nullptr;
  for (std::size_t i = used.size(); i-- > 0;) {
    Instance& it = used[i];
    if (it.kind != kind || !it.outstanding) continue;
    if (which == nullptr || (which->cancelled && !it.cancelled)) which = &it;
  }
  if (which != nullptr) cancel_one(*which, log, cancel);
}

}  // namespace properties
