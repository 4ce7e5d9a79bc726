#include "scenario.h"

namespace properties {

Scenario every_notify_wakes() {
  Scenario out;
  out.name = "every_notify_wakes";
  out.sentence =
      "A completed notification ends the blocking poll under way, or keeps the next one "
      "from blocking.";
  out.rules = {"S14.1", "R3",  "R20", "R24", "R36", "R37", "R38",
               "R40",   "R41", "R42", "R43", "R46", "R72"};
  out.needs = offers_bottom_halves;
  out.recipe.home = {
      {Verb::poll_blocking, 8}, {Verb::poll, 3}, {Verb::notify, 1}, {Verb::schedule, 1}};
  out.recipe.producer = {{Verb::notify, 4},    {Verb::schedule, 4}, {Verb::schedule_idle, 1},
                         {Verb::oneshot, 1},   {Verb::signal, 1},   {Verb::arm, 1},
                         {Verb::delete_bh, 1}, {Verb::add_fd, 1},   {Verb::advance, 2}};
  out.recipe.callback = {{Verb::poll_blocking, 2}, {Verb::schedule, 2}, {Verb::notify, 1}};
  out.recipe.least_producers = 1;
  out.recipe.bhs = 3;
  out.recipe.fds = 1;
  out.recipe.timers = 1;
  out.recipe.oneshots = 1;
  out.recipe.pollable = true;
  out.recipe.poll_max_ns = {0, 0, 50'000, 1'000'000};
  out.oracles = {oracles::wakeups, oracles::bh_once};
  out.runtime.deadlock = "S14.1";
  return out;
}

}  // namespace properties
