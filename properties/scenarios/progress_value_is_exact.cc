#include "scenario.h"

namespace properties {

Scenario progress_value_is_exact() {
  Scenario out;
  out.name = "progress_value_is_exact";
  out.sentence =
      "poll() returns true exactly if it called something other than idle bottom halves "
      "and the notifier.";
  out.rules = {"R17", "R39", "R48", "R77", "D2"};
  out.needs = offers_bottom_halves | offers_progress_value | offers_fd_handlers | offers_timers;
  out.recipe.home = {{Verb::poll_blocking, 5}, {Verb::poll, 5},          {Verb::notify, 3},
                     {Verb::schedule, 2},      {Verb::schedule_idle, 3}, {Verb::cancel, 1},
                     {Verb::signal, 2},        {Verb::arm, 2},           {Verb::advance, 1}};
  out.recipe.producer = {{Verb::notify, 3}, {Verb::schedule_idle, 2}, {Verb::schedule, 1},
                         {Verb::signal, 2}, {Verb::cancel, 1},        {Verb::advance, 1}};
  out.recipe.callback = {{Verb::poll, 3},     {Verb::poll_blocking, 1}, {Verb::schedule_idle, 2},
                         {Verb::schedule, 1}, {Verb::notify, 1},        {Verb::signal, 1},
                         {Verb::remove_fd, 1}};
  out.recipe.most_producers = 2;
  out.recipe.bhs = 3;
  out.recipe.fds = 2;
  out.recipe.timers = 1;
  out.recipe.pollable = true;
  out.recipe.write = true;
  out.recipe.poll_max_ns = {0, 0, 50'000, 1'000'000};
  out.oracles = {oracles::progress_value, oracles::wakeups, oracles::bh_once};
  out.runtime = {.deadlock = "S14.1", .data_race = "S14.4", .lifetime = "S14.5", .crash = "S14.6"};
  return out;
}

}  // namespace properties
