#include "timeline.h"

#include <algorithm>
#include <array>
#include <utility>

#include "aiosim/run.h"

namespace properties {
namespace {

/// Walks the observations once, with the home thread's stack of open polls, calls and waits.
class Builder {
 public:
  explicit Builder(Timeline& out) : out_(out) {}

  void add(const Observation& seen) {
    switch (seen.what) {
      case What::op_begin:
        begin_op(seen);
        break;
      case What::op_end:
        end_op(seen);
        break;
      case What::call_begin:
        begin_call(seen);
        break;
      case What::call_end:
        end_call(seen);
        break;
      case What::poll_begin:
        begin_poll(seen);
        break;
      case What::poll_end:
        end_poll(seen);
        break;
      case What::touch:
        if (Poll* poll = innermost_poll(); poll && seen.source == Source::poll_function) {
          poll->tested_ready |= seen.b != 0;
        }
        break;
      case What::window_end:
        end_window(seen);
        break;
      case What::time_jump:
        jump(seen);
        break;
      case What::stays_open:
      case What::no_ring:
        without_ring(seen);
        break;
      case What::settled:
        out_.settled = seen.ticket;
        break;
      case What::destroyed:
        out_.destroyed = true;
        break;
      default:
        break;
    }
    if (seen.thread == 0 && seen.what != What::time_jump) last_home_ = seen.ticket;
  }

 private:
  enum class Frame : std::uint8_t { poll, call, wait };
  using Open = std::pair<Frame, int>;

  Poll* innermost_poll() {
    if (stack_.empty() || stack_.back().first != Frame::poll) return nullptr;
    return &out_.polls[static_cast<std::size_t>(stack_.back().second)];
  }

  void begin_op(const Observation& seen) {
    Operation op{.thread = seen.thread, .verb = seen.verb, .index = seen.index};
    op.a = seen.a;
    op.b = seen.b;
    op.c = seen.c;
    op.begin = seen.ticket;
    op.begin_ns = seen.time_ns;
    const int number = static_cast<int>(out_.ops.size());
    out_.ops.push_back(op);
    open_[static_cast<std::size_t>(seen.thread)].push_back(number);
    if (seen.verb == Verb::wait_flag) stack_.emplace_back(Frame::wait, number);
  }

  void end_op(const Observation& seen) {
    auto& open = open_[static_cast<std::size_t>(seen.thread)];
    Operation& op = out_.ops[static_cast<std::size_t>(open.back())];
    open.pop_back();
    op.end = seen.ticket;
    op.end_ns = seen.time_ns;
    if (op.verb == Verb::wait_flag) {
      stack_.pop_back();
      accepted_ = seen.ticket;
    }
  }

  /// The thread's last operation came to nothing.
  void without_ring(const Observation& seen) {
    for (std::size_t i = out_.ops.size(); i-- > 0;) {
      if (out_.ops[i].thread != seen.thread) continue;
      out_.ops[i].a = -1;
      return;
    }
  }

  void wake(Poll& poll, const Observation& seen) {
    if (poll.woken != never) return;
    poll.woken = seen.ticket;
    poll.woken_ns = seen.time_ns;
  }

  void begin_call(const Observation& seen) {
    Call call{.source = seen.source, .index = seen.index};
    call.a = seen.a;
    call.b = seen.b;
    call.begin = seen.ticket;
    call.since = last_home_;
    call.begin_ns = seen.time_ns;
    const int number = static_cast<int>(out_.calls.size());
    if (Poll* poll = innermost_poll()) {
      call.poll = stack_.back().second;
      poll->calls.push_back(number);
      wake(*poll, seen);
    }
    out_.calls.push_back(call);
    stack_.emplace_back(Frame::call, number);
    accepted_ = seen.ticket;
  }

  void end_call(const Observation& seen) {
    Call& call = out_.calls[static_cast<std::size_t>(stack_.back().second)];
    call.end = seen.ticket;
    if (call.source == Source::fd_read) call.taken = seen.b;
    stack_.pop_back();
  }

  void begin_poll(const Observation& seen) {
    Poll poll;
    poll.blocking = seen.index != 0;
    poll.begin = seen.ticket;
    poll.begin_ns = seen.time_ns;
    poll.accepted = accepted_;
    poll.kernel_fds = seen.a;
    poll.pollable_fds = seen.b;
    poll.writable_fds = seen.c;
    poll.polled_fds = seen.d;
    if (!stack_.empty() && stack_.back().first == Frame::call) {
      poll.parent_call = stack_.back().second;
    }
    stack_.emplace_back(Frame::poll, static_cast<int>(out_.polls.size()));
    out_.polls.push_back(std::move(poll));
  }

  void end_poll(const Observation& seen) {
    Poll& poll = out_.polls[static_cast<std::size_t>(stack_.back().second)];
    poll.ended = true;
    poll.result = seen.index != 0;
    poll.end = seen.ticket;
    poll.end_ns = seen.time_ns;
    wake(poll, seen);
    stack_.pop_back();
    accepted_ = seen.ticket;
  }

