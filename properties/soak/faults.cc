#include "soak/faults.h"

#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <limits>
#include <string_view>
#include <system_error>

#include "aiosim/choice.h"
#include "fault/points.h"

namespace soak {
namespace {

using aiosim::fault::point_count;
using aiosim::fault::PointId;

std::array<std::atomic<std::uint32_t>, point_count> per_million{};
std::array<std::atomic<std::uint64_t>, point_count> times{};
std::atomic<std::uint64_t> asked{0};
std::atomic<std::uint64_t> delivered{0};

std::size_t index(PointId id) { return static_cast<std::size_t>(id); }

/// How often a point strikes: what happens on every call often, what ends a monitor for life so
/// seldom that most of them are lived in.
std::uint32_t rate(PointId id) {
  switch (id) {
    case PointId::epoll_ctl_enomem:
    case PointId::epoll_ctl_enospc:
      return 5'000;
    case PointId::epoll_create1_emfile:
    case PointId::io_uring_setup_enomem:
    case PointId::eventfd_emfile:
      return 300'000;
    default:
      return 150'000;
  }
}

/// Without threads that cannot be made: each life of the soak makes its own.
bool on_host(const aiosim::fault::Point& point) {
  return point.id != PointId::pthread_create_eagain &&
         point.duty != aiosim::fault::Duty::end &&
         std::string_view(point.name).substr(0, 6) != "clock/";
}

void on_signal(int) { delivered.fetch_add(1, std::memory_order_relaxed); }

}  // namespace

const std::vector<std::string>& plans() {
  static const std::vector<std::string> names = {"none", "eintr", "spurious", "setup", "all"};
  return names;
}

void arm_faults(std::uint64_t seed) {
  aiosim::fault::Plan plan;
  plan.limit = std::numeric_limits<std::uint32_t>::max();
  for (const auto& point : aiosim::fault::catalogue()) {
    if (on_host(point)) plan.points.push_back(point.id);
  }
  aiosim::fault::arm(plan);
  aiosim::fault::set_decider([seed](PointId id) {
    const std::uint32_t chance = per_million[index(id)].load(std::memory_order_relaxed);
    if (chance == 0) return false;
    const std::uint64_t n = asked.fetch_add(1, std::memory_order_relaxed);
    if (!aiosim::Random(aiosim::mix64(seed) + n).chance(chance)) return false;
    times[index(id)].fetch_add(1, std::memory_order_relaxed);
    return true;
  });
  struct sigaction action {};
  action.sa_handler = on_signal;
  sigaction(SIGUSR1, &action, nullptr);
}

void take_plan(const std::string& plan) {
  for (auto& chance : per_million) chance.store(0);
  for (const PointId id : aiosim::fault::parse_plan(plan).points) {
    per_million[index(id)].store(rate(id));
  }
}

std::uint64_t strikes() {
  std::uint64_t sum = 0;
  for (const auto& count : times) sum += count.load();
  return sum;
}

std::vector<Struck> struck() {
  std::vector<Struck> result;
  for (const auto& point : aiosim::fault::catalogue()) {
    if (on_host(point)) result.push_back({point.name, times[index(point.id)].load()});
  }
  return result;
}

Storm::Storm(std::int64_t period_ns) : blows_(period_ns > 0) {
  if (!blows_) return;
  sigevent event{};
  event.sigev_notify = SIGEV_THREAD_ID;
  event.sigev_signo = SIGUSR1;
  event._sigev_un._tid = gettid();
  const timespec period{period_ns / 1'000'000'000, period_ns % 1'000'000'000};
  const itimerspec times_of_it{period, period};
  if (timer_create(CLOCK_MONOTONIC, &event, &timer_) != 0 ||
      timer_settime(timer_, 0, &times_of_it, nullptr) != 0) {
    throw std::system_error(errno, std::generic_category(), "timer_create");
  }
}

Storm::~Storm() {
  if (blows_) timer_delete(timer_);
}

std::uint64_t signals() { return delivered.load(); }

}  // namespace soak
