// Every property on every built-in backend under every fault plan, in the simulator; and on real
// threads. A failure ends with a seed file and the command that replays it.
#include "suite.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>

#include "aiosim/seed.h"
#include "explore/explore.h"

namespace properties {
namespace {

const aiosim::Suite& suite() {
  static const aiosim::Suite made = make_suite();
  return made;
}

/// Loaded once: modules are restored before each run.
const aiosim::Backend& backend(const std::string& name) {
  static std::vector<std::unique_ptr<aiosim::Backend>> loaded;
  for (const auto& one : loaded) {
    if (one->name == name) return *one;
  }
  auto fresh = std::make_unique<aiosim::Backend>();
  fresh->module =
      std::make_shared<aiosim::Module>(AIOSIM_MODULE_DIR "/" + name + ".so", suite().entry_symbol);
  suite().describe(*fresh);
  return *loaded.emplace_back(std::move(fresh));
}

struct Cell {
  std::size_t property;
  std::string backend;
  std::string plan;
};

void PrintTo(const Cell& cell, std::ostream* out) { *out << cell.plan; }

std::vector<Cell> cells(const std::vector<std::string>& plans) {
  std::vector<Cell> out;
  for (std::size_t i = 0; i < suite().properties.size(); ++i) {
    for (const char* name :
         {"reference-ppoll", "reference-epoll", "reference-upgrade", "reference-io_uring"}) {
      if (!suite().properties[i]->offered(backend(name))) continue;
      for (const std::string& plan : plans) out.push_back({i, name, plan});
    }
  }
  return out;
}

std::vector<Cell> host_cells(const std::vector<std::string>& plans) {
  std::vector<Cell> out = cells(plans);
  std::erase_if(out, [](const Cell& it) { return !suite().properties[it.property]->on_host(); });
  return out;
}

std::vector<std::string> all_plans() {
  std::vector<std::string> out;
  for (const auto& plan : aiosim::fault::built_in_plans()) out.push_back(plan.name);
  return out;
}

std::string cell_name(const testing::TestParamInfo<Cell>& it) {
  std::string out = std::string(suite().properties[it.param.property]->name()) + "_on_" +
                    it.param.backend + "_under_" + it.param.plan;
  std::replace(out.begin(), out.end(), '-', '_');
  return out;
}

void expect_nothing_found(const Cell& cell, aiosim::ExploreOptions options, const char* test) {
  const aiosim::Property& property = *suite().properties[cell.property];
  const aiosim::Backend& loop = backend(cell.backend);
  options.plan = aiosim::fault::parse_plan(cell.plan);
  const aiosim::ExploreResult result = aiosim::explore(property, loop, options);
  EXPECT_EQ(result.done.runs, options.runs);
  if (result.verdict.passed()) return;
  std::string replay = "no seed file";
  if (result.failure) {
    const std::string file =
        std::string(property.name()) + "-" + cell.backend + "-" + cell.plan + "-" + test + ".seed";
    aiosim::write_seed(file, *result.failure);
    replay = AIOSIM_COMMAND " replay " + file;
  }
  ADD_FAILURE() << aiosim::name(result.verdict.kind) << ", rule " << result.verdict.rule << ": "
                << result.verdict.text << "\nreplay: " << replay;
}

class Simulated : public testing::TestWithParam<Cell> {};
TEST_P(Simulated, Holds) {
  aiosim::ExploreOptions options;
  options.root_seed = 20260101;
  options.runs = 1000;
  expect_nothing_found(GetParam(), options, "simulated");
}
INSTANTIATE_TEST_SUITE_P(Suite, Simulated, testing::ValuesIn(cells(all_plans())), cell_name);

/// Every schedule twice: any difference is the verdict "not deterministic".
class Repeated : public testing::TestWithParam<Cell> {};
TEST_P(Repeated, IsTheSame) {
  aiosim::ExploreOptions options;
  options.root_seed = 7;
  options.runs = 300;
  options.twice = true;
  expect_nothing_found(GetParam(), options, "repeated");
}
INSTANTIATE_TEST_SUITE_P(Suite, Repeated, testing::ValuesIn(cells({"none", "all"})), cell_name);

class OnHost : public testing::TestWithParam<Cell> {};
TEST_P(OnHost, Holds) {
  aiosim::ExploreOptions options;
  options.root_seed = 3;
  options.runs = 100;
  options.host_world = true;
  expect_nothing_found(GetParam(), options, "host");
}
INSTANTIATE_TEST_SUITE_P(Suite, OnHost, testing::ValuesIn(host_cells({"none", "eintr", "setup"})),
                         cell_name);

TEST(Cells, EveryPropertyHasOne) {
  const std::vector<Cell> all = cells({"none"});
  for (std::size_t i = 0; i < suite().properties.size(); ++i) {
    const auto is_its = [&](const Cell& it) { return it.property == i; };
    EXPECT_TRUE(std::any_of(all.begin(), all.end(), is_its)) << suite().properties[i]->name();
  }
}

}  // namespace
}  // namespace properties
