// R56 to R59, R64, R65: for how long the loop polls busily before it sleeps, and that it does.
//
// Only the home thread changes parameters in these programs: they and the handlers' times follow
// from its own observations. What another thread does to a handler leaves bounds.
#include <algorithm>
#include <utility>
#include <vector>

#include "oracles/oracles.h"

namespace properties::oracles {
namespace {

std::int64_t sooner(std::int64_t a, std::int64_t b) {
  return static_cast<std::uint64_t>(a) < static_cast<std::uint64_t>(b) ? a : b;
}

/// R64, told again.
std::int64_t expected_time(std::int64_t was, std::int64_t block, std::int64_t max,
                           std::int64_t grow, std::int64_t shrink) {
  if (block <= was || block == max) return was;
  if (block > max) return shrink == 0 ? 0 : was / shrink;
  if (was >= max) return was;
  return std::min(max, was == 0 ? 4'000 : was * (grow == 0 ? 2 : grow));
}

/// Other hooks count as another handler (R72), with a time of its own.
bool ends(const Operation& op, std::int64_t registration) {
  const bool hooks = op.verb == Verb::set_hooks || op.verb == Verb::clear_hooks;
  return ((op.verb == Verb::remove_fd || hooks) && op.a == registration) ||
         (op.verb == Verb::modify_fd && op.c == registration);
}

/// Walks the observations with what the loop must know by then.
class Times {
 public:
  Times(const Timeline& timeline, const Facts& facts)
      : timeline_(timeline),
        max_(facts.program.option(Verb::poll_max_ns, 0)),
        wanted_max_(max_),
        grow_(facts.program.option(Verb::poll_grow, 0)),
        shrink_(facts.program.option(Verb::poll_shrink, 0)),
        in_world_(facts.in_world),
        beside_fds_(facts.offered(offers_polling_beside_fds)),
        times_(notifier + 1, 0) {}

  Finding run() {
    for (const Observation& seen : timeline_.seen) {
      if (seen.what == What::time_jump) {
        if (Finding finding = sleeps(seen)) return finding;
      }
      if (seen.thread != 0) continue;
      if (Finding finding = look(seen)) return finding;
    }
    return std::nullopt;
  }

 private:
  static constexpr std::size_t notifier = 64;  // registrations are fewer
  struct Open {
    int poll;
    std::int64_t max;  // when it began
    bool polled = false;
  };

  Finding look(const Observation& seen) {
    switch (seen.what) {
      case What::op_begin:
        if (seen.verb == Verb::set_poll_max) {
          wanted_max_ = seen.a;
          fresh_ = true;
        }
        return std::nullopt;
      case What::poll_begin:
        if (Finding finding = overdue(seen)) return finding;
        if (fresh_) std::fill(times_.begin(), times_.end(), 0);
        fresh_ = false;
        max_ = wanted_max_;
        open_.push_back({polls_++, max_, false});
        return std::nullopt;
      case What::poll_end:
        if (Finding finding = overdue(seen)) return finding;
        open_.pop_back();
        return std::nullopt;
      case What::call_begin:
        if (seen.source == Source::fd_write && seen.a == returned_) return std::nullopt;
        return overdue(seen);
      case What::call_end:
        returned(seen);
        return std::nullopt;
      case What::window_begin:
        if (!open_.empty()) open_.back().polled = true;
        return window(seen);
      case What::poll_time:
        return adjusted(seen);
      default:
        return std::nullopt;
    }
  }

  /// A callback of a pollable handler has returned: its time is to be adjusted next, if nobody has
  /// begun to take the handler away and the loop had a time to poll when the poll began.
  void returned(const Observation& seen) {
    const bool handler = seen.source == Source::fd_read || seen.source == Source::fd_write ||
                         seen.source == Source::fd_ready;
    if (!handler || open_.empty() || open_.back().max == 0) return;
    bool pollable = false;
    for (const Operation& op : timeline_.ops) {
      if (op.begin > seen.ticket || !op.about_handler()) continue;
      if (ends(op, seen.a)) return;
      if (op.a == seen.a) pollable = (op.b & 1) != 0;
    }
    if (pollable) returned_ = seen.a;
  }

  Finding overdue(const Observation& seen) {
    if (returned_ < 0) return std::nullopt;
    const std::int64_t registration = std::exchange(returned_, -1);
    if (ended_before(registration, seen.ticket)) return std::nullopt;
    return broken("R65",
                  "a pollable handler's callback returned, but its polling time had not been "
                  "adjusted " +
                      at(seen.time_ns));
  }

  Finding adjusted(const Observation& seen) {
    if (seen.index != 0 && seen.a < 0) {
      return broken("R65", "the polling time of fd " + std::to_string(seen.index) +
                               " was adjusted before its first dispatch");
    }
    if (seen.index != 0 && seen.a != returned_ && returned_ >= 0) return overdue(seen);
    returned_ = -1;
    std::int64_t& time = times_[seen.index == 0 ? notifier : static_cast<std::size_t>(seen.a)];
    const std::string whose = seen.index == 0 ? "the notifier" : "fd " + std::to_string(seen.index);
    const bool ended = seen.a >= 0 && ended_before(seen.a, seen.ticket);
    const bool reset = fresh_ || ended;
    if (seen.b != time && !(reset && seen.b == 0)) {
      return broken("R64", "the polling time of " + whose + " was " + std::to_string(seen.b) +
                               " ns " + at(seen.time_ns) + ", expected " + std::to_string(time));
    }
    const bool taken_over = fresh_ && !ended && seen.b == 0 && time != 0;
    const std::int64_t max = taken_over ? wanted_max_ : max_;
    const std::int64_t expected = expected_time(seen.b, seen.d, max, grow_, shrink_);
    const std::int64_t renewed = expected_time(seen.b, seen.d, wanted_max_, grow_, shrink_);
    if (seen.c != expected && !(fresh_ && seen.c == renewed)) {
      return broken("R64", "the polling time of " + whose + " went from " + std::to_string(seen.b) +
                               " to " + std::to_string(seen.c) + " ns " + at(seen.time_ns) +
                               " after a wait of " + std::to_string(seen.d) + " ns; expected " +
                               std::to_string(expected));
    }
    time = seen.c;
    return plausible(seen);
  }

  bool ended_before(std::int64_t registration, std::uint64_t ticket) const {
    return std::any_of(timeline_.ops.begin(), timeline_.ops.end(), [&](const Operation& op) {
      return op.begin < ticket && ends(op, registration);
    });
  }

  /// From the poll's beginning to the end of its wait, polling included; callbacks not.
  Finding plausible(const Observation& seen) {
    if (!in_world_ || open_.empty()) return std::nullopt;
    const Poll& poll = timeline_.polls[static_cast<std::size_t>(open_.back().poll)];
    if (poll.woken > seen.ticket) return std::nullopt;  // the notifier's, before any call
    const std::int64_t most = poll.woken_ns - poll.begin_ns;
    const std::int64_t least = poll.asleep_ns + poll.polling_ns - poll.edges_ns;
    if (seen.d >= least && seen.d <= most) return std::nullopt;
    return broken("R64", "a wait was taken to have lasted " + std::to_string(seen.d) + " ns " +
                             at(seen.time_ns) + ": it lasted at least " + std::to_string(least) +
                             " and at most " + std::to_string(most));
  }

  /// R57, D5: before it sleeps the loop polls, if a handler is worth it and none is in the way.
  Finding sleeps(const Observation& seen) {
    if (open_.empty() || open_.back().polled || beside_fds_) return std::nullopt;
    const bool here =
        std::any_of(timeline_.jumps.begin(), timeline_.jumps.end(), [&](const Jump& jump) {
          return jump.ticket == seen.ticket && jump.home_blocked && jump.poll == open_.back().poll;
        });
    const Poll& poll = timeline_.polls[static_cast<std::size_t>(open_.back().poll)];
    if (!here || !poll.blocking || least_time(seen.ticket) == 0) return std::nullopt;
    if (open_.back().max == 0 || fresh_) return std::nullopt;
    bool was_in_the_way = false;
    for (const Operation& set : timeline_.ops) {
      const bool sets = set.verb == Verb::add_fd || set.verb == Verb::modify_fd;
      if (!sets || (set.b & 1) != 0 || set.begin > seen.ticket) continue;
      const bool gone =
          std::any_of(timeline_.ops.begin(), timeline_.ops.end(), [&](const Operation& op) {
            const bool hooks = op.verb == Verb::set_hooks || op.verb == Verb::clear_hooks;
            return !hooks && ends(op, set.a) && known_at_home(timeline_, op) < poll.begin;
          });
      if (!gone) return std::nullopt;
      was_in_the_way = true;
    }
    return broken(was_in_the_way ? "D5" : "R59",
                  "the loop sleeps " + at(seen.time_ns) + " and did not poll busily before, " +
                      "although a handler was worth it and all were pollable");
  }

  /// The longest time of a handler that is surely there.
  std::int64_t least_time(std::uint64_t ticket) const {
    std::int64_t least = times_[notifier];
    for (std::size_t i = 0; i < notifier; ++i) {
      if (times_[i] <= least || ended_before(static_cast<std::int64_t>(i), ticket)) continue;
      least = times_[i];
    }
    return least;
  }

  /// R59: as long as the longest time of a handler, not past the timeout.
  Finding window(const Observation& seen) {
    const std::int64_t least = least_time(seen.ticket);
    const std::int64_t most = *std::max_element(times_.begin(), times_.end());
    const bool fits = seen.a >= sooner(seen.b, least) && seen.a <= sooner(seen.b, most);
    if (fits) return std::nullopt;
    return broken("R59", "the loop began to poll busily for " + std::to_string(seen.a) + " ns " +
                             at(seen.time_ns) + "; its handlers were worth " +
                             std::to_string(most) + " ns, the timeout being " +
                             std::to_string(seen.b));
  }

  const Timeline& timeline_;
  std::int64_t max_;  // in force
  std::int64_t wanted_max_;
  std::int64_t grow_;
  std::int64_t shrink_;
  bool in_world_;
  bool beside_fds_;
  bool fresh_ = false;  // parameters were set since the last poll began
  std::vector<std::int64_t> times_;
  std::vector<Open> open_;
  int polls_ = 0;
  std::int64_t returned_ = -1;  // registration whose adjustment is due
};

}  // namespace

Finding polling_time(const Timeline& timeline, const Facts& facts) {
  return Times(timeline, facts).run();
}

// ---- effect ----

namespace {

/// Another thread may have made the kernel's help necessary while the loop polled (R55).
bool unpollable_meanwhile(const Timeline& timeline, std::uint64_t from, std::uint64_t to) {
  return std::any_of(timeline.ops.begin(), timeline.ops.end(), [&](const Operation& op) {
    const bool sets = op.verb == Verb::add_fd || op.verb == Verb::modify_fd;
    return sets && (op.b & 1) == 0 && op.end > from && op.begin < to;
  });
}

}  // namespace

/// The loop has said until when it polls at least: nobody may find it asleep before.
Finding polling_effective(const Timeline& timeline, const Facts& facts) {
  if (!facts.in_world) return std::nullopt;
  const Observation* window = nullptr;
  for (const Observation& seen : timeline.seen) {
    if (seen.thread == 0) {
      if (seen.what == What::window_begin) window = &seen;
      const bool over = seen.what == What::call_begin || seen.what == What::poll_end ||
                        seen.what == What::poll_begin;
      if (over) window = nullptr;
      continue;
    }
    if (window == nullptr || seen.what != What::op_begin || seen.d == 0) continue;
    if (seen.time_ns >= window->time_ns + window->a) continue;
    if (unpollable_meanwhile(timeline, window->ticket, seen.ticket)) continue;
    return broken("R59", "the loop sleeps " + at(seen.time_ns) + ", when '" +
                             text(Op{seen.verb, seen.index}) + "' comes, although it began " +
                             at(window->time_ns) + " to poll busily for " +
                             std::to_string(window->a) + " ns");
  }
  return std::nullopt;
}

}  // namespace properties::oracles
