#include "scenario.h"

namespace properties {

Scenario own_requests_complete_once() {
  Scenario out;
  out.name = "own_requests_complete_once";
  out.sentence =
      "Each io_uring request of the user's own completes once with its own result, in order, in "
      "the poll that sees it and before its bottom halves, nested or not.";
  out.rules = {"R84b", "R48", "R51", "R77", "S14.1", "S14.3", "S14.5", "S14.9"};
  out.needs = offers_ring_requests | offers_bottom_halves | offers_nested_poll | offers_fd_handlers;
  out.recipe.home = {{Verb::poll_blocking, 8},   {Verb::poll, 3},          {Verb::nop_request, 6},
                     {Verb::timeout_request, 2}, {Verb::watch_request, 2}, {Verb::bad_request, 2},
                     {Verb::schedule, 2},        {Verb::signal, 3},        {Verb::arm, 1},
                     {Verb::advance, 2}};
  out.recipe.producer = {{Verb::nop_request, 5}, {Verb::timeout_request, 1},
                         {Verb::bad_request, 1}, {Verb::watch_request, 1},
                         {Verb::signal, 3},      {Verb::schedule, 1},
                         {Verb::advance, 2},     {Verb::notify, 1}};
  out.recipe.callback = {{Verb::nop_request, 3}, {Verb::again, 4},         {Verb::poll, 4},
                         {Verb::bad_request, 1}, {Verb::poll_blocking, 2}, {Verb::schedule, 2},
                         {Verb::signal, 1},      {Verb::remove_fd, 1}};
  out.recipe.most_producers = 2;
  out.recipe.bhs = 2;
  out.recipe.fds = 2;
  out.recipe.timers = 1;
  out.recipe.own = 3;
  out.recipe.at_once = {Verb::timeout_request};
  out.recipe.pollable = true;
  out.recipe.poll_max_ns = {0, 0, 0, 50'000};
  out.oracles = {oracles::own_requests,  oracles::progress_value, oracles::wakeups,
                 oracles::level_trigger, oracles::no_spin,        oracles::bh_once};
  out.runtime = {.deadlock = "R84b",
                 .livelock = "S14.3",
                 .data_race = "S14.4",
                 .lifetime = "S14.5",
                 .crash = "S14.6"};
  return out;
}

}  // namespace properties
