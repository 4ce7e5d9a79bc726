#include "scenario.h"

namespace properties {

Scenario deadline_is_kept_and_polling_falls_back() {
  Scenario out;
  out.name = "deadline_is_kept_and_polling_falls_back";
  out.sentence =
      "A blocking poll wakes for its earliest timer whatever was spent on busy polling, "
      "which is bounded, over before the loop sleeps, and looks once more then.";
  out.rules = {"S14.8", "S14.9", "S14.10", "R24", "R25", "R28", "R57",
               "R58",   "R59",   "R60",    "R61", "R66", "D6",  "D7"};
  out.needs = offers_timers | offers_fd_handlers | offers_pollable_handlers | offers_busy_polling;
  out.recipe.home = {{Verb::poll_blocking, 8}, {Verb::poll, 1},     {Verb::arm, 5},
                     {Verb::signal, 4},        {Verb::add_fd, 1},   {Verb::remove_fd, 1},
                     {Verb::advance, 1},       {Verb::set_hooks, 1}};
  out.recipe.producer = {{Verb::signal, 8},
                         {Verb::advance, 6},
                         {Verb::arm, 2},
                         {Verb::notify, 1},
                         {Verb::set_hooks, 1}};
  out.recipe.callback = {{Verb::arm, 3},       {Verb::poll_blocking, 2}, {Verb::signal, 2},
                         {Verb::remove_fd, 1}, {Verb::add_fd, 1},        {Verb::modify_fd, 1},
                         {Verb::set_hooks, 1}, {Verb::clear_hooks, 1}};
  out.recipe.most_producers = 2;
  out.recipe.fds = 3;  // and the event fd: enough to change to epoll
  out.recipe.timers = 2;
  out.recipe.pollable = true;
  out.recipe.at_once = {Verb::signal};
  out.recipe.poll_max_ns = {0, 20'000, 300'000, 300'000, 3'000'000};
  out.recipe.delays_ns = {5'000, 100'000, 800'000, 3'000'000};
  out.oracles = {oracles::deadlines,  oracles::polling_window, oracles::polling_pairs,
                 oracles::hooks_live, oracles::level_trigger,  oracles::pollable_served,
                 oracles::wakeups,    oracles::no_spin,        oracles::timer_order};
  out.runtime = {.deadlock = "S14.8",
                 .livelock = "R59",
                 .data_race = "S14.4",
                 .lifetime = "S14.5",
                 .crash = "S14.6"};
  return out;
}

}  // namespace properties
