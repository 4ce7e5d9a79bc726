// The catalogue of fault points: everything that can go wrong, by one exact libfiu name each.
//
// A caller asks `strikes(PointId)` where the thing would go wrong. The inline flag keeps a
// disarmed point free; an armed one asks libfiu, whose external callback asks the decider: the
// world's chooser in a simulated world, a seeded generator on the host.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace aiosim::fault {

enum class PointId : std::uint8_t {
  epoll_wait_eintr,      // linux/epoll_wait/eintr
  ppoll_eintr,           // linux/ppoll/eintr          (also poll)
  read_eintr,            // linux/read/eintr
  write_eintr,           // linux/write/eintr
  nanosleep_eintr,       // linux/nanosleep/eintr
  futex_eintr,           // linux/futex/eintr
  epoll_wait_spurious,   // linux/epoll_wait/spurious  ppoll says ready, then it vanished
  epoll_create1_emfile,  // linux/epoll_create1/emfile
  epoll_ctl_enomem,      // linux/epoll_ctl/enomem
  epoll_ctl_enospc,      // linux/epoll_ctl/enospc
  eventfd_emfile,        // linux/eventfd/emfile
  futex_spurious,        // linux/futex/spurious
  cond_wait_spurious,    // pthread_cond_wait/spurious
  clock_late_timer,      // clock/late_timer           a timeout strikes up to 1 ms late
  clock_slow,            // clock/slow                 many clock reads see no progress
  clock_fast,            // clock/fast                 one clock read moves time by up to 10 ms
  clock_coarse,          // clock/coarse               the clock stands still between its reads
  clock_realtime_jump,   // clock/realtime_jump        somebody sets CLOCK_REALTIME
  read_short,            // linux/read/short           (also recv)
  write_short,           // linux/write/short          (also send)
  socket_emfile,         // linux/socket/emfile        (also socketpair)
  accept_emfile,         // linux/accept/emfile
  accept_econnaborted,   // linux/accept/econnaborted
  accept_eintr,          // linux/accept/eintr
  connect_econnrefused,  // linux/connect/econnrefused
  connect_eintr,         // linux/connect/eintr
  malloc_enomem,         // malloc/enomem              also operator new: std::bad_alloc
  io_uring_setup_enomem,   // linux/io_uring_setup/enomem
  io_uring_submit_eagain,  // linux/io_uring_submit/eagain  the rest, or all, is not taken
  io_uring_submit_ebusy,   // linux/io_uring_submit/ebusy
  io_uring_enter_eintr,    // linux/io_uring_enter/eintr
  io_setup_eagain,         // linux/io_setup/eagain
  io_submit_eagain,        // linux/io_submit/eagain        the rest, or all, is not taken
  aio_eio,                 // linux/aio/eio                 of a request of Linux AIO
  aio_short,               // linux/aio/short
  pthread_create_eagain,   // linux/pthread_create/eagain
  count_
};
inline constexpr std::size_t point_count = static_cast<std::size_t>(PointId::count_);

enum class Duty : std::uint8_t {
  survive,  // a correct loop works on as if nothing had happened
  report,   // a correct loop may fail the call, with an error and nothing lost
  end,      // a correct loop may end the process: in no built-in plan
};

struct Point {
  PointId id;
  const char* name;  // the libfiu name
  int error;         // errno that it gives, 0 if none
  Duty duty;
  const char* sentence;  // what happens, for `aiosim list`
};

/// Every point, in PointId order.
std::span<const Point, point_count> catalogue();

/// The point of that exact name, or null.
const Point* find(std::string_view name);

namespace detail {
extern std::array<bool, point_count> armed;
bool ask(PointId id);
}  // namespace detail

/// Does the fault strike, here and now? Any thread on the host; code on a simulated thread may not
/// be switched away inside (libfiu holds a lock): the decider must only consume a choice.
inline bool is_armed(PointId id) { return detail::armed[static_cast<std::size_t>(id)]; }
inline bool strikes(PointId id) {
  return is_armed(id) && detail::ask(id);
}

/// A plan: the points that may strike in a run, and how often each at most.
struct Plan {
  std::string name = "none";
  std::vector<PointId> points;
  std::uint32_t limit = 4;  // strikes per point and run

  bool empty() const { return points.empty(); }
};

/// A TOML file { name, points = [...], limit } if the text ends in ".toml"; else a list, separated
/// by commas, of built-in plans ("none", "eintr", "spurious", "clock", "setup", "all": all that
/// a loop may not die of) and exact point names.
/// Throws aiosim::BadInput with one line: what was found, what was expected.
Plan parse_plan(const std::string& text);
std::vector<Plan> built_in_plans();

/// Arms exactly the points of `plan` and forgets the strikes counted so far.
void arm(const Plan& plan);
/// Is any point armed?
bool any_is_armed();
/// A new run: strike counts start again, and `subset` (bit i = plan.points[i]) switches points of
/// the armed plan off for this run (swarm). All ones keeps the whole plan.
void begin_run(std::uint64_t subset = ~0ULL);

/// How often the fault has struck in this run.
std::uint32_t struck(PointId id);

/// Who decides; nobody: no fault strikes. Called with the point; must not block, throw, or switch
/// threads.
void set_decider(std::function<bool(PointId)> decider);

/// The same for a simulated world, whose kernel alone asks: what the harness calls meanwhile are
/// plain host calls. `passed_over` is called instead when an armed point may not strike (limit
/// reached, or off in this run): the world counts the question, so that later ones keep their
/// numbers.
void set_world_decider(std::function<bool(PointId)> decider,
                       std::function<void(PointId)> passed_over);

/// strikes() for the host's calls: never while a world decides.
bool strikes_host(PointId id);

/// A decider for the host: any thread, strikes with probability per_million / 1,000,000. The n-th
/// question gets the same answer for the same seed; who asks it is the host's affair.
std::function<bool(PointId)> host_decider(std::uint64_t seed, std::uint32_t per_million);

}  // namespace aiosim::fault
