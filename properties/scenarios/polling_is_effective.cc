#include "scenario.h"

namespace properties {

Scenario polling_is_effective() {
  Scenario out;
  out.name = "polling_is_effective";
  out.sentence =
      "What comes while the loop has said that it polls busily never finds it asleep, and for how "
      "long it polls follows from how long its handlers were waited for.";
  out.rules = {"R56", "R57", "R58", "R59", "R64", "R65", "R66", "R72", "S14.1", "S14.9", "D5"};
  out.needs = offers_fd_handlers | offers_pollable_handlers | offers_busy_polling |
              offers_adaptive_polling | offers_bottom_halves;
  out.recipe.home = {{Verb::poll_blocking, 9}, {Verb::signal, 6}, {Verb::set_poll_max, 1},
                     {Verb::add_fd, 1},        {Verb::poll, 1},   {Verb::advance, 1},
                     {Verb::set_hooks, 1},     {Verb::poll_max_of_wait, 1}};
  out.recipe.producer = {{Verb::signal, 8},
                         {Verb::advance, 6},
                         {Verb::notify, 2},
                         {Verb::schedule, 2},
                         {Verb::modify_fd, 1}};
  out.recipe.callback = {{Verb::signal, 4},       {Verb::poll_blocking, 4}, {Verb::advance, 2},
                         {Verb::set_poll_max, 1}, {Verb::modify_fd, 1},     {Verb::remove_fd, 1},
                         {Verb::set_hooks, 2},    {Verb::poll_max_of_wait, 1}};
  out.recipe.least_producers = 1;
  out.recipe.most_producers = 2;
  out.recipe.bhs = 1;
  out.recipe.fds = 3;
  out.recipe.pollable = true;
  out.recipe.adaptive = true;
  out.recipe.at_once = {Verb::signal};
  out.recipe.poll_max_ns = {3'000, 30'000, 300'000, 3'000'000, 3'000'000};
  out.recipe.delays_ns = {1'000, 5'000, 50'000, 1'000'000};
  out.oracles = {oracles::polling_time,    oracles::polling_effective,
                 oracles::polling_window,  oracles::polling_pairs,
                 oracles::hooks_live,      oracles::level_trigger,
                 oracles::pollable_served, oracles::polling_stops,
                 oracles::wakeups};
  out.runtime = {.deadlock = "S14.9",
                 .livelock = "R59",
                 .data_race = "S14.4",
                 .lifetime = "S14.5",
                 .crash = "S14.6"};
  return out;
}

}  // namespace properties
