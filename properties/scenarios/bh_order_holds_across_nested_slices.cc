#include "scenario.h"

namespace properties {

Scenario bh_order_holds_across_nested_slices() {
  Scenario out;
  out.name = "bh_order_holds_across_nested_slices";
  out.sentence =
      "Bottom halves run newest first within a slice and slices run oldest first, each "
      "drained by the innermost poll.";
  out.rules = {"R12", "R13", "R14", "R15", "R16", "R17", "R23", "R24", "R25",
               "S14.2", "S14.8", "R46", "D1", "D2"};
  out.needs = offers_bottom_halves | offers_nested_poll;
  out.recipe.home = {{Verb::poll_blocking, 3}, {Verb::poll, 4},   {Verb::schedule, 9},
                     {Verb::schedule_idle, 2}, {Verb::cancel, 2}, {Verb::delete_bh, 1},
                     {Verb::oneshot, 1},       {Verb::signal, 1}, {Verb::arm, 1},
                     {Verb::meet, 2}};
  out.recipe.producer = {
      {Verb::schedule, 4}, {Verb::schedule_idle, 1}, {Verb::oneshot, 1}, {Verb::meet, 3}};
  out.recipe.callback = {{Verb::schedule, 6},      {Verb::schedule_idle, 1}, {Verb::poll, 4},
                         {Verb::poll_blocking, 3}, {Verb::cancel, 1},        {Verb::delete_bh, 1},
                         {Verb::oneshot, 1},       {Verb::meet, 1},          {Verb::arm, 1}};
  out.recipe.most_producers = 1;
  out.recipe.bhs = 5;
  out.recipe.oneshots = 1;
  out.recipe.fds = 1;
  out.recipe.timers = 1;
  out.recipe.delays_ns = {1'000, 2'000'000, 30'000'000};  // before and after an idle one's 10 ms
  out.oracles = {oracles::bh_order,       oracles::bh_order_across, oracles::bh_once,
                 oracles::progress_value, oracles::wakeups,         oracles::reentrancy_guard,
                 oracles::deadlines};
  out.runtime = {
      .deadlock = "R24", .livelock = "R15", .data_race = "R6", .lifetime = "R21", .crash = "S14.6"};
  return out;
}

}  // namespace properties
