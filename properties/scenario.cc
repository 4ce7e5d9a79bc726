#include "scenario.h"

#include <algorithm>
#include <utility>

#include "fault/points.h"

namespace properties {
namespace {

using aiosim::Verdict;
using aiosim::VerdictKind;

/// The verdict, with the rule that it stands for in this scenario if the runtime came to it.
Verdict with_rule(Verdict verdict, const RuntimeRules& rules) {
  if (!verdict.rule.empty()) return verdict;
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

class ScenarioExecution : public aiosim::Execution {
 public:
  explicit ScenarioExecution(const Scenario& scenario) : scenario_(scenario) {}

  Verdict judge(const aiosim::RunResult& result) override {
    // A loop that leaks and breaks a rule besides is told of the rule.
    const bool leaks = result.verdict.kind == VerdictKind::leak;
    if (result.verdict.passed() || leaks) {
      if (oracles::Finding finding = find(result)) return *std::move(finding);
    }
    return with_rule(result.verdict, scenario_.runtime);
  }

 protected:
  /// What the oracles say of a run that came to its end.
  virtual oracles::Finding find(const aiosim::RunResult& result) = 0;

  const Scenario& scenario_;
};

class LoopExecution final : public ScenarioExecution {
 public:
  LoopExecution(const Scenario& scenario, const Case& program, const BackendModule& module)
      : ScenarioExecution(scenario), interpreter_(program, module) {}

  void body() override {
    in_world_ = aiosim::in_world();
    interpreter_.run();
  }

 private:
  oracles::Finding find(const aiosim::RunResult& result) override {
    interpreter_.observations(timeline_.seen);
    make_timeline(timeline_);
    timeline_.in_world = in_world_;
    const oracles::Facts known = facts(result);
    for (const oracles::Oracle oracle : scenario_.oracles) {
      if (oracles::Finding finding = oracle(timeline_, known)) return finding;
    }
    return {};
  }

  oracles::Facts facts(const aiosim::RunResult& result) const {
    using aiosim::fault::struck;
    using aiosim::fault::PointId;
    oracles::Facts out{.program = interpreter_.program(), .offers = interpreter_.module().offers};
    out.poll_max_ns = out.program.option(Verb::poll_max_ns, 0);
    for (const Operation& op : timeline_.ops) {
      if (op.verb == Verb::set_poll_max) out.poll_max_ns = std::max(out.poll_max_ns, op.a);
    }
    for (const aiosim::Choice& choice : result.choices) {
      const bool home = choice.key.thread == 0;
      if (home && choice.key.kind == aiosim::Kind::reads_from) ++out.stale_reads;
    }
    out.in_world = in_world_;
    out.own_threads = interpreter_.loop_has_threads();
    out.spurious = struck(PointId::epoll_wait_spurious) != 0;
    out.without_ring = struck(PointId::io_uring_setup_enomem) != 0;
    out.late_timers = struck(PointId::clock_late_timer) != 0;
    out.full_ring = struck(PointId::io_uring_submit_eagain) != 0 ||
                    struck(PointId::io_uring_submit_ebusy) != 0;
    out.fast_clock = struck(PointId::clock_fast) != 0;
    return out;
  }

  Interpreter interpreter_;
  Timeline timeline_;  // of the last run
  bool in_world_ = false;
};

class PartsExecution final : public ScenarioExecution {
 public:
  PartsExecution(const Scenario& scenario, const Case& program, const BackendModule& module)
      : ScenarioExecution(scenario), run_(scenario.parts(program, module)) {}

  void body() override { run_->run(); }

 private:
  oracles::Finding find(const aiosim::RunResult&) override { return run_->judge(); }

  std::unique_ptr<PartsRun> run_;
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
  std::vector<std::string> lacked(const aiosim::Backend& backend) const override {
    return words_of(scenario_.needs & ~module_of(backend).offers);
  }
  bool on_host() const override { return scenario_.on_host; }
  aiosim::Program generate(std::uint64_t seed, int size) const override {
    return print(properties::generate(scenario_.recipe, seed, size));
  }
  void shrink(const aiosim::Program& program,
              const std::function<bool(const aiosim::Program&)>& keep) const override {
    properties::shrink(parsed(program), [&](const Case& smaller) { return keep(print(smaller)); });
  }
  std::unique_ptr<aiosim::Execution> prepare(const aiosim::Program& program,
                                             const aiosim::Backend& backend) const override {
    return make_execution(scenario_, parsed(program), module_of(backend));
  }

 private:
  Case parsed(const aiosim::Program& program) const {
    return parse(program, scenario_.recipe.subject);
  }
  static const BackendModule& module_of(const aiosim::Backend& backend) {
    return *static_cast<const BackendModule*>(backend.module->entry());
  }

  Scenario scenario_;
};

}  // namespace

std::unique_ptr<aiosim::Execution> make_execution(const Scenario& scenario, const Case& program,
                                                  const BackendModule& module) {
  if (scenario.parts != nullptr) {
    return std::make_unique<PartsExecution>(scenario, program, module);
  }
  return std::make_unique<LoopExecution>(scenario, program, module);
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
  out.push_back(event_fd_is_written_once_a_sleep());
  out.push_back(deadline_is_kept_and_polling_falls_back());
  out.push_back(polling_is_effective());
  out.push_back(silent_sources_are_not_polled());
  out.push_back(handlers_may_change_in_callbacks());
  out.push_back(closed_fds_disturb_nobody());
  out.push_back(own_requests_complete_once());
  out.push_back(timers_fire_in_order_and_on_time());
  out.push_back(waiting_ends_when_kicked());
  out.push_back(every_request_is_done_once());
  out.push_back(coroutines_run_once_and_in_order());
  out.push_back(no_buffer_is_lost());
  out.push_back(loop_threads_finish_their_jobs());
  out.push_back(every_file_request_is_done_once());
  out.push_back(nothing_visited_is_freed());
  return out;
}

}  // namespace properties