  void end_window(const Observation& seen) {
    Window window{.length_ns = seen.a, .edges_ns = seen.b};
    if (Poll* poll = innermost_poll()) {
      window.poll = stack_.back().second;
      poll->polled_busily = true;
      if (poll->woken == never) {
        constexpr std::int64_t unknown_edges_ns = 400'000;  // two reads of the clock
        poll->polling_ns += seen.a;
        poll->edges_ns += seen.b < 0 ? std::min(unknown_edges_ns, seen.a) : seen.b;
      }
    }
    out_.windows.push_back(window);
  }

  void jump(const Observation& seen) {
    Jump jump{.ticket = seen.ticket, .from_ns = seen.a, .to_ns = seen.b};
    jump.home_blocked = seen.index != 0;
    jump.unserved = seen.c;
    jump.polled = seen.d;
    if (Poll* poll = innermost_poll(); poll != nullptr && open_home_op() < 0) {
      jump.poll = stack_.back().second;
      if (poll->woken == never) poll->asleep_ns += jump.to_ns - jump.from_ns;
    }
    if (!stack_.empty() && stack_.back().first == Frame::wait) jump.wait = stack_.back().second;
    out_.jumps.push_back(jump);
  }

  /// The home thread's innermost open operation that is not an enclosing wait, or -1.
  int open_home_op() const {
    const auto& open = open_[0];
    if (open.empty()) return -1;
    const int last = open.back();
    return out_.ops[static_cast<std::size_t>(last)].verb == Verb::wait_flag ? -1 : last;
  }

  Timeline& out_;
  std::vector<Open> stack_;
  std::array<std::vector<int>, max_threads> open_;
  std::uint64_t last_home_ = 0;
  std::uint64_t accepted_ = 0;
};

}  // namespace

bool Operation::notifies() const {
  switch (verb) {
    case Verb::notify:
    case Verb::schedule:
    case Verb::schedule_idle:
    case Verb::oneshot:
    case Verb::delete_bh:
    case Verb::add_fd:
    case Verb::modify_fd:
    case Verb::remove_fd:
    case Verb::set_poll_max:
    case Verb::release_timers:
      return true;
    case Verb::set_hooks:
    case Verb::clear_hooks:
    case Verb::nop_request:
    case Verb::timeout_request:
    case Verb::watch_request:
    case Verb::bad_request:
      return a >= 0;
    default:
      return false;
  }
}

bool Operation::about_handler() const {
  switch (verb) {
    case Verb::add_fd:
    case Verb::modify_fd:
    case Verb::remove_fd:
    case Verb::set_hooks:
    case Verb::clear_hooks:
    case Verb::close_fd:
    case Verb::open_fd:
    case Verb::recycle_fd:
      return true;
    default:
      return false;
  }
}

bool Operation::about_file() const {
  return verb == Verb::close_fd || verb == Verb::open_fd || verb == Verb::recycle_fd;
}

std::vector<Hold> holds(const Timeline& timeline) {
  std::vector<Hold> out;
  for (const Operation& op : timeline.ops) {
    if (op.verb == Verb::hold_timers) out.push_back({.begin = op.end});
    if (op.verb != Verb::release_timers) continue;
    for (Hold& hold : out) {
      if (op.end < hold.begin || op.begin > hold.end) continue;
      hold.end = std::min(hold.end, op.begin);
      hold.over = std::min(hold.over, op.end);
      hold.over_ns = std::min(hold.over_ns, op.end_ns);
    }
  }
  return out;
}

void make_timeline(Timeline& timeline) {
  timeline.polls.clear();
  timeline.calls.clear();
  timeline.ops.clear();
  timeline.jumps.clear();
  timeline.windows.clear();
  timeline.settled = never;
  timeline.destroyed = false;
  Builder builder(timeline);
  for (const Observation& seen : timeline.seen) builder.add(seen);
}

std::string describe(Source source, int index) {
  const std::string number = std::to_string(index);
  switch (source) {
    case Source::bh:
      return "bh " + number;
    case Source::oneshot:
      return "oneshot " + number;
    case Source::timer:
      return "timer " + number;
    case Source::fd_read:
      return "the read callback of fd " + number;
    case Source::fd_write:
      return "the write callback of fd " + number;
    case Source::fd_ready:
      return "the poll_ready callback of fd " + number;
    case Source::own:
      return "the completion of request " + number;
    case Source::poll_function:
      return "the poll function of fd " + number;
    case Source::poll_began:
      return "io_poll_begin of fd " + number;
    case Source::poll_ended:
      return "io_poll_end of fd " + number;
    case Source::none:
      break;
  }
  return "nothing";
}

std::string at(std::int64_t time_ns) {
  return "at " + std::to_string(time_ns - aiosim::world_start_ns) + " ns";
}

}  // namespace properties
