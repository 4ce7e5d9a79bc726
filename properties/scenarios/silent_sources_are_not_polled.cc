#include "scenario.h"

namespace properties {

Scenario silent_sources_are_not_polled() {
  Scenario out;
  out.name = "silent_sources_are_not_polled";
  out.sentence =
      "A source that busy polling has found silent for 7 s is left out of it, its polling ended, "
      "and is served by its fd until it comes alive again.";
  out.rules = {"R56", "R63", "R66", "D7", "S14.1", "S14.9", "S14.10"};
  out.needs = offers_timers | offers_fd_handlers | offers_pollable_handlers | offers_busy_polling |
              offers_adaptive_polling | offers_idle_removal;
  out.on_host = false;
  out.recipe.home = {{Verb::poll_blocking, 9}, {Verb::arm, 6}, {Verb::signal, 4}, {Verb::poll, 1}};
  out.recipe.producer = {{Verb::signal, 4}, {Verb::advance, 6}};
  out.recipe.callback = {
      {Verb::arm, 3}, {Verb::signal, 2}, {Verb::poll_blocking, 1}, {Verb::remove_fd, 1}};
  out.recipe.most_producers = 1;
  out.recipe.fds = 2;
  out.recipe.timers = 2;
  out.recipe.pollable = true;
  out.recipe.adaptive = true;
  out.recipe.poll_max_ns = {30'000, 300'000, 3'000'000};
  out.recipe.delays_ns = {1'000, 50'000, 4'000'000'000, 8'000'000'000, 8'000'000'000};
  out.oracles = {oracles::quiet_sources, oracles::polling_pairs, oracles::level_trigger,
                 oracles::polling_window, oracles::wakeups};
  out.runtime = {.deadlock = "S14.9",
                 .livelock = "R59",
                 .data_race = "S14.4",
                 .lifetime = "S14.5",
                 .crash = "S14.6"};
  return out;
}

}  // namespace properties
