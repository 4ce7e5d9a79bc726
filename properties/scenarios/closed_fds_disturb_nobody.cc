#include "scenario.h"

namespace properties {

Scenario closed_fds_disturb_nobody() {
  Scenario out;
  out.name = "closed_fds_disturb_nobody";
  out.sentence =
      "An fd that is closed before its handler goes makes no busy loop and keeps no other from "
      "being served; set again, its number works for the file that has it then.";
  out.rules = {"R70", "R71", "R72", "R75", "R80", "R81", "R84.2",
               "S14.1", "S14.3", "S14.5", "S14.9"};
  out.needs = offers_fd_handlers | offers_bottom_halves | offers_closed_fds;
  out.recipe.home = {
      {Verb::poll_blocking, 8}, {Verb::poll, 2},       {Verb::signal, 6}, {Verb::close_fd, 3},
      {Verb::open_fd, 3},       {Verb::recycle_fd, 2}, {Verb::add_fd, 3}, {Verb::modify_fd, 2},
      {Verb::remove_fd, 2},     {Verb::arm, 1}};
  out.recipe.producer = {{Verb::signal, 6},    {Verb::close_fd, 2},  {Verb::open_fd, 2},
                         {Verb::add_fd, 2},    {Verb::modify_fd, 2}, {Verb::recycle_fd, 1},
                         {Verb::remove_fd, 1}, {Verb::advance, 2},   {Verb::schedule, 1}};
  out.recipe.callback = {{Verb::signal, 3},     {Verb::close_fd, 3},  {Verb::open_fd, 2},
                         {Verb::recycle_fd, 1}, {Verb::modify_fd, 2}, {Verb::remove_fd, 2},
                         {Verb::add_fd, 2},     {Verb::poll, 2},      {Verb::poll_blocking, 1},
                         {Verb::keep, 1}};
  out.recipe.most_producers = 2;
  out.recipe.bhs = 1;
  out.recipe.fds = 3;
  out.recipe.timers = 1;
  out.recipe.pollable = true;
  out.recipe.write = true;
  out.recipe.poll_max_ns = {0, 0, 0, 50'000};
  out.oracles = {oracles::closed_fds,    oracles::level_trigger, oracles::no_spin,
                 oracles::handler_lives, oracles::polling_pairs, oracles::files_let_go,
                 oracles::wakeups};
  out.runtime = {.deadlock = "S14.9",
                 .livelock = "S14.3",
                 .data_race = "R75",
                 .lifetime = "S14.5",
                 .crash = "S14.6"};
  return out;
}

}  // namespace properties
