// Observations put together: polls, calls and operations with where they begin and end. What the
// oracles read.
//
// Tickets order everything. What a home-thread event did inside the loop happened after the home
// thread's observation before it ("since"): an oracle may rely on no more.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "observation.h"

namespace properties {

inline constexpr std::uint64_t never = std::numeric_limits<std::uint64_t>::max();

struct Poll {
  bool blocking = false;
  bool ended = false;
  bool result = false;
  int parent_call = -1;  // callback that made it, -1: home's own
  std::uint64_t begin = 0;
  std::uint64_t end = never;
  std::uint64_t accepted = 0;  // home had surely accepted earlier notifications before this ticket
  std::int64_t begin_ns = 0;
  std::int64_t end_ns = 0;
  std::int64_t kernel_fds = 0;    // readable at its begin, of handlers that are not pollable
  std::int64_t pollable_fds = 0;  // the same of pollable ones
  std::int64_t polled_fds = 0;    // told to be silent
  std::int64_t writable_fds = 0;  // with a write callback, not pollable
  std::vector<int> calls;         // that it made itself
  bool polled_busily = false;
  bool tested_ready = false;  // a poll function said yes
  // At its first call, or its end if there was none:
  std::uint64_t woken = never;
  std::int64_t woken_ns = 0;
  std::int64_t asleep_ns = 0;   // that time jumped over until then, everybody being blocked
  std::int64_t polling_ns = 0;  // in busy polling until then
  std::int64_t edges_ns = 0;    // of it outside what the loop can have measured
};

struct Call {
  Source source = Source::none;
  int index = 0;
  std::int64_t a = 0;  // see Observation
  std::int64_t b = 0;
  int poll = -1;  // that made it; -1: a poll inside wait_while
  std::uint64_t begin = 0;
  std::uint64_t end = never;
  std::uint64_t since = 0;
  std::int64_t taken = -1;  // fd_read: bytes read, -1: it did not look
  std::int64_t begin_ns = 0;
};

struct Operation {
  int thread = 0;
  Verb verb = Verb::poll;
  int index = 0;
  std::int64_t a = 0, b = 0, c = 0;
  std::uint64_t begin = 0;
  std::uint64_t end = never;
  std::int64_t begin_ns = 0;
  std::int64_t end_ns = 0;

  bool notifies() const;       // makes a sleeping loop look again (R3, R36, R72)
  bool about_handler() const;  // sets or removes one, or what belongs to it
  bool about_file() const;     // closes or opens the fd
};

/// Between these no timer is called (R92).
struct Hold {
  std::uint64_t begin = 0;     // the first ticket after it was in force
  std::uint64_t end = never;   // the release's begin
  std::uint64_t over = never;  // and its end
  std::int64_t over_ns = std::numeric_limits<std::int64_t>::max();
};

struct Jump {
  std::uint64_t ticket = 0;
  std::int64_t from_ns = 0, to_ns = 0;
  bool home_blocked = false;
  int poll = -1;  // home is directly in this poll
  int wait = -1;  // home is in this wait_flag operation, not in a callback
  std::int64_t unserved = 0, polled = 0;
};

struct Window {
  int poll = -1;
  std::int64_t length_ns = 0;
  std::int64_t edges_ns = 0;  // -1: unknown
};

struct Timeline {
  std::vector<Observation> seen;  // all, by ticket
  std::vector<Poll> polls;
  std::vector<Call> calls;
  std::vector<Operation> ops;
  std::vector<Jump> jumps;
  std::vector<Window> windows;
  std::uint64_t settled = never;
  bool destroyed = false;
  bool in_world = false;
};

/// In order; a release of nothing is none.
std::vector<Hold> holds(const Timeline& timeline);

/// Puts together what `timeline.seen` holds; anything else of an earlier run is forgotten, but not
/// its memory.
void make_timeline(Timeline& timeline);

/// "bh 2", "fd 1's read callback", for messages.
std::string describe(Source source, int index);
std::string at(std::int64_t time_ns);

}  // namespace properties
