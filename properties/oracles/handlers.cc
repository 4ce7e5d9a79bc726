// R68, R69, R75: which callbacks of a handler may start. D7, R66, S14.10: polling begins and ends
// in pairs, has begun while the loop polls busily, and is over before the loop sleeps. S14.9, D6:
// what is readable is reported. R81: what is heard of closed fds.
#include <algorithm>
#include <array>

#include "oracles/oracles.h"

namespace properties::oracles {
namespace {

bool about_hooks(const Operation& op) {
  return op.verb == Verb::set_hooks || op.verb == Verb::clear_hooks;
}

/// The registration that `op` ends, or -1.
std::int64_t ended_by(const Operation& op) {
  if (op.verb == Verb::remove_fd) return op.a;
  return op.verb == Verb::modify_fd ? op.c : -1;
}

}  // namespace

std::uint64_t known_at_home(const Timeline& timeline, const Operation& op) {
  if (op.thread == 0 || op.end == never) return op.end;
  std::uint64_t known = never;
  for (const Poll& poll : timeline.polls) {
    if (poll.begin > op.end && poll.ended) known = std::min(known, poll.end);
  }
  for (const Operation& later : timeline.ops) {
    const bool schedule = later.verb == Verb::schedule || later.verb == Verb::schedule_idle;
    if (!schedule || later.thread != op.thread || later.begin < op.end) continue;
    for (const Call& call : timeline.calls) {
      if (call.source != Source::bh || call.index != later.index) continue;
      if (call.since > later.end) known = std::min(known, call.begin);
    }
  }
  return known;
}

Finding handler_lives(const Timeline& timeline, const Facts&) {
  for (const Operation& op : timeline.ops) {
    const std::int64_t registration = ended_by(op);
    if (registration < 0) continue;
    const std::uint64_t over = known_at_home(timeline, op);
    if (over == never) continue;
    for (const Observation& seen : timeline.seen) {
      if (seen.ticket < over || seen.a != registration || seen.thread != 0) continue;
      const bool call = seen.what == What::call_begin &&
                        (seen.source == Source::fd_read || seen.source == Source::fd_write ||
                         seen.source == Source::fd_ready);
      // A last poll may follow the end of polling (D7); home's own removal has made it by now.
      const bool tested = seen.what == What::touch &&
                          (seen.source == Source::poll_began || seen.source == Source::poll_ended ||
                           (seen.source == Source::poll_function && op.thread == 0));
      if (!call && !tested) continue;
      return broken(call ? "R75" : "R69",
                    describe(seen.source, seen.index) + " was called " + at(seen.time_ns) +
                        " although that handler had been " +
                        (op.verb == Verb::remove_fd ? "removed" : "replaced"));
    }
  }
  return std::nullopt;
}

/// Hooks that were replaced are not called any more; those of before are ended by then (D7).
Finding hooks_live(const Timeline& timeline, const Facts&) {
  for (const Operation& op : timeline.ops) {
    if (!about_hooks(op) || op.a < 0) continue;
    const std::uint64_t over = known_at_home(timeline, op);
    for (const Observation& seen : timeline.seen) {
      const bool hook = seen.what == What::touch &&
                        (seen.source == Source::poll_began || seen.source == Source::poll_ended);
      if (!hook || seen.ticket < over || seen.a != op.a || seen.c >= op.c) continue;
      return broken("R69", describe(seen.source, seen.index) + " was called " + at(seen.time_ns) +
                               " although the handler had been given other hooks");
    }
  }
  return std::nullopt;
}

namespace {

/// Had somebody begun to end the registration before `ticket`? Then its last poll may come (D7).
bool ending(const Timeline& timeline, std::int64_t registration, std::uint64_t ticket) {
  return std::any_of(timeline.ops.begin(), timeline.ops.end(), [&](const Operation& op) {
    const bool ends = ended_by(op) == registration || (about_hooks(op) && op.a == registration);
    return ends && op.begin < ticket;
  });
}

}  // namespace

/// R68: inside poll_ready the handler is not polled, unless it is being removed, and not called
/// again, unless it was given other hooks there and counts as another.
Finding no_reentry(const Timeline& timeline, const Facts&) {
  std::vector<Observation> ready;  // calls of poll_ready on home's stack
  const auto replaced = [&](const Observation& since, const Observation& until) {
    return std::any_of(timeline.ops.begin(), timeline.ops.end(), [&](const Operation& op) {
      return about_hooks(op) && op.a == since.a && op.begin < until.ticket &&
             known_at_home(timeline, op) > since.ticket;
    });
  };
  for (const Observation& seen : timeline.seen) {
    if (seen.thread != 0) continue;
    const bool polled = seen.what == What::touch && seen.source == Source::poll_function;
    if (seen.source != Source::fd_ready && !polled) continue;
    if (seen.what == What::call_end) ready.pop_back();
    const auto outer = std::find_if(ready.begin(), ready.end(),
                                    [&](const Observation& call) { return call.a == seen.a; });
    const bool again = outer != ready.end();
    const bool excused =
        again && (polled ? ending(timeline, seen.a, seen.ticket) : replaced(*outer, seen));
    if (again && !excused && (polled || seen.what == What::call_begin)) {
      return broken("R68", describe(seen.source, seen.index) + " was called " + at(seen.time_ns) +
                               " from inside that handler's poll_ready");
    }
    if (seen.what == What::call_begin) ready.push_back(seen);
  }
  return std::nullopt;
}

namespace {

/// Has somebody begun to take the hooks of the registration away before `ticket`?
bool without_hooks(const Timeline& timeline, std::int64_t registration, std::uint64_t ticket) {
  return std::any_of(timeline.ops.begin(), timeline.ops.end(), [&](const Operation& op) {
    return op.verb == Verb::clear_hooks && op.a == registration && op.begin < ticket;
  });
}

}  // namespace

Finding polling_pairs(const Timeline& timeline, const Facts&) {
  std::array<unsigned, 64> begun{};  // of each registration: its hooks, a bit each
  bool busy = false;
  for (const Observation& seen : timeline.seen) {
    if (seen.what == What::window_begin) busy = true;
    if (seen.what == What::window_end) busy = false;
    if (seen.what != What::touch) continue;
    unsigned& state = begun[static_cast<std::size_t>(seen.a) % begun.size()];
    if (seen.source == Source::poll_function) {
      if (!busy || state != 0 || without_hooks(timeline, seen.a, seen.ticket)) continue;
      return broken("R66", describe(seen.source, seen.index) + " was called " + at(seen.time_ns) +
                               " in busy polling without io_poll_begin");
    }
    const bool begins = seen.source == Source::poll_began;
    if (!begins && seen.source != Source::poll_ended) continue;
    const unsigned hooks = 1u << seen.c;
    if (((state & hooks) != 0) == begins) {
      return broken("D7", describe(seen.source, seen.index) + " was called " + at(seen.time_ns) +
                              (begins ? " twice without io_poll_end" : " without io_poll_begin"));
    }
    state ^= hooks;
  }
  for (const Jump& jump : timeline.jumps) {
    if (!jump.home_blocked || (jump.poll < 0 && jump.wait < 0) || jump.polled == 0) continue;
    return broken("S14.10", "the loop sleeps " + at(jump.from_ns) +
                                " while a source believes that it is being polled");
  }
  const bool open = std::any_of(begun.begin(), begun.end(), [](unsigned state) { return state; });
  if (timeline.destroyed && open) {
    return broken("D7",
                  "io_poll_begin was called without io_poll_end, although every handler was "
                  "removed and the loop destroyed");
  }
  return std::nullopt;
}

// ---- readiness ----

bool in_doubt(const Timeline& timeline, const Poll& poll, int fd) {
  return std::any_of(timeline.ops.begin(), timeline.ops.end(), [&](const Operation& op) {
    return op.about_handler() && (fd == 0 || op.index == fd) && op.begin < poll.end &&
           known_at_home(timeline, op) > poll.begin;
  });
}

bool changed_by_others(const Timeline& timeline, int fd) {
  return std::any_of(timeline.ops.begin(), timeline.ops.end(), [&](const Operation& op) {
    return op.thread != 0 && op.about_handler() && op.index == fd;
  });
}

bool called_during(const Timeline& timeline, const Poll& poll, int fd, bool write) {
  return std::any_of(timeline.calls.begin(), timeline.calls.end(), [&](const Call& call) {
    const bool read = call.source == Source::fd_read || call.source == Source::fd_ready;
    return (write ? call.source == Source::fd_write : read) && call.index == fd &&
           call.begin > poll.begin && call.begin < poll.end;
  });
}

namespace {

const Poll& outermost(const Timeline& timeline, int number) {
  const Poll& poll = timeline.polls[static_cast<std::size_t>(number)];
  if (poll.parent_call < 0) return poll;
  const Call& parent = timeline.calls[static_cast<std::size_t>(poll.parent_call)];
  return parent.poll < 0 ? poll : outermost(timeline, parent.poll);
}

/// While another thread replaces a handler, a poll may find the old one and the new one ready, and
/// what a poll nested in it was told of is taken by the second. And what was found of another file
/// under the number is not there any more.
bool found_before(const Timeline& timeline, const Call& call) {
  const Poll& poll = outermost(timeline, call.poll);
  return std::any_of(timeline.ops.begin(), timeline.ops.end(), [&](const Operation& op) {
    if (op.index != call.index || op.begin > call.begin) return false;
    const bool by_another = op.thread != 0 && op.about_handler();
    return op.about_file() || (by_another && known_at_home(timeline, op) > poll.begin);
  });
}

/// While others set handlers, a poll that made room for those it knew of leaves some to the next.
bool others_set_handlers(const Timeline& timeline, const Poll& poll) {
  return std::any_of(timeline.ops.begin(), timeline.ops.end(), [&](const Operation& op) {
    return op.thread != 0 && op.about_handler() && op.verb != Verb::remove_fd &&
           op.begin < poll.end && known_at_home(timeline, op) > poll.begin;
  });
}

/// Did nothing that the poll called itself poll, or change the fd's handler or file?
bool untouched(const Timeline& timeline, const Poll& poll, int fd) {
  const auto within = [&](std::uint64_t begin) { return begin > poll.begin && begin < poll.end; };
  return poll.parent_call < 0 &&
         std::none_of(timeline.polls.begin(), timeline.polls.end(),
                      [&](const Poll& other) { return within(other.begin); }) &&
         std::none_of(timeline.ops.begin(), timeline.ops.end(), [&](const Operation& op) {
           return within(op.begin) &&
                  (op.verb == Verb::wait_flag || (op.about_handler() && op.index == fd));
         });
}

/// `asked_before`: the kernel may have been asked before the poll began, by a one-shot request.
Finding unreported(const Timeline& timeline, const Poll& poll, bool asked_before) {
  for (int fd = 1; fd <= max_fds; ++fd) {
    const std::int64_t bit = std::int64_t{1} << fd;
    const bool kernel = (poll.kernel_fds & bit) != 0;
    // D6. A blocking poll that is notified may leave pollable ones to the next: it does not sleep
    // on them, which the time jumps show.
    const bool pollable = (poll.pollable_fds & bit) != 0 && !poll.blocking &&
                          (poll.calls.empty() || untouched(timeline, poll, fd));
    if ((poll.writable_fds & bit) != 0 && !in_doubt(timeline, poll, fd) &&
        !called_during(timeline, poll, fd, true)) {
      return broken("R71", "a poll, begun " + at(poll.begin_ns) + " with fd " + std::to_string(fd) +
                               " writable, returned without calling its write callback");
    }
    // Busy polling asks all that were told to be silent, not only until one is ready. No event that
    // the kernel has besides takes the finding's place but one that io_read is called for.
    const bool silent = (poll.pollable_fds & poll.polled_fds & bit) != 0 && poll.polled_busily;
    if (silent && !in_doubt(timeline, poll, 0) && !called_during(timeline, poll, fd, false)) {
      return broken("R59", "a poll, begun " + at(poll.begin_ns) + " with fd " + std::to_string(fd) +
                               " ready and polled, polled busily and did not call its handler");
    }
    if (!kernel && !pollable) continue;
    // Whether the kernel is asked for pollable ones depends on counts, which are hints (R55).
    if (in_doubt(timeline, poll, kernel ? fd : 0)) continue;
    if (called_during(timeline, poll, fd, false)) continue;
    // Answered when it was writable only; what came since is told to the next poll (R84.3).
    if (asked_before && called_during(timeline, poll, fd, true)) continue;
    return broken(pollable ? "D6" : "S14.9",
                  std::string("poll(") + (poll.blocking ? "true" : "false") + "), begun " +
                      at(poll.begin_ns) + " with fd " + std::to_string(fd) +
                      " readable, returned without calling its handler");
  }
  return std::nullopt;
}

}  // namespace

Finding level_trigger(const Timeline& timeline, const Facts& facts) {
  for (const Poll& poll : timeline.polls) {
    // What a ring that is full has not been told of waits for the next poll (R84.9).
    if (!poll.ended || facts.spurious || facts.full_ring) continue;
    if (others_set_handlers(timeline, poll)) continue;
    const bool ring = facts.offered(offers_polling_beside_fds);
    if (Finding finding = unreported(timeline, poll, ring)) return finding;
  }
  for (const Call& call : timeline.calls) {
    if (call.source != Source::fd_read || call.end == never || call.taken != 0) continue;
    if (call.poll < 0 || found_before(timeline, call)) continue;
    return broken("R51", describe(call.source, call.index) + " was called " + at(call.begin_ns) +
                             " although there was nothing to read any more");
  }
  for (const Jump& jump : timeline.jumps) {
    if (!jump.home_blocked || (jump.poll < 0 && jump.wait < 0) || jump.unserved == 0) continue;
    int fd = 1;
    while ((jump.unserved & (std::int64_t{1} << fd)) == 0) ++fd;
    return only_by_timeout("S14.9", "the home thread sleeps " + at(jump.from_ns) + " although fd " +
                                        std::to_string(fd) + " is readable and has a handler");
  }
  return std::nullopt;
}

// ---- closed fds ----

namespace {

/// R75: a handler that was set after its fd was opened anew is not called for what the file before
/// had: nothing was ever written to this one. But a pollable one's finding is its successor's (D7).
Finding of_another_file(const Timeline& timeline, const Call& call) {
  if (call.source != Source::fd_read || call.end == never || call.taken != 0) return std::nullopt;
  const Operation* set = nullptr;
  const Operation* opened = nullptr;
  for (const Operation& op : timeline.ops) {
    const bool sets = op.verb == Verb::add_fd || op.verb == Verb::modify_fd;
    if (sets && op.a == call.a) set = &op;
    if (sets && op.a != call.a && op.index == call.index && (op.b & 1) != 0) return std::nullopt;
  }
  if (set == nullptr || (set->b & 4) != 0 || call.index == max_fds) return std::nullopt;
  for (const Operation& op : timeline.ops) {
    const bool opens = op.verb == Verb::open_fd || op.verb == Verb::recycle_fd;
    if (opens && op.index == call.index && op.end < set->begin) opened = &op;
  }
  if (opened == nullptr) return std::nullopt;
  for (const Operation& op : timeline.ops) {
    const bool changes = op.verb == Verb::signal || op.verb == Verb::hang_up ||
                         op.verb == Verb::close_fd || op.verb == Verb::recycle_fd;
    if (changes && &op != opened && op.index == call.index && op.end > opened->begin &&
        op.begin < call.end) {
      return std::nullopt;
    }
  }
  return broken("R75", describe(call.source, call.index) + " was called " + at(call.begin_ns) +
                           " although nothing was ever written to the file that it was set for");
}

}  // namespace

/// The handler of a closed fd may hear of what was found before, at whatever depth, and of the
/// error: no more.
Finding closed_fds(const Timeline& timeline, const Facts& facts) {
  // A ring tells of what it found, of what it was asked before the closing, and of the error.
  const std::ptrdiff_t told = facts.offered(offers_polling_beside_fds) ? 3 : 2;
  for (const Call& call : timeline.calls) {
    if (Finding finding = of_another_file(timeline, call)) return finding;
  }
  for (const Operation& op : timeline.ops) {
    const bool set_closed = (op.verb == Verb::add_fd || op.verb == Verb::modify_fd) && (op.b & 4);
    if ((op.verb != Verb::close_fd && !set_closed) || op.a < 0) continue;
    std::uint64_t opened = never;  // a file that is opened has the lowest free number at first
    for (const Operation& later : timeline.ops) {
      const bool opens = later.verb == Verb::open_fd || later.verb == Verb::recycle_fd;
      // One that was opened before the handler was set may have its number already.
      if (opens && (set_closed || later.end > op.begin)) opened = std::min(opened, later.begin);
    }
    // A read callback under way may be followed by its write callback.
    const auto under_way =
        std::count_if(timeline.calls.begin(), timeline.calls.end(), [&](const Call& call) {
          return call.a == op.a && call.begin < op.end && call.end > op.begin;
        });
    const auto most_calls = told + under_way;
    for (const Source source : {Source::fd_read, Source::fd_write}) {
      std::ptrdiff_t calls = 0;
      for (const Call& call : timeline.calls) {
        const bool its = call.source == source && call.a == op.a;
        if (!its || call.since < op.end || call.begin > opened || ++calls <= most_calls) continue;
        return broken("R81", describe(source, op.index) + " was called " + at(call.begin_ns) +
                                 ", once more although the fd had been closed");
      }
    }
  }
  return std::nullopt;
}

}  // namespace properties::oracles
