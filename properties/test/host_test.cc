// Every property on every monitor of our loop, as it is shipped, on real threads and the real
// kernel, with the fault points in its system calls. Under -fsanitize this is what they watch.
#include <gtest/gtest.h>

#include <ostream>
#include <set>
#include <string>

#include "aiosim/observe.h"
#include "fault/points.h"
#include "scenario.h"

extern "C" {
extern const properties::BackendModule reference_ppoll;
extern const properties::BackendModule reference_epoll;
extern const properties::BackendModule reference_upgrade;
extern const properties::BackendModule reference_io_uring;
}

#ifdef __SANITIZE_THREAD__
/// Programs close fds under the loop and open others in their place: a race, and their own.
extern "C" const char* __tsan_default_suppressions() {
  return "race:properties::Interpreter::change_file\n";
}
#endif

namespace properties {
namespace {

constexpr int usual_programs = 40;
constexpr int aio_programs = 10;  // each io_destroy(2) waits 40 ms for the kernel's readers
constexpr int runs_per_program = 3;
constexpr std::uint32_t strikes_per_million = 50'000;

struct Cell {
  Scenario scenario;
  const BackendModule* module;
  std::string plan;
};

void PrintTo(const Cell& cell, std::ostream* out) { *out << cell.plan; }

/// What is offered, and ends soon by a real clock.
std::vector<Cell> cells() {
  std::vector<Cell> out;
  for (const Scenario& scenario : scenarios()) {
    if (!scenario.on_host) continue;
    for (const BackendModule* module :
         {&reference_ppoll, &reference_epoll, &reference_upgrade, &reference_io_uring}) {
      if ((module->offers & scenario.needs) != scenario.needs) continue;
      for (const char* plan : {"none", "eintr", "spurious", "setup"}) {
        out.push_back({scenario, module, plan});
      }
    }
  }
  return out;
}

std::string cell_name(const testing::TestParamInfo<Cell>& it) {
  std::string out =
      it.param.scenario.name + "_on_" + it.param.module->name + "_under_" + it.param.plan;
  for (char& c : out) c = c == '-' ? '_' : c;
  return out;
}

aiosim::Verdict run(aiosim::Execution& execution) {
  aiosim::RunResult result;
  try {
    execution.body();
  } catch (const aiosim::RunStopped& stopped) {
    result.verdict = stopped.verdict;
  }
  return execution.judge(result);
}

std::string text_of(const aiosim::Program& program) {
  std::string out;
  for (const auto& part : program.parts) {
    out += part.name + ":\n";
    for (const std::string& op : part.ops) out += "  " + op + '\n';
  }
  return out;
}

class Host : public testing::TestWithParam<Cell> {
 public:
  ~Host() override {
    aiosim::fault::arm({});
    aiosim::fault::set_decider(nullptr);
  }
};

TEST_P(Host, Holds) {
  const Scenario& scenario = GetParam().scenario;
  aiosim::fault::arm(aiosim::fault::parse_plan(GetParam().plan));
  const bool waits = (scenario.needs & offers_linux_aio) != 0;
  const int programs = waits ? aio_programs : usual_programs;
  for (int i = 0; i < programs; ++i) {
    const auto seed = static_cast<std::uint64_t>(i);
    const Case program = generate(scenario.recipe, seed, 1 + i * 99 / (programs - 1));
    const auto execution = make_execution(scenario, program, *GetParam().module);
    for (int repeat = 0; repeat < runs_per_program; ++repeat) {
      const std::uint64_t run_seed = seed * runs_per_program + static_cast<std::uint64_t>(repeat);
      aiosim::fault::set_decider(aiosim::fault::host_decider(run_seed, strikes_per_million));
      aiosim::fault::begin_run();
      const aiosim::Verdict verdict = run(*execution);
      ASSERT_TRUE(verdict.passed())
          << aiosim::name(verdict.kind) << ", rule " << verdict.rule << ": " << verdict.text
          << "\nprogram of seed " << seed << ", run " << repeat << ":\n"
          << text_of(print(program));
    }
  }
}

TEST(HostCells, EveryPropertyForTheHostHasOne) {
  std::set<std::string> expected;
  for (const Scenario& scenario : scenarios()) {
    if (scenario.on_host) expected.insert(scenario.name);
  }
  std::set<std::string> found;
  for (const Cell& cell : cells()) found.insert(cell.scenario.name);
  EXPECT_EQ(found, expected);
}

INSTANTIATE_TEST_SUITE_P(Every, Host, testing::ValuesIn(cells()), cell_name);

}  // namespace
}  // namespace properties
