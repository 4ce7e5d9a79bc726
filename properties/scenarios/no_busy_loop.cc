#include "scenario.h"

namespace properties {

Scenario no_busy_loop() {
  Scenario out;
  out.name = "no_busy_loop";
  out.sentence =
      "Without new work at most two blocking polls after a notification return at once, "
      "no signal ends one, and the loop does not write its own event fd.";
  out.rules = {"S14.3", "R24", "R25", "R28", "R36", "R38", "R40", "R41", "D8"};
  out.needs = offers_bottom_halves | offers_timers;
  out.recipe.home = {{Verb::poll_blocking, 8}, {Verb::poll, 2},          {Verb::notify, 3},
                     {Verb::schedule, 2},      {Verb::schedule_idle, 1}, {Verb::arm, 3},
                     {Verb::signal, 1},        {Verb::disarm, 1}};
  out.recipe.producer = {
      {Verb::notify, 5}, {Verb::schedule, 2}, {Verb::signal, 1}, {Verb::advance, 3}};
  out.recipe.callback = {
      {Verb::notify, 2}, {Verb::schedule, 2}, {Verb::poll_blocking, 1}, {Verb::arm, 1}};
  out.recipe.most_producers = 2;
  out.recipe.bhs = 2;
  out.recipe.fds = 2;
  out.recipe.timers = 2;
  out.recipe.pollable = true;
  out.recipe.poll_max_ns = {0, 0, 50'000, 1'000'000};
  out.recipe.delays_ns = {1'000, 300'000, 1'500'000, 5'000'000, 30'000'000};
  out.oracles = {oracles::no_spin, oracles::quiet_notify, oracles::wakeups, oracles::deadlines};
  out.runtime = {.deadlock = "S14.1",
                 .livelock = "S14.3",
                 .data_race = "S14.4",
                 .lifetime = "S14.5",
                 .crash = "R41"};
  return out;
}

}  // namespace properties
