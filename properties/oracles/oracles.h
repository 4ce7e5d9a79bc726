// Oracles: each reads a timeline and says which rule was broken, if any. One file each.
//
// An oracle only says what follows from the rules on every correct loop, under every schedule,
// memory order and fault plan: where the observations leave two readings, it takes the loop's side.
#pragma once

#include <string>

#include "aiosim/verdict.h"
#include "finding.h"
#include "interpreter.h"
#include "timeline.h"

namespace properties::oracles {

/// What an oracle needs to know beside the timeline.
struct Facts {
  const Case& program;
  std::uint32_t offers;
  std::int64_t poll_max_ns = 0;
  bool in_world = false;      // the clock is simulated and the probes work
  bool own_threads = false;   // the loop has threads of its own
  // What struck in this run:
  bool spurious = false;      // an epoll fd says ready, then nothing is there
  bool without_ring = false;  // io_uring cannot be set up, the loop falls back
  bool late_timers = false;   // timeouts strike up to 1 ms late
  bool full_ring = false;     // io_uring takes a part of what is submitted, or nothing
  bool fast_clock = false;    // a clock read moves time by up to 10 ms
  unsigned stale_reads = 0;   // of home: loads that read another store than the newest

  bool offered(Offers what) const { return (offers & what) != 0; }
};

using Oracle = Finding (*)(const Timeline& timeline, const Facts& facts);

Finding bh_order(const Timeline& timeline, const Facts& facts);           // R12-R16, D1
Finding bh_order_across(const Timeline& timeline, const Facts& facts);    // R13
Finding bh_once(const Timeline& timeline, const Facts& facts);            // S14.2, S14.4, R19-R22
Finding reentrancy_guard(const Timeline& timeline, const Facts& facts);   // R23
Finding wakeups(const Timeline& timeline, const Facts& facts);            // S14.1
Finding progress_value(const Timeline& timeline, const Facts& facts);     // R17, R39, R48, R77
Finding no_spin(const Timeline& timeline, const Facts& facts);            // S14.3
Finding quiet_notify(const Timeline& timeline, const Facts& facts);       // R36, R40
Finding event_fd_writes(const Timeline& timeline, const Facts& facts);    // R36, R40
Finding deadlines(const Timeline& timeline, const Facts& facts);          // S14.8, R61
Finding polling_window(const Timeline& timeline, const Facts& facts);     // R57-R59
Finding polling_time(const Timeline& timeline, const Facts& facts);       // R57, R59, R64, R65
Finding polling_effective(const Timeline& timeline, const Facts& facts);  // R57, R59
Finding polling_stops(const Timeline& timeline, const Facts& facts);      // R44, R59
Finding quiet_sources(const Timeline& timeline, const Facts& facts);      // R63
Finding kernel_events(const Timeline& timeline, const Facts& facts);      // R68
Finding handler_lives(const Timeline& timeline, const Facts& facts);      // R68, R69, R75
Finding hooks_live(const Timeline& timeline, const Facts& facts);         // R69, R72
Finding polling_pairs(const Timeline& timeline, const Facts& facts);      // D7, R66, S14.10
Finding no_reentry(const Timeline& timeline, const Facts& facts);         // R68
Finding level_trigger(const Timeline& timeline, const Facts& facts);      // S14.9, D6
Finding pollable_served(const Timeline& timeline, const Facts& facts);    // S14.9, D6
Finding closed_fds(const Timeline& timeline, const Facts& facts);         // R81
Finding files_let_go(const Timeline& timeline, const Facts& facts);       // R84.2
Finding timer_order(const Timeline& timeline, const Facts& facts);        // R89, R91, D9
Finding own_requests(const Timeline& timeline, const Facts& facts);       // R84b
Finding waiting(const Timeline& timeline, const Facts& facts);            // R100, R101

/// The ticket after which home has surely learnt that `op`, of another thread, is over: a poll that
/// began after it has returned, having accepted its notification (R43, S14.5); or a bottom half
/// that the thread scheduled after it was called (S14.4). `never` if there is none.
std::uint64_t known_at_home(const Timeline& timeline, const Operation& op);

/// May home have been in doubt, while the poll ran, of which handler `fd` has (0: any fd)?
bool in_doubt(const Timeline& timeline, const Poll& poll, int fd);
/// Does another thread change the fd's handler in the run?
bool changed_by_others(const Timeline& timeline, int fd);

/// Was the write callback of `fd`'s handler called in the poll; or its read callback or poll_ready?
bool called_during(const Timeline& timeline, const Poll& poll, int fd, bool write);

inline Finding only_by_timeout(std::string rule, std::string text) {
  return aiosim::Verdict{aiosim::VerdictKind::progress_only_by_timeout, std::move(rule),
                         std::move(text)};
}

}  // namespace properties::oracles
