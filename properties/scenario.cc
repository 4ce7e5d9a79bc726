#include "scenario.h"

#include <utility>

#include "fault/points.h"

namespace properties {
namespace {

using aiosim::Verdict;
using aiosim::VerdictKind;

class ScenarioExecution final : public aiosim::Execution {
 public:
  ScenarioExecution(const Scenario& scenario, const Case& program, const BackendModule& module)
      : scenario_(scenario), interpreter_(program, module) {}

  void body() override {
    in_world_ = aiosim::in_world();
    interpreter_.run();
  }

  Verdict judge(const aiosim::RunResult& result) override {
    // A loop that leaks and breaks a rule besides is told of the rule.
    const bool leaks = result.verdict.kind == VerdictKind::leak;
    if (!result.verdict.passed() && !leaks) return with_rule(result.verdict);
    Timeline timeline = make_timeline(interpreter_.observations());
    timeline.in_world = in_world_;
    const oracles::Facts known = facts();
    for (const oracles::Oracle oracle : scenario_.oracles) {
      if (oracles::Finding finding = oracle(timeline, known)) return *std::move(finding);
    }
    return with_rule(result.verdict);
  }

 private:
  Verdict with_rule(Verdict verdict) const {
    if (!verdict.rule.empty()) return verdict;
    const RuntimeRules& rules = scenario_.runtime;
    switch (verdict.kind) {
      case VerdictKind::deadlock:
        verdict.rule = rules.deadlock;
        break;
      case VerdictKind::livelock:
        verdict.rule = rules.livelock;
        break;
      case VerdictKind::data_race:
        verdict.rule = rules.data_race;
        break;
      case VerdictKind::use_after_free:
      case VerdictKind::double_free:
      case VerdictKind::invalid_free:
      case VerdictKind::out_of_bounds:
      case VerdictKind::use_after_return:
      case VerdictKind::leak:
        verdict.rule = rules.lifetime;
        break;
      case VerdictKind::crash:
      case VerdictKind::escaped_exception:
        verdict.rule = rules.crash;
        break;
      default:
        break;
    }
    return verdict;
  }

  oracles::Facts facts() const {
    using aiosim::fault::is_armed;
    using aiosim::fault::PointId;
    oracles::Facts out{.program = interpreter_.program(), .offers = interpreter_.module().offers};
    out.poll_max_ns = out.program.option(Verb::poll_max_ns, 0);
    out.in_world = in_world_;
    out.spurious = is_armed(PointId::epoll_wait_spurious);
    out.late_timers = is_armed(PointId::clock_late_timer);
    out.fast_clock = is_armed(PointId::clock_fast);
    return out;
  }

  const Scenario& scenario_;
  Interpreter interpreter_;
  bool in_world_ = false;
};

class ScenarioProperty final : public aiosim::Property {
 public:
  explicit ScenarioProperty(Scenario scenario) : scenario_(std::move(scenario)) {}

  std::string_view name() const override { return scenario_.name; }
  std::string_view sentence() const override { return scenario_.sentence; }
  const std::vector<std::string>& rules() const override { return scenario_.rules; }

  bool offered(const aiosim::Backend& backend) const override {
    return (module_of(backend).offers & scenario_.needs) == scenario_.needs;
  }
  aiosim::Program generate(std::uint64_t seed, int size) const override {
    return print(properties::generate(scenario_.recipe, seed, size));
  }
  void shrink(const aiosim::Program& program,
              const std::function<bool(const aiosim::Program&)>& keep) const override {
    properties::shrink(parse(program), [&](const Case& smaller) { return keep(print(smaller)); });
  }
  std::unique_ptr<aiosim::Execution> prepare(const aiosim::Program& program,
                                             const aiosim::Backend& backend) const override {
    return make_execution(scenario_, parse(program), module_of(backend));
  }

 private:
  static const BackendModule& module_of(const aiosim::Backend& backend) {
    return *static_cast<const BackendModule*>(backend.module->entry());
  }

  Scenario scenario_;
};

}  // namespace

std::unique_ptr<aiosim::Execution> make_execution(const Scenario& scenario, const Case& program,
                                                  const BackendModule& module) {
  return std::make_unique<ScenarioExecution>(scenario, program, module);
}

std::unique_ptr<aiosim::Property> make_property(Scenario scenario) {
  return std::make_unique<ScenarioProperty>(std::move(scenario));
}

std::vector<Scenario> scenarios() {
  std::vector<Scenario> out;
  out.push_back(every_notify_wakes());
  out.push_back(every_scheduled_bh_runs_once());
  out.push_back(bh_order_holds_across_nested_slices());
  out.push_back(progress_value_is_exact());
  out.push_back(no_busy_loop());
  out.push_back(deadline_is_kept_and_polling_falls_back());
  out.push_back(handlers_may_change_in_callbacks());
  out.push_back(timers_fire_in_order_and_on_time());
  out.push_back(waiting_ends_when_kicked());
  return out;
}

}  // namespace properties
