#include "scenario.h"

namespace properties {

Scenario waiting_ends_when_kicked() {
  Scenario out;
  out.name = "waiting_ends_when_kicked";
  out.sentence =
      "wait_while polls until its condition is false, and ends once another thread has "
      "changed it and kicked.";
  out.rules = {"R100", "R101"};
  out.needs = offers_wait_kick | offers_bottom_halves;
  out.recipe.home = {
      {Verb::wait_flag, 8}, {Verb::poll, 2}, {Verb::schedule, 2}, {Verb::poll_blocking, 1}};
  out.recipe.producer = {{Verb::set_flag, 8}, {Verb::schedule, 1}, {Verb::advance, 1}};
  out.recipe.callback = {{Verb::wait_flag, 4}, {Verb::schedule, 1}};
  out.recipe.least_producers = 1;
  out.recipe.most_producers = 2;
  out.recipe.bhs = 2;
  out.recipe.poll_max_ns = {0, 0, 1'000'000};
  out.oracles = {oracles::waiting, oracles::bh_once, oracles::wakeups};
  out.runtime = {.deadlock = "R101",
                 .livelock = "R100",
                 .data_race = "R100",
                 .lifetime = "S14.5",
                 .crash = "S14.6"};
  return out;
}

}  // namespace properties
