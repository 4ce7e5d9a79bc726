// R63: a source that busy polling has found silent for 7 s leaves the polling list, and no source
// leaves it before.
#include <array>

#include "oracles/oracles.h"

namespace properties::oracles {
namespace {

constexpr std::int64_t quiet_ns = 7'000'000'000;

/// What the polling of one fd's handler has come to.
struct Source7s {
  bool listed = false;           // busy polling tested it the last time
  std::int64_t since_ns = -1;    // the first busy polling that found nothing of it began then
  std::int64_t last_end_ns = 0;  // of the busy polling that tested it last
  bool said_yes = false;         // in the busy polling under way
  int in_ready = 0;              // poll_ready calls on home's stack: it is not polled then (R68)
};

/// Home's own change: another handler, which no poll has found anything of.
bool is_another_handler(const Observation& seen) {
  if (seen.what != What::op_begin || seen.a < 0) return false;
  return seen.verb == Verb::add_fd || seen.verb == Verb::modify_fd ||
         seen.verb == Verb::remove_fd || seen.verb == Verb::set_hooks ||
         seen.verb == Verb::clear_hooks;
}

class Listed {
 public:
  explicit Listed(int fd) : fd_(fd) {}

  Finding see(const Observation& seen) {
    if (seen.what == What::window_begin) {
      begin_ns_ = seen.time_ns;
      it_.said_yes = false;
    } else if (seen.what == What::window_end) {
      return end_window(seen);
    } else if (seen.index == fd_ && is_another_handler(seen)) {
      it_ = {.in_ready = it_.in_ready};
    } else if (seen.index == fd_ && seen.source == Source::fd_ready) {
      it_.in_ready += seen.what == What::call_begin ? 1 : -1;
    } else if (seen.index == fd_ && seen.source == Source::poll_function && seen.b != 0) {
      it_.said_yes = true;
    }
    return std::nullopt;
  }

 private:
  Finding end_window(const Observation& seen) {
    if (it_.in_ready > 0) return std::nullopt;
    if ((seen.c & (std::int64_t{1} << fd_)) != 0) {
      it_.listed = true;
      it_.last_end_ns = seen.time_ns;
      if (it_.said_yes) it_.since_ns = -1;
      if (!it_.said_yes && it_.since_ns < 0) it_.since_ns = begin_ns_;
      return std::nullopt;
    }
    const bool left = it_.listed;
    const bool silent = it_.since_ns >= 0 && it_.last_end_ns - it_.since_ns >= quiet_ns;
    it_.listed = false;
    it_.since_ns = -1;
    if (!left || silent) return std::nullopt;
    return broken("R63", "fd " + std::to_string(fd_) + " was left out of the busy polling that " +
                             "ended " + at(seen.time_ns) + " although it had not been silent " +
                             "for 7 s");
  }

  const int fd_;
  Source7s it_;
  std::int64_t begin_ns_ = 0;  // of the busy polling under way
};

}  // namespace

Finding quiet_sources(const Timeline& timeline, const Facts& facts) {
  if (!facts.offered(offers_idle_removal) || facts.without_ring) return std::nullopt;
  for (const Observation& seen : timeline.seen) {
    if (seen.what != What::touch || seen.source != Source::poll_function || seen.d == 0) continue;
    return broken("R63", "fd " + std::to_string(seen.index) + " is polled busily " +
                             at(seen.time_ns) + " although nothing has come of it for 7 s");
  }
  for (int fd = 1; fd <= max_fds; ++fd) {
    if (changed_by_others(timeline, fd)) continue;
    Listed listed(fd);
    for (const Observation& seen : timeline.seen) {
      if (seen.thread != 0) continue;
      if (Finding finding = listed.see(seen)) return finding;
    }
  }
  return std::nullopt;
}

}  // namespace properties::oracles
