#include "scenario.h"

namespace properties {

Scenario every_scheduled_bh_runs_once() {
  Scenario out;
  out.name = "every_scheduled_bh_runs_once";
  out.sentence =
      "Each schedule of a bottom half that is neither cancelled nor deleted is followed "
      "by exactly one call that may serve others too, and that sees what the scheduler "
      "wrote before.";
  out.rules = {"S14.2", "S14.4", "S14.5", "R24", "R3",  "R4",  "R5", "R6",
               "R9",    "R10",   "R11",   "R19", "R20", "R21", "R22"};
  out.needs = offers_bottom_halves | offers_cancel | offers_oneshot;
  out.recipe.home = {{Verb::poll_blocking, 4}, {Verb::poll, 5},   {Verb::schedule, 4},
                     {Verb::schedule_idle, 1}, {Verb::cancel, 1}, {Verb::delete_bh, 1},
                     {Verb::oneshot, 1}};
  out.recipe.producer = {{Verb::schedule, 8},  {Verb::schedule_idle, 1}, {Verb::cancel, 1},
                         {Verb::delete_bh, 1}, {Verb::oneshot, 2},       {Verb::advance, 1}};
  out.recipe.callback = {{Verb::schedule, 4}, {Verb::poll, 2},      {Verb::poll_blocking, 1},
                         {Verb::cancel, 1},   {Verb::delete_bh, 2}, {Verb::oneshot, 1}};
  out.recipe.bhs = 3;
  out.recipe.oneshots = 2;
  out.recipe.poll_max_ns = {0, 0, 1'000'000};
  out.oracles = {oracles::bh_once, oracles::wakeups};
  out.runtime = {.deadlock = "S14.2", .data_race = "R6", .lifetime = "S14.5", .crash = "S14.6"};
  return out;
}

}  // namespace properties
