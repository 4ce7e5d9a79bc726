// fault/points.h for the toy world: two points, no libfiu.
#include <algorithm>

#include "fault/points.h"

namespace aiosim::fault {
namespace {

constexpr std::array<Point, point_count> make_points() {
  std::array<Point, point_count> points{};
  for (std::size_t i = 0; i < point_count; ++i) {
    points[i] = {static_cast<PointId>(i), "toy/never", 0, Duty::survive, ""};
  }
  points[static_cast<std::size_t>(PointId::read_eintr)].name = "linux/read/eintr";
  points[static_cast<std::size_t>(PointId::write_eintr)].name = "linux/write/eintr";
  return points;
}
constexpr auto points = make_points();

Plan plan;
std::uint64_t on = ~0ULL;
std::array<std::uint32_t, point_count> strikes_so_far{};
std::function<bool(PointId)> decide;
std::function<void(PointId)> pass_over;

}  // namespace

namespace detail {
std::array<bool, point_count> armed{};

bool ask(PointId id) {
  const auto at = std::find(plan.points.begin(), plan.points.end(), id) - plan.points.begin();
  std::uint32_t& strikes = strikes_so_far[static_cast<std::size_t>(id)];
  if (((on >> at) & 1) == 0 || strikes >= plan.limit) {
    pass_over(id);
    return false;
  }
  if (!decide(id)) return false;
  ++strikes;
  return true;
}
}  // namespace detail

std::span<const Point, point_count> catalogue() { return points; }

const Point* find(std::string_view name) {
  const auto at = std::find_if(points.begin(), points.end(),
                               [&](const Point& point) { return name == point.name; });
  return at == points.end() ? nullptr : &*at;
}

void arm(const Plan& armed) {
  plan = armed;
  detail::armed.fill(false);
  for (const PointId id : plan.points) detail::armed[static_cast<std::size_t>(id)] = true;
  begin_run();
}

void begin_run(std::uint64_t subset) {
  on = subset;
  strikes_so_far.fill(0);
}

void set_decider(std::function<bool(PointId)> decider) {
  set_world_decider(std::move(decider), nullptr);
}

void set_world_decider(std::function<bool(PointId)> decider,
                       std::function<void(PointId)> passed_over) {
  decide = std::move(decider);
  pass_over = std::move(passed_over);
}

std::function<bool(PointId)> host_decider(std::uint64_t, std::uint32_t) {
  return [](PointId) { return false; };
}

}  // namespace aiosim::fault
