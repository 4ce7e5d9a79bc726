#include "scenario.h"

namespace properties {

Scenario event_fd_is_written_once_a_sleep() {
  Scenario out;
  out.name = "event_fd_is_written_once_a_sleep";
  out.sentence =
      "Whoever gives the loop work writes its event fd only if it sleeps or is about to, and then "
      "one of them alone.";
  out.rules = {"R36", "R37", "R40", "R41", "R42", "S14.1"};
  out.needs = offers_bottom_halves | offers_quiet_notify | offers_one_write_a_sleep;
  out.recipe.home = {{Verb::poll_blocking, 8}, {Verb::poll, 3},   {Verb::notify, 1},
                     {Verb::schedule, 1},      {Verb::signal, 2}, {Verb::advance, 1}};
  out.recipe.producer = {{Verb::notify, 5}, {Verb::schedule, 4}, {Verb::arm, 1},
                         {Verb::signal, 1}, {Verb::advance, 2},  {Verb::oneshot, 1}};
  out.recipe.callback = {{Verb::poll_blocking, 2}, {Verb::schedule, 2}, {Verb::notify, 1}};
  out.recipe.least_producers = 1;
  out.recipe.bhs = 3;
  out.recipe.fds = 2;
  out.recipe.timers = 1;
  out.recipe.oneshots = 1;
  out.recipe.pollable = true;
  out.recipe.poll_max_ns = {0, 0, 50'000, 1'000'000};
  out.oracles = {oracles::event_fd_writes, oracles::wakeups};
  out.runtime.deadlock = "S14.1";
  return out;
}

}  // namespace properties
