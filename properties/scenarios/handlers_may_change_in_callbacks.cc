#include "scenario.h"

namespace properties {

Scenario handlers_may_change_in_callbacks() {
  Scenario out;
  out.name = "handlers_may_change_in_callbacks";
  out.sentence =
      "Handlers may be added, replaced and removed by callbacks and other threads: no "
      "callback of one that is gone starts, and what is readable is reported.";
  out.rules = {"R51", "R54", "R58", "R60", "R68", "R69",   "R70",   "R71",   "R72",    "R74", "R75",
               "R77", "R80", "R98", "S14.3", "S14.5", "S14.9", "S14.10", "D6",  "D7"};
  out.needs = offers_fd_handlers | offers_nested_poll | offers_bottom_halves;
  out.recipe.home = {{Verb::poll_blocking, 6}, {Verb::poll, 4},      {Verb::signal, 8},
                     {Verb::add_fd, 3},        {Verb::modify_fd, 2}, {Verb::remove_fd, 2},
                     {Verb::hang_up, 1},       {Verb::set_hooks, 1}, {Verb::clear_hooks, 1}};
  out.recipe.producer = {{Verb::signal, 6},    {Verb::add_fd, 2},   {Verb::modify_fd, 2},
                         {Verb::remove_fd, 2}, {Verb::schedule, 2}, {Verb::hang_up, 1},
                         {Verb::advance, 1},   {Verb::set_hooks, 1}, {Verb::set_poll_max, 1}};
  out.recipe.callback = {{Verb::signal, 3},     {Verb::add_fd, 3},   {Verb::modify_fd, 3},
                         {Verb::remove_fd, 4},  {Verb::poll, 3},     {Verb::poll_blocking, 3},
                         {Verb::keep, 3},       {Verb::schedule, 1}, {Verb::set_hooks, 2},
                         {Verb::clear_hooks, 1}};
  out.recipe.most_producers = 2;
  out.recipe.bhs = 1;
  out.recipe.fds = 5;
  out.recipe.pollable = true;
  out.recipe.write = true;
  out.recipe.at_once = {Verb::add_fd, Verb::signal};  // more than there was room for
  out.recipe.poll_max_ns = {0, 0, 50'000, 1'000'000};
  out.oracles = {oracles::handler_lives, oracles::hooks_live,     oracles::no_reentry,
                 oracles::polling_pairs, oracles::level_trigger,  oracles::pollable_served,
                 oracles::no_spin,       oracles::progress_value, oracles::kernel_events,
                 oracles::wakeups,       oracles::polling_window};
  out.runtime = {.deadlock = "S14.9",
                 .livelock = "R68",
                 .data_race = "R75",
                 .lifetime = "R74",
                 .crash = "S14.6"};
  return out;
}

}  // namespace properties
