#include "scenario.h"

namespace properties {

Scenario timers_fire_in_order_and_on_time() {
  Scenario out;
  out.name = "timers_fire_in_order_and_on_time";
  out.sentence =
      "Timers run once an arming, by deadline and then in the order armed, never early, "
      "and not late whoever armed them; and not at all while they are held.";
  out.rules = {"R25", "R28", "R89", "R90", "R91", "R92", "S14.3", "S14.8", "D8", "D9"};
  out.needs = offers_timers;
  out.recipe.home = {{Verb::poll_blocking, 6}, {Verb::poll, 2},    {Verb::arm, 9},
                     {Verb::disarm, 2},        {Verb::advance, 2}, {Verb::hold_timers, 1},
                     {Verb::release_timers, 1}};
  out.recipe.producer = {{Verb::arm, 6},
                         {Verb::disarm, 1},
                         {Verb::advance, 5},
                         {Verb::notify, 1},
                         {Verb::release_timers, 1}};
  out.recipe.callback = {{Verb::arm, 6},           {Verb::disarm, 2},  {Verb::poll, 1},
                         {Verb::poll_blocking, 4}, {Verb::advance, 1}, {Verb::hold_timers, 1},
                         {Verb::release_timers, 1}};
  out.recipe.most_producers = 2;
  out.recipe.timers = 6;  // a heap of them has a shape
  out.recipe.far_timers = true;
  out.recipe.at_once = {Verb::arm};
  out.recipe.delays_ns = {1'000, 300'000, 1'500'000, 5'000'000, 20'000'000};
  out.oracles = {oracles::timer_order, oracles::deadlines, oracles::no_spin, oracles::wakeups,
                 oracles::progress_value};
  out.runtime = {.deadlock = "S14.8",
                 .livelock = "D9",
                 .data_race = "R89",
                 .lifetime = "S14.5",
                 .crash = "S14.6"};
  return out;
}

}  // namespace properties
