// A scenario: what makes one property. Its table entries are in scenarios/, one file each.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "aiosim/property.h"
#include "generate.h"
#include "oracles/oracles.h"
#include "parts/run.h"
#include "properties/backend.h"

namespace properties {

/// The rule that a verdict of the runtime stands for in this property.
struct RuntimeRules {
  std::string deadlock = "S14.1";
  std::string livelock = "S14.3";
  std::string data_race = "S14.4";
  std::string lifetime = "S14.5";  // use of memory that is gone, bad frees, leaks
  std::string crash = "S14.6";     // failed assertion, SIGSEGV, escaped exception
};

struct Scenario {
  std::string name;
  std::string sentence;
  std::vector<std::string> rules;
  std::uint32_t needs = 0;  // Offers
  bool on_host = true;      // false: its programs take seconds, short in simulated time only
  Recipe recipe;
  std::vector<oracles::Oracle> oracles;
  RuntimeRules runtime;
  /// Programs about something else than the loop: what runs them, with an oracle of its own.
  std::unique_ptr<PartsRun> (*parts)(const Case& program, const BackendModule& module) = nullptr;
};

Scenario every_notify_wakes();
Scenario every_scheduled_bh_runs_once();
Scenario bh_order_holds_across_nested_slices();
Scenario progress_value_is_exact();
Scenario no_busy_loop();
Scenario event_fd_is_written_once_a_sleep();
Scenario deadline_is_kept_and_polling_falls_back();
Scenario polling_is_effective();
Scenario silent_sources_are_not_polled();
Scenario handlers_may_change_in_callbacks();
Scenario closed_fds_disturb_nobody();
Scenario own_requests_complete_once();
Scenario timers_fire_in_order_and_on_time();
Scenario waiting_ends_when_kicked();
Scenario every_request_is_done_once();
Scenario coroutines_run_once_and_in_order();
Scenario no_buffer_is_lost();
Scenario loop_threads_finish_their_jobs();
Scenario every_file_request_is_done_once();
Scenario nothing_visited_is_freed();

/// All of them, in the order of the report.
std::vector<Scenario> scenarios();

std::unique_ptr<aiosim::Property> make_property(Scenario scenario);

/// One program of `scenario` bound to a loop. Both must outlive it.
std::unique_ptr<aiosim::Execution> make_execution(const Scenario& scenario, const Case& program,
                                                  const BackendModule& module);

}  // namespace properties
