// The catalogue, and the way of a question: gate, libfiu, limit, decider.
#include "fault/points.h"

#include <fiu-control.h>
#include <fiu.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <utility>

namespace aiosim::fault {
namespace {

constexpr std::array<Point, point_count> points = {{
    {PointId::epoll_wait_eintr, "linux/epoll_wait/eintr", EINTR, Duty::survive,
     "epoll_wait that would block is interrupted by a signal"},
    {PointId::ppoll_eintr, "linux/ppoll/eintr", EINTR, Duty::survive,
     "poll or ppoll that would block is interrupted by a signal"},
    {PointId::read_eintr, "linux/read/eintr", EINTR, Duty::survive,
     "read is interrupted before anything was read"},
    {PointId::write_eintr, "linux/write/eintr", EINTR, Duty::survive,
     "write is interrupted before anything was written"},
    {PointId::nanosleep_eintr, "linux/nanosleep/eintr", EINTR, Duty::survive,
     "nanosleep is interrupted and says how much was left"},
    {PointId::futex_eintr, "linux/futex/eintr", EINTR, Duty::survive,
     "a futex wait is interrupted by a signal"},
    {PointId::epoll_wait_spurious, "linux/epoll_wait/spurious", 0, Duty::survive,
     "poll says that an epoll fd is readable, and then epoll_wait finds nothing"},
    {PointId::epoll_create1_emfile, "linux/epoll_create1/emfile", EMFILE, Duty::report,
     "epoll_create1 finds no free fd"},
    {PointId::epoll_ctl_enomem, "linux/epoll_ctl/enomem", ENOMEM, Duty::report,
     "epoll_ctl cannot add an fd for want of kernel memory"},
    {PointId::epoll_ctl_enospc, "linux/epoll_ctl/enospc", ENOSPC, Duty::report,
     "epoll_ctl cannot add an fd: max_user_watches is reached"},
    {PointId::eventfd_emfile, "linux/eventfd/emfile", EMFILE, Duty::report,
     "eventfd finds no free fd"},
    {PointId::futex_spurious, "linux/futex/spurious", 0, Duty::survive,
     "a futex wait returns 0 though nobody woke it"},
    {PointId::cond_wait_spurious, "pthread_cond_wait/spurious", 0, Duty::survive,
     "a condition wait returns though nobody signalled"},
    {PointId::clock_late_timer, "clock/late_timer", 0, Duty::survive,
     "a timeout strikes up to 1 ms late"},
    {PointId::clock_slow, "clock/slow", 0, Duty::survive,
     "many clock reads in a row see no progress"},
    {PointId::clock_fast, "clock/fast", 0, Duty::survive,
     "one clock read moves time by up to 10 ms"},
    {PointId::clock_coarse, "clock/coarse", 0, Duty::survive,
     "for the whole run, the clock stands still between its reads"},
    {PointId::clock_realtime_jump, "clock/realtime_jump", 0, Duty::survive,
     "somebody sets CLOCK_REALTIME, by up to an hour forwards or backwards"},
    {PointId::read_short, "linux/read/short", 0, Duty::survive,
     "read or recv from a pipe or socket gives less than there is"},
    {PointId::write_short, "linux/write/short", 0, Duty::survive,
     "write or send to a pipe or socket takes less than there is room for"},
    {PointId::socket_emfile, "linux/socket/emfile", EMFILE, Duty::report,
     "socket or socketpair finds no free fd"},
    {PointId::accept_emfile, "linux/accept/emfile", EMFILE, Duty::report,
     "accept finds no free fd; the connection stays in the queue"},
    {PointId::accept_econnaborted, "linux/accept/econnaborted", ECONNABORTED, Duty::survive,
     "accept finds that the client has gone again"},
    {PointId::accept_eintr, "linux/accept/eintr", EINTR, Duty::survive,
     "accept that would block is interrupted by a signal"},
    {PointId::connect_econnrefused, "linux/connect/econnrefused", ECONNREFUSED, Duty::report,
     "connect finds nobody who listens"},
    {PointId::connect_eintr, "linux/connect/eintr", EINTR, Duty::survive,
     "connect that would block is interrupted by a signal"},
    {PointId::malloc_enomem, "malloc/enomem", ENOMEM, Duty::end,
     "malloc or operator new finds no memory"},
    {PointId::io_uring_setup_enomem, "linux/io_uring_setup/enomem", ENOMEM, Duty::report,
     "io_uring cannot be set up"},
    {PointId::io_uring_submit_eagain, "linux/io_uring_submit/eagain", EAGAIN, Duty::survive,
     "io_uring_enter takes only a part of what is submitted, or nothing"},
    {PointId::io_uring_submit_ebusy, "linux/io_uring_submit/ebusy", EBUSY, Duty::survive,
     "io_uring_enter takes nothing before completions are fetched"},
    {PointId::io_uring_enter_eintr, "linux/io_uring_enter/eintr", EINTR, Duty::survive,
     "io_uring_enter that would block is interrupted by a signal"},
    {PointId::io_setup_eagain, "linux/io_setup/eagain", EAGAIN, Duty::report,
     "io_setup finds that the system's limit of AIO requests is reached"},
    {PointId::io_submit_eagain, "linux/io_submit/eagain", EAGAIN, Duty::survive,
     "io_submit takes only a part of what is submitted, or nothing"},
    {PointId::aio_eio, "linux/aio/eio", EIO, Duty::survive,
     "a request of Linux AIO completes with an error"},
    {PointId::aio_short, "linux/aio/short", 0, Duty::survive,
     "a request of Linux AIO moves less than it was asked to"},
    {PointId::pthread_create_eagain, "linux/pthread_create/eagain", EAGAIN, Duty::report,
     "pthread_create finds no room for another thread"},
}};

constexpr bool in_id_order() {
  for (std::size_t i = 0; i < point_count; ++i) {
    if (points[i].id != static_cast<PointId>(i) || points[i].name == nullptr) return false;
  }
  return true;
}
static_assert(in_id_order());

// Written while no simulated or host thread of a run exists, read by all of them.
struct Armed {
  std::array<PointId, point_count> order{};  // as the plan lists them
  std::size_t count = 0;
  std::array<bool, point_count> off{};  // by this run's subset
  std::uint32_t limit = 0;
  std::array<std::atomic<std::uint32_t>, point_count> struck{};
  std::function<bool(PointId)> decider;
  std::function<void(PointId)> passed_over;
  bool in_world = false;
};
Armed state;

bool decide(PointId id) {
  const auto i = static_cast<std::size_t>(id);
  if (state.off[i] || !state.decider || state.struck[i].load() >= state.limit) {
    if (state.passed_over) state.passed_over(id);
    return false;
  }
  if (!state.decider(id)) return false;
  return state.struck[i].fetch_add(1) < state.limit;  // host threads may pass the test together
}

// libfiu holds its read lock around this call: it may neither throw nor switch threads. The limit
// lives here because libfiu's own FIU_ONETIME knows only "once per registration".
int on_question(const char*, int*, void** info, unsigned*) {
  return decide(static_cast<const Point*>(*info)->id) ? 1 : 0;
}

}  // namespace

namespace detail {
std::array<bool, point_count> armed{};

bool ask(PointId id) { return fiu_fail(points[static_cast<std::size_t>(id)].name) != 0; }
}  // namespace detail

std::span<const Point, point_count> catalogue() { return points; }

const Point* find(std::string_view name) {
  for (const Point& point : points) {
    if (name == point.name) return &point;
  }
  return nullptr;
}

void arm(const Plan& plan) {
  fiu_init(0);
  for (const Point& point : points) {
    bool& gate = detail::armed[static_cast<std::size_t>(point.id)];
    if (gate) fiu_disable(point.name);
    gate = false;
  }
  state.count = 0;
  state.limit = plan.limit;
  for (const PointId id : plan.points) {
    bool& gate = detail::armed[static_cast<std::size_t>(id)];
    if (gate) continue;  // listed twice
    const Point& point = points[static_cast<std::size_t>(id)];
    // By exact name: under a wildcard libfiu would hand the pattern to the callback.
    const int failnum = point.error != 0 ? point.error : 1;
    fiu_enable_external(point.name, failnum, const_cast<Point*>(&point), 0, on_question);
    gate = true;
    state.order[state.count++] = id;
  }
  begin_run();
}

bool any_is_armed() { return state.count != 0; }

void begin_run(std::uint64_t subset) {
  for (auto& struck : state.struck) struck.store(0, std::memory_order_relaxed);  // nobody runs
  state.off.fill(false);
  for (std::size_t i = 0; i < state.count; ++i) {
    state.off[static_cast<std::size_t>(state.order[i])] = ((subset >> i) & 1) == 0;
  }
}

std::uint32_t struck(PointId id) {
  const auto& of_all = state.struck;
  return std::min(of_all[static_cast<std::size_t>(id)].load(), state.limit);
}

void set_decider(std::function<bool(PointId)> decider) {
  state.decider = std::move(decider);
  state.passed_over = nullptr;
  state.in_world = false;
}

void set_world_decider(std::function<bool(PointId)> decider,
                       std::function<void(PointId)> passed_over) {
  state.decider = std::move(decider);
  state.passed_over = std::move(passed_over);
  state.in_world = true;
}

bool strikes_host(PointId id) { return !state.in_world && strikes(id); }

}  // namespace aiosim::fault
